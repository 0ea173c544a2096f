package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writePair puts a new certificate from an authority of its own into dir and returns who signed it.
func writePair(t *testing.T, dir string) *Authority {
	t.Helper()
	a := open(t, t.TempDir())
	crt, err := a.leafFor("", a.base)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(crt.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
		"cert.pem": {Type: "CERTIFICATE", Bytes: crt.Certificate[0]},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestFilesReload(t *testing.T) {
	dir := t.TempDir()
	old := writePair(t, dir)
	f, err := OpenFiles(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), nil)
	if err != nil {
		t.Fatal(err)
	}
	server := f.TLSConfig()
	trusts := func(a *Authority) bool {
		_, err := shake(t, server, &tls.Config{RootCAs: a.Pool(), ServerName: "localhost"})
		return err == nil
	}
	if !trusts(old) {
		t.Fatal("first certificate refused")
	}
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Reload(); err == nil {
		t.Error("half a file was taken")
	}
	if !trusts(old) {
		t.Error("a failed reload lost the old certificate")
	}
	fresh := writePair(t, dir)
	if err := f.Reload(); err != nil || !trusts(fresh) {
		t.Errorf("reload: %v", err)
	}
}

func TestFilesWatch(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir)
	f, err := OpenFiles(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); f.Watch(ctx, time.Millisecond) }()
	first := f.current.Load()
	writePair(t, dir)
	for f.current.Load() == first && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if f.current.Load() == first {
		t.Error("change was not seen")
	}
	cancel()
	<-done
}

func TestFilesMissing(t *testing.T) {
	if _, err := OpenFiles("/nonexistent/cert.pem", "/nonexistent/key.pem", nil); err == nil {
		t.Error("missing files were taken")
	}
}
