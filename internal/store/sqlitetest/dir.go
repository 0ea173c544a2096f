// Package sqlitetest gives tests data directories of the embedded store in which all tables are already. Making the tables
// takes most of a second under the race detector, and nearly every test wants a store of its own.
package sqlitetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"tsunagi/internal/store/sqlite"
)

// files are those of a new store that was closed, by name; they are made once for all tests of a process.
var files = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "tsunagi-store")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir, BallastBytes: -1})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	made := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".db" {
			text, readErr := os.ReadFile(filepath.Join(dir, e.Name()))
			made[e.Name()], err = text, errors.Join(err, readErr)
		}
	}
	return made, err
})

// Dir is a new directory with an empty store. It goes with the test.
func Dir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	all, err := files()
	for name, text := range all {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
