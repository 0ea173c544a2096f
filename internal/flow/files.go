package flow

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Files are the files that flows may name: all of this machine, or those of one directory.
//
// In one directory the system itself sees to it that no name leads out, be it by "..", by an
// absolute path or by a symbolic link (os.Root). Its methods may be called from any
// goroutine; errors are those of JavaScript: with a code such as ENOENT.
type Files struct {
	dir  string // where relative names begin, "" is the process's own
	only bool   // nothing outside of dir
	max  int64

	mu   sync.Mutex
	root *os.Root // of dir, opened when first needed
	used int64    // bytes in dir, or more
}

func newFiles(o *Options) *Files {
	if !o.NoLocalFiles {
		return &Files{dir: o.Dir}
	}
	f := &Files{dir: o.FilesDir, only: true, max: o.FilesMax}
	if f.max <= 0 {
		f.max = 256 << 20
	}
	return f
}

// Files are the files that the node may use.
func (b *Base) Files() *Files { return b.rt.files }

// Confined says whether only one directory can be reached.
func (f *Files) Confined() bool { return f.only }

// Dir is the directory where relative names begin.
func (f *Files) Dir() string { return f.dir }

// confine returns the directory and the name in it.
func (f *Files) confine(call, name string) (*os.Root, string, error) {
	if f.dir == "" {
		return nil, "", &Error{Message: "EACCES: this flow server has no files of its own, " + call + " '" + name + "'", Code: "EACCES"}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root == nil {
		if err := os.MkdirAll(f.dir, 0o700); err != nil {
			return nil, "", FileError(call, name, err)
		}
		root, err := os.OpenRoot(f.dir)
		if err != nil {
			return nil, "", FileError(call, name, err)
		}
		f.root = root
	}
	if !filepath.IsAbs(name) {
		return f.root, filepath.Clean(name), nil
	}
	in, err := filepath.Rel(f.dir, name)
	if err != nil || !filepath.IsLocal(in) {
		return nil, "", outside(call, name)
	}
	return f.root, in, nil
}

func outside(call, name string) error {
	return &Error{Message: "EACCES: a flow server here reaches its own files only: use a name without / at its beginning and without .., " +
		call + " '" + name + "'", Code: "EACCES"}
}

// place is the path of a name on this machine.
func (f *Files) place(name string) string {
	if f.dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.dir, name)
}

// OpenFile opens a file with the flags of package os; new ones are made with mode 0666 less
// the umask, as Node.js does.
func (f *Files) OpenFile(name string, flag int) (*os.File, error) {
	var (
		file *os.File
		err  error
	)
	if !f.only {
		file, err = os.OpenFile(f.place(name), flag, 0o666) //nolint:gosec // as Node-RED's files
	} else {
		root, in, fault := f.confine("open", name)
		if fault != nil {
			return nil, fault
		}
		file, err = root.OpenFile(in, flag, 0o600)
	}
	return file, FileError("open", name, err)
}

// Stat looks at a file.
func (f *Files) Stat(name string) (fs.FileInfo, error) {
	if !f.only {
		info, err := os.Stat(f.place(name))
		return info, FileError("stat", name, err)
	}
	root, in, err := f.confine("stat", name)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(in)
	return info, FileError("stat", name, err)
}

// Remove deletes a file; directories stay.
func (f *Files) Remove(name string) error {
	if !f.only {
		place := f.place(name)
		if info, err := os.Lstat(place); err == nil && info.IsDir() {
			return &Error{Message: "EISDIR: illegal operation on a directory, unlink '" + name + "'", Code: "EISDIR"}
		}
		return FileError("unlink", name, os.Remove(place))
	}
	root, in, err := f.confine("unlink", name)
	if err != nil {
		return err
	}
	if info, err := root.Lstat(in); err == nil && info.IsDir() {
		return &Error{Message: "EISDIR: illegal operation on a directory, unlink '" + name + "'", Code: "EISDIR"}
	}
	return FileError("unlink", name, root.Remove(in))
}

// MakeParents makes the directories above a name.
func (f *Files) MakeParents(name string) error {
	dir := filepath.Dir(name)
	if !f.only {
		return FileError("mkdir", dir, os.MkdirAll(f.place(dir), 0o777)) //nolint:gosec // as Node-RED's directories
	}
	root, in, err := f.confine("mkdir", dir)
	if err != nil || in == "." {
		return err
	}
	return FileError("mkdir", dir, root.MkdirAll(in, 0o700))
}

// Real is the path on this machine of a name that is there, for what can't work on opened
// files. In one directory links in the path are refused when they lead out of it.
func (f *Files) Real(name string) (string, error) {
	if _, err := f.Stat(name); err != nil {
		return "", err
	}
	place := f.place(name)
	if !f.only {
		return place, nil
	}
	real, err := filepath.EvalSymlinks(place)
	if err != nil {
		return "", FileError("stat", name, err)
	}
	dir, err := filepath.EvalSymlinks(f.dir)
	if err != nil {
		return "", FileError("stat", name, err)
	}
	if in, err := filepath.Rel(dir, real); err != nil || !filepath.IsLocal(in) {
		return "", outside("stat", name)
	}
	return real, nil
}

// Reserve asks for room for n more bytes. Where the room is bounded it says no when it is full.
func (f *Files) Reserve(n int) error {
	if !f.only {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.used == 0 || f.used+int64(n) > f.max { // what was deleted meanwhile makes room
		f.used = sizeOf(f.root)
	}
	if f.used+int64(n) > f.max {
		return &Error{Code: "EDQUOT", Message: fmt.Sprintf(
			"EDQUOT: the files of this flow server may hold %d MiB and are full: delete some with a file node", f.max>>20)}
	}
	f.used += int64(n)
	return nil
}

func sizeOf(root *os.Root) (sum int64) {
	if root == nil {
		return 0
	}
	_ = fs.WalkDir(root.FS(), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what can't be read now isn't counted
		}
		if info, err := d.Info(); err == nil && !d.IsDir() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// FileError makes of an error of the system what Node.js says of it, nil of nil.
func FileError(call, name string, err error) error {
	var mine *Error
	if err == nil || errors.As(err, &mine) {
		return err
	}
	code, text := errno(err)
	if code == "" {
		if strings.Contains(err.Error(), "escapes") { // os.Root has no error of its own for it
			return outside(call, name)
		}
		code, text = "EIO", err.Error()
	}
	return &Error{Message: code + ": " + text + ", " + call + " '" + name + "'", Code: code}
}

// errno is the name of an error of the system and libuv's words for it.
func errno(err error) (code, text string) {
	for _, e := range systemErrors {
		if errors.Is(err, e.err) {
			return e.code, e.text
		}
	}
	return "", ""
}
