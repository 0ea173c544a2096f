package packfile

import (
	"archive/zip"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// maxFile bounds one unpacked file, so that a damaged archive can't fill the memory: 64 MiB.
const maxFile = 64 << 20

// Pack is an open archive. It is read-only and safe for use by many goroutines.
type Pack struct {
	Version string // of the editor packages
	Digest  string // SHA-256 over paths and contents, hex
	files   map[string]*File
	paths   []string // sorted
}

// File is one file of a Pack.
type File struct {
	Path string
	Size int64  // bytes, unpacked
	Sum  string // SHA-256 of the content, hex
	Gzip bool   // Stored is a gzip stream
	raw  string // a slice of the archive
}

// Open reads the list of files in data, which is kept and must not change. Nothing is unpacked.
func Open(data string) (*Pack, error) {
	z, err := zip.NewReader(strings.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("editor archive: %w", err)
	}
	slots := make(map[string]string, len(z.File))
	for _, f := range z.File {
		at, err := f.DataOffset()
		end := at + int64(f.CompressedSize64)
		if err != nil || f.Method != zip.Store || end < at || end > int64(len(data)) {
			return nil, fmt.Errorf("editor archive: entry %q is damaged", f.Name)
		}
		slots[f.Name] = data[at:end]
	}
	var m manifest
	if err := json.Unmarshal([]byte(slots[manifestName]), &m); err != nil {
		return nil, fmt.Errorf("editor archive: manifest: %w", err)
	}
	p := &Pack{Version: m.Version, Digest: m.Digest, files: make(map[string]*File, len(m.Files))}
	for _, e := range m.Files {
		raw, ok := slots[e.Path]
		if !ok || len(e.Sum) != 64 {
			return nil, fmt.Errorf("editor archive: %q is missing", e.Path)
		}
		p.files[e.Path] = &File{Path: e.Path, Size: e.Size, Sum: e.Sum, Gzip: e.Gzip, raw: raw}
		p.paths = append(p.paths, e.Path)
	}
	if len(m.Digest) != 64 {
		return nil, errors.New("editor archive: manifest has no digest")
	}
	slices.Sort(p.paths)
	return p, nil
}

// Lookup returns the file with this path, or nil.
func (p *Pack) Lookup(path string) *File { return p.files[path] }

// Under yields the files below prefix, sorted by path. The prefix is compared as text: end it with a slash.
func (p *Pack) Under(prefix string) iter.Seq[*File] {
	return func(yield func(*File) bool) {
		at, _ := slices.BinarySearch(p.paths, prefix)
		for _, path := range p.paths[at:] {
			if !strings.HasPrefix(path, prefix) || !yield(p.files[path]) {
				return
			}
		}
	}
}

// Stored returns the bytes as they lie in the archive: a gzip stream if f.Gzip, else the content.
func (f *File) Stored() string { return f.raw }

// Content unpacks f.
func (f *File) Content() ([]byte, error) {
	if !f.Gzip {
		return []byte(f.raw), nil
	}
	z, err := gzip.NewReader(strings.NewReader(f.raw))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", f.Path, err)
	}
	content, err := io.ReadAll(io.LimitReader(z, maxFile))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", f.Path, err)
	}
	return content, nil
}
