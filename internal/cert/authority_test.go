package cert

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, dir string, extra ...string) *Authority {
	t.Helper()
	a, err := OpenAuthority(dir, extra...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// shake does a handshake over loopback and returns the certificate that the client saw and verified.
func shake(t *testing.T, server, client *tls.Config) (*x509.Certificate, error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() { // ends with the listener, or with its one handshake
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = tls.Server(c, server).Handshake() // the client reports
	}()
	c, err := tls.Dial("tcp", ln.Addr().String(), client)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

func TestAuthorityStays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	first, again := open(t, dir), open(t, dir)
	if first.Fingerprint() != again.Fingerprint() {
		t.Error("a restart made another authority")
	}
	info, err := os.Stat(filepath.Join(dir, keyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v, want mode 0600", info.Mode(), err)
	}
	if life := time.Until(first.NotAfter()); life < 9*365*24*time.Hour {
		t.Errorf("authority lives for %v", life)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("folder holds %v, %v, want two files", left, err)
	}
}

func TestAuthorityHalfWritten(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if err := os.Remove(filepath.Join(dir, caFile)); err != nil {
		t.Fatal(err)
	}
	open(t, dir) // ended between the files: made again with the same key
	if err := os.Remove(filepath.Join(dir, keyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAuthority(dir); err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("without its key: %v", err)
	}
}

func TestAuthorityBroken(t *testing.T) {
	for _, file := range []string{caFile, keyFile} {
		dir := t.TempDir()
		open(t, dir)
		if err := os.WriteFile(filepath.Join(dir, file), []byte("not PEM"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenAuthority(dir); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("broken %s: error %v", file, err)
		}
	}
	one, two := t.TempDir(), t.TempDir()
	open(t, one)
	open(t, two)
	if err := os.Rename(filepath.Join(two, keyFile), filepath.Join(one, keyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAuthority(one); err == nil || !strings.Contains(err.Error(), "belong together") {
		t.Errorf("foreign key: %v", err)
	}
}

func TestLeafNames(t *testing.T) {
	a := open(t, t.TempDir(), "Broker.Example.", "203.0.113.7")
	allow := func(n string) bool { return strings.HasSuffix(n, ".flows.localhost") || n == "www.example.com" }
	tests := []struct {
		ask  string
		good bool
	}{
		{"localhost", true},
		{"LOCALHOST", true},
		{"127.0.0.1", true},
		{"::1", true},
		{"broker.example", true},
		{"203.0.113.7", true},
		{"edit-a.flows.localhost", true},
		{"other.localhost", false},
		{"www.example.com", false}, // allowed by the function, but beyond the constraints
	}
	server := a.TLSConfig(allow, "mqtt")
	for _, tt := range tests {
		t.Run(tt.ask, func(t *testing.T) {
			crt, err := shake(t, server, &tls.Config{RootCAs: a.Pool(), ServerName: tt.ask, NextProtos: []string{"mqtt"}})
			if (err == nil) != tt.good {
				t.Fatalf("handshake for %q: %v, want success %v", tt.ask, err, tt.good)
			}
			if err == nil && time.Until(crt.NotAfter) > 397*24*time.Hour {
				t.Errorf("leaf lives until %v", crt.NotAfter)
			}
		})
	}
}

func TestLeafForDialledAddress(t *testing.T) {
	a := open(t, t.TempDir())
	ln, err := net.Listen("tcp", "127.0.0.77:0")
	if err != nil {
		t.Skip("no second loopback address here:", err)
	}
	defer ln.Close()
	server := a.TLSConfig(nil)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = tls.Server(c, server).Handshake()
	}()
	c, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: a.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestOldVersionsRefused(t *testing.T) {
	a := open(t, t.TempDir())
	_, err := shake(t, a.TLSConfig(nil), &tls.Config{RootCAs: a.Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil {
		t.Error("TLS 1.1 was spoken")
	}
}

func TestLeafRenewed(t *testing.T) {
	now := time.Now()
	a, err := openAuthority(t.TempDir(), func() time.Time { return now }, nil)
	if err != nil {
		t.Fatal(err)
	}
	get := func() *tls.Certificate {
		c, err := a.TLSConfig(nil).GetCertificate(&tls.ClientHelloInfo{ServerName: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := get()
	now = now.Add(leafLife - leafRenew - time.Hour)
	if get() != first {
		t.Error("leaf renewed too early")
	}
	now = now.Add(2 * time.Hour)
	if second := get(); second == first || !second.Leaf.NotAfter.After(now.Add(leafRenew)) {
		t.Error("leaf was not renewed in time")
	}
	now = a.NotAfter().Add(-time.Hour)
	if !get().Leaf.NotAfter.Equal(a.NotAfter()) {
		t.Error("leaf outlives its authority")
	}
}

func TestLeafsBounded(t *testing.T) {
	a := open(t, t.TempDir())
	for i := range maxLeafs { // filled by hand, for making keys takes long under -race
		a.leafs[strings.Repeat("a", i+1)] = a.leafs[""]
	}
	if _, err := a.leafFor("x.localhost", []string{"x.localhost"}); err != nil {
		t.Fatal(err)
	}
	if len(a.leafs) > maxLeafs+1 || a.leafs[""] == nil || a.leafs["x.localhost"] == nil {
		t.Errorf("%d leafs kept", len(a.leafs))
	}
}

func TestExtraNames(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if _, err := OpenAuthority(dir, "later.example"); err == nil || !strings.Contains(err.Error(), "later.example") {
		t.Errorf("a name beyond the constraints: %v", err)
	}
	open(t, dir, "pi.lan", "192.168.1.5")
	for _, bad := range []string{"*.lan", "a b", "", "-x.lan", strings.Repeat("a", 64) + ".lan"} {
		if _, err := OpenAuthority(dir, bad); err == nil {
			t.Errorf("name %q was taken", bad)
		}
	}
}

func TestAuthorityEnded(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	_, err := openAuthority(dir, func() time.Time { return a.NotAfter() }, nil)
	if err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("after its end: %v", err)
	}
}

func TestExports(t *testing.T) {
	a := open(t, t.TempDir())
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(a.PEM()) {
		t.Error("PEM can't be read")
	}
	if _, err := x509.ParseCertificate(a.DER()); err != nil {
		t.Error(err)
	}
	if f := a.Fingerprint(); len(f) != 95 || strings.Count(f, ":") != 31 {
		t.Errorf("fingerprint %q", f)
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler")
	}
	src := filepath.Join(t.TempDir(), "ca.c")
	code := append(a.CArray(), "#include <stdio.h>\nint main(void) { fputs(tsunagi_ca_pem, stdout); return 0; }\n"...)
	if err := os.WriteFile(src, code, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(cc, "-Wall", "-Werror", "-o", src+".out", src).CombinedOutput(); err != nil {
		t.Fatalf("C header: %v\n%s", err, out)
	}
	if out, err := exec.Command(src + ".out").Output(); err != nil || string(out) != string(a.PEM()) {
		t.Errorf("C header says %q, %v", out, err)
	}
}

// TestOpenSSLAgrees verifies a leaf with openssl, whose rules about constraints differ from Go's in places.
func TestOpenSSLAgrees(t *testing.T) {
	tool, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl")
	}
	dir := t.TempDir()
	a := open(t, dir)
	crt, err := a.leafFor("", a.base)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for { // ends with the listener
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*crt}})
			_ = s.Handshake() // openssl reports
			s.Close()
		}
	}()
	for _, args := range [][]string{{"-verify_hostname", "localhost"}, {"-verify_ip", "127.0.0.1"}} {
		cmd := exec.Command(tool, append([]string{"s_client", "-connect", ln.Addr().String(), "-CAfile",
			filepath.Join(dir, caFile), "-verify_return_error", "-x509_strict"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("openssl %v: %v\n%s", args, err, out)
		}
	}
}
