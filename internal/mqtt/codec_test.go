package mqtt

import (
	"bytes"
	"reflect"
	"testing"
)

func TestSamples(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			f, err := Cut(s.wire, 0)
			if err != nil {
				t.Fatal(err)
			}
			p, encode, err := codec(f, s.version)
			if err != nil || !reflect.DeepEqual(p, s.packet) {
				t.Fatalf("decoded %x\n got %+v, %v\nwant %+v", s.wire, p, err, s.packet)
			}
			if got := encode(nil); !bytes.Equal(got, s.wire) {
				t.Fatalf("appended\n got %x\nwant %x", got, s.wire)
			}
			if got := encode([]byte("before")); !bytes.Equal(got, append([]byte("before"), s.wire...)) {
				t.Errorf("appended behind other bytes: %q", got)
			}
		})
	}
}

// Every packet cut short somewhere must be refused or be another whole packet, never a panic.
func TestTruncated(t *testing.T) {
	for _, s := range samples {
		f, _ := Cut(s.wire, 0)
		for n := range len(f.Body) {
			short := f
			short.Body = f.Body[:n:n]
			if _, _, err := codec(short, s.version); err != nil && !ReasonOf(err).Failed() {
				t.Errorf("%s with %d bytes: %v", s.name, n, err)
			}
		}
	}
}
