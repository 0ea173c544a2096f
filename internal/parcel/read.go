package parcel

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"tsunagi/internal/account"
	"tsunagi/internal/roster"
	"tsunagi/internal/topic"
)

// Report is what was or would be made of a parcel.
type Report struct {
	account.Restoration
	Head     Head
	Retained int
}

// Take makes an instance what a parcel says. The whole file is judged before anything is made of it; in a dry run that is
// all. Where it has faults, nothing is made. Retained messages come last: where they break off, by a limit of the plan or
// a full disk, the rest of the instance is there, and a note says how many are.
func (c *Courier) Take(ctx context.Context, by account.Actor, instance string, body io.Reader, dry bool) (r Report, err error) {
	if err := c.Accounts.RestoreFirst(ctx, by, instance); err != nil { // before the work of reading
		return r, err
	}
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	default:
		return r, &account.Error{Code: account.RateLimited, Key: "api.busy", Wait: 1e9}
	}
	file, err := os.CreateTemp(c.Dir, ".parcel-*")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	size, err := io.Copy(file, io.LimitReader(body, MaxSize+1))
	if err != nil {
		return r, refuse("it broke off on its way: " + err.Error())
	}
	if size > MaxSize {
		return r, &account.Error{Code: account.Invalid, Key: "api.restore.size", Args: []any{"limit", MaxSize >> 20}}
	}
	z, err := zip.NewReader(file, size)
	if err != nil {
		return r, refuse(err.Error())
	}
	return c.open(ctx, by, instance, z, dry)
}

// refuse says that a file is no parcel.
func refuse(cause string) error {
	return &account.Error{Code: account.Invalid, Key: "api.restore.file", Args: []any{"cause", cause}}
}

func (c *Courier) open(ctx context.Context, by account.Actor, instance string, z *zip.Reader, dry bool) (r Report, err error) {
	if r.Head, err = readHead(z); err != nil {
		return r, err
	}
	users, err := readUsers(z)
	if err != nil {
		return r, err
	}
	if r.Restoration, err = c.Accounts.Restore(ctx, by, instance, r.Head.Content, users, true); err != nil {
		return r, err
	}
	have, err := c.Messages.Retained(ctx, instance, "", 1)
	if err != nil {
		return r, err
	}
	if len(have) > 0 {
		return r, &account.Error{Code: account.Conflict, Key: "api.restore.empty"}
	}
	err = eachRetained(ctx, z, func(line int, m *Retained) error {
		if topic.CheckName(m.Topic) != nil || m.Topic[0] == '$' || m.QoS > 2 {
			r.Faults.Add(roster.Place{Source: retainedName, Line: line}, "api.topic.name")
		} else if len(m.Bytes()) == 0 {
			r.Faults.Add(roster.Place{Source: retainedName, Line: line}, "api.restore.nothing")
		} else {
			r.Retained++
		}
		return nil
	})
	if err != nil || dry || r.Faults.Total > 0 {
		return r, err
	}
	if r.Restoration, err = c.Accounts.Restore(ctx, by, instance, r.Head.Content, users, false); err != nil || !r.Applied {
		return r, err
	}
	wanted := r.Retained
	if r.Retained, err = c.keep(ctx, instance, z); err != nil {
		r.Notes.Add(roster.Place{Source: retainedName}, "api.restore.retained", "count", r.Retained, "of", wanted, "cause", err.Error())
	}
	return r, nil // the instance is there, and so are its new passwords, which are told once
}

// keep retains the messages by pages and says how many were kept.
func (c *Courier) keep(ctx context.Context, instance string, z *zip.Reader) (n int, err error) {
	var list []Retained
	bytes := 0
	flush := func() error {
		if len(list) == 0 {
			return nil
		}
		if err := c.Messages.Keep(ctx, instance, list); err != nil {
			return err
		}
		n += len(list)
		list, bytes = list[:0], 0
		return nil
	}
	err = eachRetained(ctx, z, func(_ int, m *Retained) error {
		list, bytes = append(list, *m), bytes+len(m.Payload)+len(m.Base64)
		if len(list) < page && bytes < 4<<20 {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	return n, err
}

// part opens a file of the parcel, of at most limit bytes.
func part(z *zip.Reader, name string, limit int64) (io.ReadCloser, error) {
	for _, f := range z.File {
		if f.Name != name {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, refuse(name + ": " + err.Error())
		}
		return bounded{io.LimitReader(r, limit+1), r}, nil
	}
	return nil, refuse("it has no " + name)
}

// bounded ends one byte behind its bound, by which its reader sees that it is too long.
type bounded struct {
	io.Reader
	io.Closer
}

func readHead(z *zip.Reader) (h Head, err error) {
	r, err := part(z, instanceName, maxHead)
	if err != nil {
		return h, err
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err == nil && len(raw) > maxHead {
		err = fmt.Errorf("longer than %d MiB", maxHead>>20)
	}
	if err == nil {
		err = json.Unmarshal(raw, &h)
	}
	switch {
	case err != nil:
		return h, refuse(instanceName + ": " + err.Error())
	case h.Format != format:
		return h, refuse("it is no export of an instance")
	case h.Version > version:
		return h, refuse(fmt.Sprintf("its form %d is of a newer program (%s); this one knows form %d", h.Version, h.Program, version))
	}
	return h, nil
}

func readUsers(z *zip.Reader) (list []account.PortableUser, err error) {
	err = lines(z, usersName, maxUsers, 64<<10, func(line int, raw []byte) error {
		if line > account.MaxPortableUsers {
			return refuse(fmt.Sprintf("%s: more than %d users", usersName, account.MaxPortableUsers))
		}
		var u account.PortableUser
		if err := json.Unmarshal(raw, &u); err != nil {
			return refuse(fmt.Sprintf("%s, line %d: %v", usersName, line, err))
		}
		list = append(list, u)
		return nil
	})
	return list, err
}

func eachRetained(ctx context.Context, z *zip.Reader, f func(line int, m *Retained) error) error {
	return lines(z, retainedName, maxAll, maxLine, func(line int, raw []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		var m Retained
		if err := json.Unmarshal(raw, &m); err != nil {
			return refuse(fmt.Sprintf("%s, line %d: %v", retainedName, line, err))
		}
		return f(line, &m)
	})
}

// lines calls f with each line that isn't empty, whose bytes are good until it returns.
func lines(z *zip.Reader, name string, limit int64, longest int, f func(line int, raw []byte) error) error {
	r, err := part(z, name, limit)
	if err != nil {
		return err
	}
	defer r.Close()
	s, read := bufio.NewScanner(r), int64(0)
	s.Buffer(make([]byte, 0, 64<<10), longest)
	for n := 1; s.Scan(); n++ {
		if read += int64(len(s.Bytes())) + 1; read > limit {
			return refuse(fmt.Sprintf("%s is longer than %d MiB", name, limit>>20))
		}
		if raw := bytes.TrimSpace(s.Bytes()); len(raw) > 0 {
			if err := f(n, raw); err != nil {
				return err
			}
		}
	}
	if err := s.Err(); err != nil {
		return refuse(name + ": " + err.Error())
	}
	return nil
}
