package editor

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tsunagi/internal/flow"
)

// Bounds of what is kept of former deploys. What goes first are the oldest without a name.
const (
	maxSnapshots     = 50
	maxSnapshotBytes = 64 << 20 // packed
	maxSnapshotName  = 100      // bytes
	snapshotDir      = "snapshots"
	snapshotIndex    = "index.json"
)

// snapshot is one former deploy, as the list shows it.
type snapshot struct {
	ID    string    `json:"id"`
	Time  time.Time `json:"time"`
	User  string    `json:"user,omitempty"`
	Name  string    `json:"name,omitempty"`
	Type  string    `json:"type"` // of the deploy: full, flows, nodes; restore, found
	Rev   string    `json:"rev"`
	Nodes int       `json:"nodes"`
	Bytes int       `json:"bytes"` // on the disk
}

// snapshotFile is what is kept of a deploy: the credentials sealed as in flows_cred.json.
type snapshotFile struct {
	Flows       json.RawMessage `json:"flows"`
	Credentials json.RawMessage `json:"credentials,omitempty"`
}

// snapshots keeps the last deploys in a directory of their own, each packed, with an index.
type snapshots struct {
	mu   sync.Mutex
	dir  folder
	list []snapshot // oldest first
	next int        // number of the next id
}

// openSnapshots reads the index and finishes what a stopped process left.
func openSnapshots(store *Store) (*snapshots, error) {
	s := &snapshots{dir: folder{path: store.dir.file(snapshotDir), written: store.dir.written}}
	if err := os.MkdirAll(s.dir.path, 0o700); err != nil {
		return nil, err
	}
	if err := s.dir.recover(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(s.dir.file(snapshotIndex))
	if err == nil {
		err = json.Unmarshal(text, &s.list)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.list = nil // the index alone is damaged: what it named can be read by hand
	}
	for _, one := range s.list {
		if n, err := strconv.Atoi(one.ID); err == nil && n >= s.next {
			s.next = n + 1
		}
	}
	return s, nil
}

func snapshotName(id string) string { return id + ".json.gz" }

// add keeps a deploy. secret seals the credentials.
func (s *snapshots) add(d *deployed, secret, user, kind string) error {
	file := snapshotFile{Flows: d.json}
	if len(d.creds) > 0 {
		sealed, err := sealCredentials(d.creds, secret)
		if err != nil {
			return err
		}
		file.Credentials = sealed
	}
	text, err := json.Marshal(file)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one := snapshot{ID: fmt.Sprintf("%06d", s.next), Time: time.Now().UTC().Truncate(time.Second), User: user, Type: kind,
		Rev: d.rev, Nodes: len(d.file.Nodes), Bytes: packed.Len()}
	list, gone := bound(append(slices.Clone(s.list), one))
	if err := s.save(list, map[string][]byte{snapshotName(one.ID): packed.Bytes()}, gone); err != nil {
		return err
	}
	s.next++
	return nil
}

// bound drops what is more than may be kept: the oldest without a name first, never the last.
func bound(list []snapshot) (kept, gone []snapshot) {
	bytes := 0
	for _, one := range list {
		bytes += one.Bytes
	}
	for len(list) > 1 && (len(list) > maxSnapshots || bytes > maxSnapshotBytes) {
		i := slices.IndexFunc(list[:len(list)-1], func(one snapshot) bool { return one.Name == "" })
		i = max(i, 0)
		gone = append(gone, list[i])
		bytes -= list[i].Bytes
		list = slices.Delete(list, i, i+1)
	}
	return list, gone
}

// save writes the index with the files that it newly names, and removes those that it no
// longer names. The caller has the lock.
func (s *snapshots) save(list []snapshot, files map[string][]byte, gone []snapshot) error {
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if files == nil {
		files = map[string][]byte{}
	}
	files[snapshotIndex] = text
	if err := s.dir.replace(files); err != nil {
		return err
	}
	s.list = list
	for _, one := range gone {
		if err := os.Remove(s.dir.file(snapshotName(one.ID))); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// all lists what is kept, the newest first.
func (s *snapshots) all() []snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := append([]snapshot{}, s.list...)
	slices.Reverse(list)
	return list
}

// newest is the last deploy that is kept.
func (s *snapshots) newest() (snapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) == 0 {
		return snapshot{}, false
	}
	return s.list[len(s.list)-1], true
}

// get returns one with what it holds.
func (s *snapshots) get(id string) (snapshot, *snapshotFile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.list, func(one snapshot) bool { return one.ID == id })
	if i < 0 {
		return snapshot{}, nil, notFound("There is no such snapshot.")
	}
	f, err := os.Open(filepath.Join(s.dir.path, snapshotName(id)))
	if err != nil {
		return snapshot{}, nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	r, err := gzip.NewReader(f)
	if err != nil {
		return snapshot{}, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, 4*maxFlows))
	if err != nil {
		return snapshot{}, nil, err
	}
	file := &snapshotFile{}
	if err := json.Unmarshal(text, file); err != nil {
		return snapshot{}, nil, err
	}
	return s.list[i], file, nil
}

// rename gives one a name, "" takes it away.
func (s *snapshots) rename(id, name string) error {
	name = strings.TrimSpace(name)
	if len(name) > maxSnapshotName {
		return refusal(400, "invalid_name", "The name must not be longer than %d bytes.", maxSnapshotName)
	}
	return s.edit(id, func(list []snapshot, i int) ([]snapshot, []snapshot) {
		list[i].Name = name
		return list, nil
	})
}

// remove forgets one.
func (s *snapshots) remove(id string) error {
	return s.edit(id, func(list []snapshot, i int) ([]snapshot, []snapshot) {
		gone := list[i]
		return slices.Delete(list, i, i+1), []snapshot{gone}
	})
}

func (s *snapshots) edit(id string, f func(list []snapshot, i int) (kept, gone []snapshot)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.list, func(one snapshot) bool { return one.ID == id })
	if i < 0 {
		return notFound("There is no such snapshot.")
	}
	kept, gone := f(slices.Clone(s.list), i)
	return s.save(kept, nil, gone)
}

// restored makes of a snapshot what is to be deployed. Credentials that can't be read with the
// secret of today are those of today.
func (f *snapshotFile) restored(now *deployed, secret string, kinds func(string) map[string]string) (*deployed, error) {
	file, err := flow.ParseFile(f.Flows)
	if err != nil {
		return nil, err
	}
	creds := now.creds
	if len(f.Credentials) == 0 {
		creds = flow.Credentials{}
	} else if opened, err := openCredentials(f.Credentials, secret); err == nil {
		creds = opened
	}
	return &deployed{file: file, json: file.JSON(), rev: file.Rev(), creds: mergeCredentials(file, creds, kinds)}, nil
}
