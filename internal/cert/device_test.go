package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"
)

// tap counts what one side of a connection writes.
type tap struct {
	net.Conn
	mu      sync.Mutex
	written []byte // guarded by mu
}

func (t *tap) Write(b []byte) (int, error) {
	t.mu.Lock()
	t.written = append(t.written, b...)
	t.mu.Unlock()
	return t.Conn.Write(b)
}

// records are the lengths of TLS records with their headers.
func (t *tap) records() (lengths []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for b := t.written; len(b) >= 5; {
		n := 5 + int(binary.BigEndian.Uint16(b[3:]))
		lengths = append(lengths, n)
		b = b[n:]
	}
	return lengths
}

func sum(list []int) (n int) {
	for _, v := range list {
		n += v
	}
	return n
}

// What docs/devices-tls.md promises of the handshake, in bytes. A device sets its buffers by them.
const (
	mostReceived = 1024 // all that it receives
	mostRecord   = 768  // the largest record that it receives
	mostSent     = 400
)

// TestDeviceHandshake measures the handshake of a small device, which speaks TLS 1.2 with P-256 alone, against what the
// documentation promises: one certificate, and records that fit into small buffers.
func TestDeviceHandshake(t *testing.T) {
	const name = "mqtt.example.org"
	a, err := OpenDeviceAuthority(t.TempDir(), name)
	if err != nil {
		t.Fatal(err)
	}
	for _, suite := range []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256} {
		t.Run(tls.CipherSuiteName(suite), func(t *testing.T) {
			near, far := net.Pipe()
			defer near.Close()
			server := &tap{Conn: far}
			device := &tap{Conn: near}
			answered := make(chan error, 1)
			go func() { // ends with the pipe
				c := tls.Server(server, a.DeviceTLSConfig(nil, "mqtt"))
				_, err := c.Write([]byte("hello"))
				answered <- err
			}()
			c := tls.Client(device, &tls.Config{RootCAs: a.Pool(), ServerName: name, MaxVersion: tls.VersionTLS12,
				CipherSuites: []uint16{suite}, CurvePreferences: []tls.CurveID{tls.CurveP256}})
			if err := c.Handshake(); err != nil {
				t.Fatal(err)
			}
			received, sent := server.records(), device.records()
			if _, err := c.Read(make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			if err := <-answered; err != nil {
				t.Fatal(err)
			}
			state := c.ConnectionState()
			most := 0
			for _, n := range received {
				most = max(most, n)
			}
			t.Logf("received %d bytes in records of %v, sent %d in %v; %d certificate of %d bytes", sum(received), received, sum(sent), sent,
				len(state.PeerCertificates), len(state.PeerCertificates[0].Raw))
			if len(state.PeerCertificates) != 1 || state.Version != tls.VersionTLS12 || state.CipherSuite != suite {
				t.Errorf("%d certificates, version %x, suite %x", len(state.PeerCertificates), state.Version, state.CipherSuite)
			}
			if sum(received) > mostReceived || most > mostRecord || sum(sent) > mostSent {
				t.Errorf("received %d, largest record %d, sent %d: want at most %d, %d and %d", sum(received), most, sum(sent), mostReceived, mostRecord, mostSent)
			}
		})
	}
}

// TestDeviceKeyStays wants the key of certificates to be the same after renewals and restarts, and for every name.
func TestDeviceKeyStays(t *testing.T) {
	dir := t.TempDir()
	key := func(a *Authority, at time.Time, name string) []byte {
		t.Helper()
		a.now = func() time.Time { return at }
		c, err := a.leafFor(name, []string{name})
		if err != nil {
			t.Fatal(err)
		}
		public, err := c.Leaf.PublicKey.(*ecdsa.PublicKey).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return public
	}
	now := time.Now()
	first, err := OpenDeviceAuthority(dir, "mqtt.example.org")
	if err != nil {
		t.Fatal(err)
	}
	want := key(first, now, "mqtt.example.org")
	serial := first.leafs["mqtt.example.org"].tls.Leaf.SerialNumber
	renewed := key(first, now.Add(leafLife), "mqtt.example.org")
	if first.leafs["mqtt.example.org"].tls.Leaf.SerialNumber.Cmp(serial) == 0 {
		t.Error("the certificate was not renewed")
	}
	again, err := OpenDeviceAuthority(dir, "mqtt.example.org")
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string][]byte{"renewed": renewed, "after a restart": key(again, now, "mqtt.example.org"), "another name": key(again, now, "a.mqtt.example.org")} {
		if !bytes.Equal(got, want) {
			t.Errorf("%s: another key", what)
		}
	}
	if bytes.Contains(again.CArray(), want) || !bytes.Contains(again.CArray(), []byte("BEGIN CERTIFICATE")) {
		t.Error("the C header holds no certificate")
	}
}
