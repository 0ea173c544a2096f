package editor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"tsunagi/internal/ondisk"
)

// folder replaces files of one directory so that a reader, also one after kill -9 or a power cut, finds the old content
// or the new one, never a part. Files written in one call change together.
//
// A file is written beside its place as ".<name>.new" and synced. When there are several, a marker with their digests
// is the point from which the change counts: recover finishes what a marker announces and drops what none does.
type folder struct {
	path string
	step func(string) // called before each step; tests stop there

	written func(bytes int) // told of what goes to the disk [nobody]
}

// markerName is the file that says which changes hold although they may not all be in place.
const markerName = ".replace.json"

// replace writes files (name to content), all or none. The former content of each is kept as
// ".<name>.backup".
func (d *folder) replace(files map[string][]byte) error {
	names := make([]string, 0, len(files))
	sums := make(map[string]string, len(files))
	for name, content := range files {
		names = append(names, name)
		sum := sha256.Sum256(content)
		sums[name] = hex.EncodeToString(sum[:])
	}
	slices.Sort(names)
	for _, name := range names {
		d.at("write " + name)
		if err := writeSynced(d.file(hidden(name)+".new"), files[name]); err != nil {
			return fmt.Errorf("save %s: %w", name, err)
		}
		if d.written != nil {
			d.written(len(files[name]))
		}
	}
	if len(names) > 1 {
		if err := d.mark(sums); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := d.place(name); err != nil {
			return err
		}
	}
	d.at("sync")
	if err := ondisk.SyncDir(d.path); err != nil {
		return err
	}
	if len(names) > 1 {
		d.at("unmark")
		if err := os.Remove(d.file(markerName)); err != nil {
			return fmt.Errorf("save: %w", err)
		}
	}
	return nil
}

// mark makes the change count.
func (d *folder) mark(sums map[string]string) error {
	d.at("mark")
	text, err := json.Marshal(sums)
	if err != nil {
		return err
	}
	if err := writeSynced(d.file(markerName+".new"), text); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	d.at("marked")
	if err := os.Rename(d.file(markerName+".new"), d.file(markerName)); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	return ondisk.SyncDir(d.path)
}

// place puts one new file where it belongs, after a second name for the old one was made.
func (d *folder) place(name string) error {
	d.at("backup " + name)
	keep := d.file(hidden(name) + ".backup")
	if err := os.Remove(keep); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("save %s: %w", name, err)
	}
	if err := os.Link(d.file(name), keep); err != nil && !errors.Is(err, fs.ErrNotExist) {
		copyFile(d.file(name), keep) // a file system without hard links
	}
	d.at("place " + name)
	if err := os.Rename(d.file(hidden(name)+".new"), d.file(name)); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

// recover finishes or drops what a stopped process left. It runs before anything is read.
func (d *folder) recover() error {
	text, err := os.ReadFile(d.file(markerName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d.drop()
	case err != nil:
		return err
	}
	var sums map[string]string
	if err := json.Unmarshal(text, &sums); err != nil {
		return fmt.Errorf("%s is damaged: %w", d.file(markerName), err)
	}
	for name, want := range sums {
		if filepath.Base(name) != name {
			return fmt.Errorf("%s names %q", d.file(markerName), name)
		}
		content, err := os.ReadFile(d.file(hidden(name) + ".new"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is in place
		}
		if sum := sha256.Sum256(content); err != nil || hex.EncodeToString(sum[:]) != want {
			return fmt.Errorf("%s: the new file differs from what was announced (%v)", d.file(name), err)
		}
		if err := d.place(name); err != nil {
			return err
		}
	}
	if err := ondisk.SyncDir(d.path); err != nil {
		return err
	}
	return errors.Join(os.Remove(d.file(markerName)), d.drop())
}

// drop removes new files that nothing announces.
func (d *folder) drop() error {
	left, err := filepath.Glob(filepath.Join(escapeGlob(d.path), ".*.new"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// hidden is a file name that listings leave out.
func hidden(name string) string {
	if name[0] == '.' {
		return name
	}
	return "." + name
}

func (d *folder) file(name string) string { return filepath.Join(d.path, name) }

func (d *folder) at(step string) {
	if d.step != nil {
		d.step(step)
	}
}

// writeSynced writes a new file, readable by its owner alone, and returns when it is on disk.
func writeSynced(path string, content []byte) error {
	return ondisk.Write(path, 0o600, bytes.NewReader(content))
}

// copyFile copies a small file; it is used for backups only, so its failure is not worth losing a save for.
func copyFile(from, to string) {
	if content, err := os.ReadFile(from); err == nil {
		writeSynced(to, content)
	}
}

// escapeGlob quotes the characters of path that filepath.Glob reads as a pattern.
func escapeGlob(path string) string {
	if runtime.GOOS == "windows" {
		return path // a backslash can't quote there
	}
	out := make([]byte, 0, len(path))
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[', '\\':
			out = append(out, '\\')
		}
		out = append(out, path[i])
	}
	return string(out)
}
