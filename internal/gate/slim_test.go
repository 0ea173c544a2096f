package gate

import (
	"crypto/tls"
	"io"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestSlimKnowsTLS fails when a version of Go keeps its buffers elsewhere: then idle TLS connections cost more again.
func TestSlimKnowsTLS(t *testing.T) {
	if len(tlsBuffers) != 2 {
		t.Errorf("%d of the buffers of crypto/tls are known, want 2", len(tlsBuffers))
	}
}

// TestResumption: a second connection takes the TLS session of the first up again, and both work after their buffers
// were let go, also with records that come in pieces and with large ones.
func TestResumption(t *testing.T) {
	r := newRig(t)
	config := &tls.Config{RootCAs: r.ca.Pool(), ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	for i, resumed := range []bool{false, true, true} {
		c, err := tls.Dial("tcp", r.mqtts, config)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got := c.ConnectionState().DidResume; got != resumed {
			t.Errorf("connection %d: resumed %v, want %v", i, got, resumed)
		}
		exchange := func(send []byte, want int) {
			t.Helper()
			if _, err := c.Write(send); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, make([]byte, want)); err != nil {
				t.Fatal(err)
			}
		}
		exchange(hello(mqtt.V311), 4)
		for k := range newTurns + 2 {
			e := publish(k, 10+k*k*700)
			exchange(e, len(e))
		}
	}
}
