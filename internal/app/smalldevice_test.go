package app

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/gate"
	"tsunagi/internal/mqtt"
)

// receiving keeps what a client receives.
type receiving struct {
	net.Conn
	got bytes.Buffer
}

func (r *receiving) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.got.Write(b[:n])
	return n, err
}

// TestSmallDevice speaks MQTT through the door for small devices: with the authority that the panel hands out as a C
// header, and in records that a small buffer can hold, however long the messages are.
func TestSmallDevice(t *testing.T) {
	const overhead = 5 + 8 + 16 // of a record of TLS 1.2 with AES-GCM
	w := serveWorld(t, "--mqtts-device", "127.0.0.1:0")
	id, password := w.instance()
	pem, err := os.ReadFile(filepath.Join(w.data, "ca", "devices", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM(pem)
	tcp, err := net.Dial("tcp", w.small)
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	wire := &receiving{Conn: tcp}
	c := tls.Client(wire, &tls.Config{RootCAs: trust, ServerName: "localhost", MaxVersion: tls.VersionTLS12, CurvePreferences: []tls.CurveID{tls.CurveP256}})
	w.login(c, id, password)
	if got := subscribe(t, c, "a/#"); got != "00" {
		t.Fatalf("subscribe: %s", got)
	}
	other := w.device(id, password, "other", false)
	for _, size := range []int{10, 900, 1024, 5000, 100_000} {
		payload := strings.Repeat("x", size)
		other.publish("a/b", payload, false)
		f, err := readFrame(c)
		if err != nil {
			t.Fatal(err)
		}
		var p mqtt.Publish
		if err := mqtt.DecodePublish(&p, f, mqtt.V5); err != nil || string(p.Payload) != payload {
			t.Fatalf("a message of %d bytes came as %d, %v", size, len(p.Payload), err)
		}
	}
	most := 0
	for b := wire.got.Bytes(); len(b) >= 5; {
		n := 5 + int(binary.BigEndian.Uint16(b[3:]))
		most = max(most, n)
		if n > len(b) {
			break
		}
		b = b[n:]
	}
	if most > gate.SmallRecord+overhead {
		t.Errorf("a record of %d bytes, want at most %d", most, gate.SmallRecord+overhead)
	}
	answer, err := w.client().Get("https://" + w.https + "/device-ca.h")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	header, err := io.ReadAll(answer.Body)
	line, _, _ := strings.Cut(strings.TrimPrefix(string(pem), "-----BEGIN CERTIFICATE-----\n"), "\n")
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(header), line) {
		t.Errorf("the C header: %s, %v\n%s", answer.Status, err, header)
	}
}
