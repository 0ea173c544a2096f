package front

import (
	"io"
	"net"
	"testing"
)

// TestSplit sends both kinds of connections through one port and closes one half.
func TestSplit(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tls, plain := Split(l)
	for _, tt := range []struct {
		text string
		from net.Listener
	}{{"\x16\x03\x01", tls}, {"GET", plain}} {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, tt.text); err != nil {
			t.Fatal(err)
		}
		got, err := tt.from.Accept()
		if err != nil {
			t.Fatal(err)
		}
		text := make([]byte, len(tt.text))
		if _, err := io.ReadFull(got, text); err != nil || string(text) != tt.text {
			t.Errorf("%q, %v", text, err)
		}
		c.Close()
		got.Close()
	}
	if err := tls.Close(); err != nil {
		t.Error(err)
	}
	if _, err := plain.Accept(); err == nil {
		t.Error("the other half goes on")
	}
	if err := plain.Close(); err != nil {
		t.Error(err)
	}
}
