package gate

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// feed gives b to a reader in pieces and collects the data.
func feed(f *frames, b []byte, cut func(n int) int) (data []byte, err error) {
	for len(b) > 0 {
		n := cut(len(b))
		piece := append([]byte(nil), b[:n]...)
		got, err := f.next(piece)
		data = append(data, got...)
		if err != nil {
			return data, err
		}
		b = b[n:]
	}
	return data, nil
}

func TestFramesRefused(t *testing.T) {
	good := frame(0x80|opBinary, []byte("data"))
	tests := []struct {
		name string
		raw  []byte
		code uint16
	}{
		{"text", frame(0x80|opText, []byte("x")), closeUnsupported},
		{"not masked", appendFrameHead(nil, opBinary, 3), closeProtocol},
		{"reserved bit, as permessage-deflate sets it", frame(0xC0|opBinary, []byte("x")), closeProtocol},
		{"reserved opcode", frame(0x80|0x3, nil), closeProtocol},
		{"reserved control opcode", frame(0x80|0xB, nil), closeProtocol},
		{"continuation of nothing", frame(0x80|opContinue, nil), closeProtocol},
		{"message inside a message", append(frame(opBinary, nil), frame(0x80|opBinary, nil)...), closeProtocol},
		{"fragmented ping", frame(opPing, nil), closeProtocol},
		{"long ping", frame(0x80|opPing, make([]byte, 126)), closeProtocol},
		{"half a close code", frame(0x80|opClose, []byte{3}), closeProtocol},
		{"16-bit length for less", []byte{0x82, 0xFE, 0, 125, 1, 2, 3, 4}, closeProtocol},
		{"64-bit length for less", []byte{0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3, 4}, closeProtocol},
		{"a length no packet has", []byte{0x82, 0xFF, 0, 0, 0, 0, 0x20, 0, 0, 0, 1, 2, 3, 4}, closeTooBig},
		{"a length with the highest bit", []byte{0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4}, closeTooBig},
	}
	for _, tt := range tests {
		for name, cut := range map[string]func(int) int{"whole": func(n int) int { return n }, "bytes": func(int) int { return 1 }} {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				data, err := feed(new(frames), append(append([]byte(nil), good...), tt.raw...), cut)
				if string(data) != "data" {
					t.Errorf("data before the fault: %q", data)
				}
				if e, ok := errors.AsType[*wsError](err); !ok || e.code != tt.code {
					t.Errorf("error %v, want code %d", err, tt.code)
				}
			})
		}
	}
}

func TestFramesClose(t *testing.T) {
	for want, raw := range map[uint16][]byte{
		closeNoCode: frame(0x80|opClose, nil),
		1001:        frame(0x80|opClose, []byte{3, 0xE9, 'b', 'y', 'e'}),
	} {
		_, err := feed(new(frames), raw, func(int) int { return 1 })
		if p, ok := errors.AsType[*peerClose](err); !ok || p.code != want {
			t.Errorf("error %v, want code %d", err, want)
		}
	}
	for code, want := range map[uint16]uint16{1000: 1000, closeNoCode: closeNoCode, 0: closeProtocol, 1006: closeProtocol, 4000: 4000, 5000: closeProtocol} {
		if got := closeCode(&peerClose{code}); got != want {
			t.Errorf("code %d is answered by %d, want %d", code, got, want)
		}
	}
}

// TestFramesKeepNothing: between frames a reader holds no memory beyond itself.
func TestFramesKeepNothing(t *testing.T) {
	f := new(frames)
	if _, err := feed(f, frame(0x80|opPing, make([]byte, 125)), func(n int) int { return min(n, 7) }); err != nil {
		t.Fatal(err)
	}
	if len(f.pong) != 127 || f.control != nil {
		t.Errorf("pong of %d bytes, %d bytes of a control frame kept", len(f.pong), cap(f.control))
	}
}

// FuzzFrames wants the same data and the same end, however the bytes are cut.
func FuzzFrames(f *testing.F) {
	f.Add(frame(0x80|opBinary, []byte("hello")), uint64(1))
	f.Add(append(frame(opBinary, make([]byte, 300)), frame(0x80|opContinue, make([]byte, 70000))...), uint64(2))
	f.Add(append(frame(0x80|opPing, []byte("p")), frame(0x80|opClose, []byte{3, 0xE8})...), uint64(3))
	f.Add([]byte{0x82, 0xFF, 0, 0, 0, 0, 0x20, 0, 0, 0, 1, 2, 3, 4}, uint64(4))
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64) {
		whole, wantErr := feed(new(frames), raw, func(n int) int { return n })
		rnd := rand.New(rand.NewPCG(seed, 1))
		pieces, err := feed(new(frames), raw, func(n int) int { return min(n, 1+rnd.IntN(20)) })
		if !bytes.Equal(whole, pieces) {
			t.Errorf("%d bytes of data whole, %d in pieces", len(whole), len(pieces))
		}
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("in pieces %v, whole %v", err, wantErr)
		}
		if len(whole) > len(raw) {
			t.Error("more data than bytes")
		}
	})
}
