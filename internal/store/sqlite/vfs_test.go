//go:build linux && (amd64 || arm64)

package sqlite_test

import (
	"path/filepath"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// recorder is a VFS that hands everything on to the system's, keeps a list of what changes files, and fails what it is
// asked to. One is registered for the whole process; its tests don't run side by side.
type recorder struct {
	mu    sync.Mutex
	names map[uintptr]string // open file -> base name
	steps []step
	fail  func(s step) int32 // result code in place of doing s; 0: it is done
}

// step is one change of a file, or its sync.
type step struct {
	kind stepKind
	file string
	at   int64 // of a write; the length of a truncate
	data []byte
}

type stepKind string

const (
	opened    stepKind = "open" // it exists from now on
	written   stepKind = "write"
	truncated stepKind = "truncate"
	synced    stepKind = "sync"
	removed   stepKind = "remove"
)

const recorderName = "recorder"

var rec = recorder{names: map[uintptr]string{}}

// record registers the VFS once and begins a new list; what is still open from before isn't heard any more.
func record(t *testing.T) *recorder {
	t.Helper()
	registerRecorder(t)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.steps, rec.fail = nil, nil
	clear(rec.names)
	t.Cleanup(func() { rec.failing(nil) })
	return &rec
}

func (r *recorder) failing(f func(step) int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = f
}

// taken are the steps so far.
func (r *recorder) taken() []step {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.steps[:len(r.steps):len(r.steps)]
}

// step notes what is about to be done to an open file, or answers that it fails.
func (r *recorder) step(file uintptr, s step) int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.file = r.names[file]
	if r.fail != nil {
		if rc := r.fail(s); rc != 0 {
			return rc
		}
	}
	if s.file != "" {
		r.steps = append(r.steps, s)
	}
	return 0
}

// pointer reads C memory at an address.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// function makes a Go function of the address of one that was translated from C, or of its own.
func function[F any](p uintptr) F {
	f := unsafe.Pointer(&struct{ p uintptr }{p})
	return *(*F)(f)
}

// address is the reverse of function. The function stays for ever: only C memory refers to it.
func address[F any](f F) uintptr {
	kept = append(kept, f)
	return *(*uintptr)(unsafe.Pointer(&f))
}

var kept []any

type (
	openFunc   = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	deleteFunc = func(tls *libc.TLS, vfs, name uintptr, sync int32) int32
	closeFunc  = func(tls *libc.TLS, file uintptr) int32
	writeFunc  = func(tls *libc.TLS, file, data uintptr, size int32, at int64) int32
	sizeFunc   = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc   = func(tls *libc.TLS, file uintptr, flags int32) int32
)

// methods are SQLite's table of one kind of open file with ours laid over it.
type methods struct {
	theirs *lib.Tsqlite3_io_methods
	ours   *lib.Tsqlite3_io_methods
}

var registerOnce sync.Once

func registerRecorder(t *testing.T) {
	t.Helper()
	registerOnce.Do(func() {
		tls := libc.NewTLS() // stays for the life of the process, as the VFS does
		lib.Xsqlite3_initialize(tls)
		system := (*lib.Tsqlite3_vfs)(pointer(lib.Xsqlite3_vfs_find(tls, 0)))
		name, err := libc.CString(recorderName)
		if err != nil {
			t.Fatal(err)
		}
		at := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*system)))
		vfs := (*lib.Tsqlite3_vfs)(pointer(at))
		*vfs = *system
		vfs.FzName, vfs.FpNext = name, 0
		vfs.FxOpen = address[openFunc](opener(tls, function[openFunc](system.FxOpen)))
		vfs.FxDelete = address[deleteFunc](deleter(function[deleteFunc](system.FxDelete)))
		if rc := lib.Xsqlite3_vfs_register(tls, at, 0); rc != lib.SQLITE_OK {
			t.Fatalf("register VFS: %d", rc)
		}
	})
}

// opener opens a file as the system does and lays our methods over its.
func opener(tls *libc.TLS, system openFunc) openFunc {
	var mu sync.Mutex
	tables := map[uintptr]methods{}
	return func(t *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32 {
		rc := system(t, vfs, name, file, flags, out)
		f := (*lib.Tsqlite3_file)(pointer(file))
		if rc != lib.SQLITE_OK || f.FpMethods == 0 || name == 0 {
			return rc
		}
		mu.Lock()
		defer mu.Unlock()
		m, ok := tables[f.FpMethods]
		if !ok {
			m = overlay(tls, f.FpMethods)
			tables[f.FpMethods] = m
		}
		rec.mu.Lock()
		base := filepath.Base(libc.GoString(name))
		rec.names[file] = base
		rec.steps = append(rec.steps, step{kind: opened, file: base})
		rec.mu.Unlock()
		f.FpMethods = uintptr(unsafe.Pointer(m.ours))
		return rc
	}
}

// overlay copies a table and puts our functions in.
func overlay(tls *libc.TLS, table uintptr) methods {
	theirs := (*lib.Tsqlite3_io_methods)(pointer(table))
	ours := (*lib.Tsqlite3_io_methods)(pointer(libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*theirs)))))
	*ours = *theirs
	write, truncate := function[writeFunc](theirs.FxWrite), function[sizeFunc](theirs.FxTruncate)
	flush, shut := function[syncFunc](theirs.FxSync), function[closeFunc](theirs.FxClose)
	ours.FxWrite = address[writeFunc](func(t *libc.TLS, file, data uintptr, size int32, at int64) int32 {
		copied := append([]byte(nil), unsafe.Slice((*byte)(pointer(data)), size)...)
		if rc := rec.step(file, step{kind: written, at: at, data: copied}); rc != 0 {
			return rc
		}
		return write(t, file, data, size, at)
	})
	ours.FxTruncate = address[sizeFunc](func(t *libc.TLS, file uintptr, size int64) int32 {
		if rc := rec.step(file, step{kind: truncated, at: size}); rc != 0 {
			return rc
		}
		return truncate(t, file, size)
	})
	ours.FxSync = address[syncFunc](func(t *libc.TLS, file uintptr, flags int32) int32 {
		if rc := rec.step(file, step{kind: synced}); rc != 0 {
			return rc
		}
		return flush(t, file, flags)
	})
	ours.FxClose = address[closeFunc](func(t *libc.TLS, file uintptr) int32 {
		rec.mu.Lock()
		delete(rec.names, file)
		rec.mu.Unlock()
		return shut(t, file)
	})
	return methods{theirs, ours}
}

func deleter(system deleteFunc) deleteFunc {
	return func(t *libc.TLS, vfs, name uintptr, sync int32) int32 {
		rec.mu.Lock()
		rec.steps = append(rec.steps, step{kind: removed, file: filepath.Base(libc.GoString(name))})
		rec.mu.Unlock()
		return system(t, vfs, name, sync)
	}
}
