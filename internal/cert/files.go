package cert

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// Files is a certificate chain and its key in two PEM files that an outside tool renews. Connections that stand keep
// what they began with.
type Files struct {
	certPath, keyPath string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]
	fault             atomic.Pointer[Fault]        // of the last Reload; nil: none
	seen              atomic.Pointer[[2]fileStamp] // of the files as last loaded
}

// OpenFiles reads both files. The log may be nil.
func OpenFiles(certPath, keyPath string, log *slog.Logger) (*Files, error) {
	f := &Files{certPath: certPath, keyPath: keyPath, log: discard(log)}
	return f, f.Reload()
}

// Reload reads the files again for the handshakes to come. When it fails the old certificate stays in use.
func (f *Files) Reload() error {
	stamp := f.stamp() // before reading: a write in between is seen as a change later
	crt, err := tls.LoadX509KeyPair(f.certPath, f.keyPath)
	if err != nil {
		err = fmt.Errorf("certificate %s with key %s: %w", f.certPath, f.keyPath, err)
		since := time.Now()
		if before := f.fault.Load(); before != nil {
			since = before.Since
		}
		f.fault.Store(&Fault{err.Error(), since})
		return err
	}
	f.fault.Store(nil)
	f.current.Store(&crt)
	f.seen.Store(&stamp)
	return nil
}

// NotAfter is the end of the certificate now in use.
func (f *Files) NotAfter() time.Time { return f.current.Load().Leaf.NotAfter }

// TLSConfig returns a configuration that serves the files' certificate for every name.
func (f *Files) TLSConfig(alpn ...string) *tls.Config {
	return config(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current.Load(), nil }, alpn)
}

// Watch looks at the files every so often and reloads them when one has changed, until ctx ends. A pair that
// doesn't fit (a tool between its two writes) is tried again at the next look.
func (f *Files) Watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if f.stamp() == *f.seen.Load() {
			continue
		}
		if err := f.Reload(); err != nil {
			f.log.Error("new certificate can't be used, the old one stays", "err", err)
			continue
		}
		f.log.Info("certificate reloaded", "file", f.certPath, "until", f.NotAfter())
	}
}

// stamp is what changes when a file is replaced or rewritten.
func (f *Files) stamp() [2]fileStamp {
	return [2]fileStamp{stampOf(f.certPath), stampOf(f.keyPath)}
}

type fileStamp struct {
	changed time.Time
	size    int64
}

func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{} // gone for a moment: a change, too
	}
	return fileStamp{info.ModTime(), info.Size()}
}
