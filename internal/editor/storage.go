package editor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Lock takes a data directory for this process until it is closed. It fails while a flow server runs on the directory.
func Lock(dir string) (io.Closer, error) {
	f, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Names in the directory of a flow server. All but the last two are Node-RED's.
const (
	flowsFile    = "flows.json"
	credsFile    = "flows_cred.json"
	runtimeFile  = ".config.runtime.json"
	usersFile    = ".config.users.json"
	libraryDir   = "lib"
	accountsFile = "auth.json"     // who may sign in
	sessionsFile = "sessions.json" // digests of the tokens given out
)

// Store keeps the files of one flow server. Its methods may be called from many goroutines.
type Store struct {
	mu   sync.Mutex // one writer at a time
	dir  folder
	lock *os.File
}

// OpenStore takes dir, which it makes when missing, and finishes what a stopped process left there.
func OpenStore(dir string) (*Store, error) {
	if dir == "" {
		return nil, errors.New("no data directory is named")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	s := &Store{dir: folder{path: dir}, lock: lock}
	if err := s.dir.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory: %w", err), lock.Close())
	}
	return s, nil
}

// Close lets go of the directory.
func (s *Store) Close() error { return s.lock.Close() }

// Path is the directory.
func (s *Store) Path() string { return s.dir.path }

// read returns a file, nil when it is not there.
func (s *Store) read(name string) ([]byte, error) {
	content, err := os.ReadFile(s.dir.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

// readJSON decodes a file into v and leaves v alone when the file is not there or empty.
func (s *Store) readJSON(name string, v any) error {
	content, err := s.read(name)
	if err != nil || len(bytes.TrimSpace(content)) == 0 {
		return err
	}
	if err := json.Unmarshal(content, v); err != nil {
		return fmt.Errorf("%s: %w; repair it, or move it away (%s.backup has the content before the last change)",
			s.dir.file(name), err, hidden(name))
	}
	return nil
}

// write replaces files together.
func (s *Store) write(files map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dir.replace(files)
}

// writeJSON replaces one file with v.
func (s *Store) writeJSON(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "    ")
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return s.write(map[string][]byte{name: text})
}

// pretty indents JSON text as Node-RED does, with four spaces.
func pretty(text []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "    "); err != nil {
		return text
	}
	return b.Bytes()
}

// change replaces a file that holds one JSON object by what f makes of it. Nobody else changes it meanwhile.
func (s *Store) change(name string, f func(map[string]json.RawMessage) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]json.RawMessage{}
	if err := s.readJSON(name, &all); err != nil {
		return err
	}
	if err := f(all); err != nil {
		return err
	}
	text, err := json.MarshalIndent(all, "", "    ")
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return s.dir.replace(map[string][]byte{name: text})
}
