package home

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tsunagi/internal/ondisk"
	"tsunagi/internal/release"
)

// ReleaseHeader has the manifest of the program in a request's body: JSON in base64.
const ReleaseHeader = "Tsunagi-Release"

// historyFile says in the data directory which releases there were.
const historyFile = ".tsunagi-release.json"

// Updater takes another version of the program: checked, written beside the present one, and handed over for a trial.
type Updater struct {
	Dir     string            // data directory
	Program string            // file of the present program; symbolic links followed
	Key     ed25519.PublicKey // that releases are signed with
	Built   time.Time         // when the present program was made; zero: not known
	// Try ends the flow server and has the new program prove itself, soon after the answer to the request is out.
	Try func(newProgram string, m *release.Manifest)

	mu sync.Mutex // one at a time
}

// history is what is kept about releases.
type history struct {
	SignedAt int64  `json:"signed_at"`        // of the newest that was taken
	Failed   string `json:"failed,omitempty"` // why the last one was not
}

// Problem says why there can be no update; "" when there can.
func (u *Updater) Problem() string {
	switch {
	case u == nil:
		return "this system can't replace a running program"
	case len(u.Key) == 0:
		return "no key is known that releases are signed with: set update_key, or pair the device again"
	}
	f, err := os.CreateTemp(filepath.Dir(u.Program), ".tsunagi-*")
	if err != nil {
		return "the program " + u.Program + " can't be replaced by the user that it runs as: use the system's packages"
	}
	f.Close()
	os.Remove(f.Name())
	return ""
}

// Failed says why the last release was not taken; "" when it was.
func (u *Updater) Failed() string {
	if u == nil {
		return ""
	}
	return u.history().Failed
}

func (u *Updater) history() (h history) {
	if text, err := os.ReadFile(filepath.Join(u.Dir, historyFile)); err == nil {
		_ = json.Unmarshal(text, &h) // damaged: as if there were none
	}
	return h
}

func (u *Updater) note(h history) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return ondisk.Replace(filepath.Join(u.Dir, historyFile), 0o600, bytes.NewReader(text))
}

// Take reads a program that came with a manifest and has it tried.
func (u *Updater) Take(m *release.Manifest, program io.Reader) error {
	if !u.mu.TryLock() {
		return errors.New("another update is under way")
	}
	defer u.mu.Unlock()
	if problem := u.Problem(); problem != "" {
		return errors.New(problem)
	}
	if err := m.Check(u.Key, Target()); err != nil {
		return err
	}
	switch at := m.SignedAt; { // to go back on purpose, the older program is signed anew
	case at < u.history().SignedAt:
		return errors.New("the release is older than one that this device has had")
	case !u.Built.IsZero() && at < u.Built.Unix():
		return errors.New("the release is older than the program that runs here")
	}
	name := u.Program + ".new"
	if err := write(name, m, program); err != nil {
		os.Remove(name)
		return err
	}
	u.Try(name, m)
	return nil
}

// write keeps a program when it is the signed one.
func write(name string, m *release.Manifest, program io.Reader) error {
	os.Remove(name) // left by a run that was interrupted
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, hash), io.LimitReader(program, m.Size))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if n != m.Size || string(hash.Sum(nil)) != string(m.SHA256) {
		return errors.New("the program that came is not the one that was signed")
	}
	return nil
}

// Keep puts a program that proved itself in the place of the present one, which stays beside it with ".old".
func (u *Updater) Keep(newProgram string, m *release.Manifest) error {
	old := u.Program + ".old"
	os.Remove(old)
	if err := os.Link(u.Program, old); err != nil {
		return err
	}
	if err := os.Rename(newProgram, u.Program); err != nil {
		return err
	}
	_ = ondisk.SyncDir(filepath.Dir(u.Program)) // else the old program comes back after a power failure
	return u.note(history{SignedAt: max(m.SignedAt, u.history().SignedAt)})
}

// Drop forgets a program that did not prove itself.
func (u *Updater) Drop(newProgram string, m *release.Manifest, why error) error {
	h := u.history()
	h.Failed = fmt.Sprintf("version %s did not come up and was taken back: %v", m.Version, why)
	return errors.Join(os.Remove(newProgram), u.note(h))
}

// update takes a program from the panel.
func (d *Door) update(w http.ResponseWriter, r *http.Request) {
	raw, err := base64.StdEncoding.DecodeString(r.Header.Get(ReleaseHeader))
	m := &release.Manifest{}
	if err == nil {
		err = json.Unmarshal(raw, m)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "the update came without a manifest")
		return
	}
	if d.o.Update == nil {
		refuse(w, http.StatusConflict, d.o.Update.Problem())
		return
	}
	if err := d.o.Update.Take(m, r.Body); err != nil {
		d.o.Logger.Warn("update refused", "version", m.Version, "error", err)
		refuse(w, http.StatusConflict, err.Error())
		return
	}
	d.o.Logger.Info("another version of the program is tried", "version", m.Version)
	w.WriteHeader(http.StatusNoContent)
}
