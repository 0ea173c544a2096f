package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The opcodes of RFC 6455, section 5.2.
const (
	opContinue = 0x0
	opText     = 0x1
	opBinary   = 0x2
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xA
)

// The close codes of RFC 6455, section 7.4.1, that we use.
const (
	closeNormal      = 1000
	closeGoingAway   = 1001
	closeProtocol    = 1002
	closeUnsupported = 1003
	closeNoCode      = 1005 // never on the wire
	closePolicy      = 1008
	closeTooBig      = 1009
	closeInternal    = 1011
)

// maxFrame is the longest data frame, in bytes: no MQTT packet is longer, and senders split where they like.
const maxFrame = 268_435_460

// wsError ends a WebSocket with a close code.
type wsError struct {
	code uint16
	what string
}

func (e *wsError) Error() string { return fmt.Sprintf("websocket: %s (close code %d)", e.what, e.code) }

// errPeerClosed is the wsError's cause where the peer sent a close frame.
var errPeerClosed = errors.New("websocket: closed by the peer")

// frames reads the frames that a client sends. It keeps no payload but that of a control frame: MQTT is a stream
// laid over the frames, which may cut it anywhere [MQTT-6.0.0-2].
type frames struct {
	head    [14]byte
	have    int    // bytes in head
	open    bool   // in the payload of a frame
	left    uint64 // bytes of that payload to come
	op      byte
	mask    [4]byte
	pos     int    // in mask
	message bool   // a fragmented message is not finished
	control []byte // payload of the control frame that is coming
	pong    []byte // the answer to the last ping, a whole frame; taken by whoever writes
}

// next takes the data out of b, which it overwrites: unmasked, without the headers, at the front of b. An error comes
// with the data that was before it, and is final.
func (f *frames) next(b []byte) (data []byte, err error) {
	n := 0
	in := b
	for {
		if f.open && f.left == 0 {
			f.open = false
			if err := f.finish(); err != nil {
				return b[:n], err
			}
		}
		if len(in) == 0 {
			return b[:n], nil
		}
		if !f.open {
			used, err := f.header(in)
			if err != nil {
				return b[:n], err
			}
			in = in[used:]
			continue
		}
		part := in[:min(uint64(len(in)), f.left)]
		in = in[len(part):]
		f.left -= uint64(len(part))
		if f.op >= opClose {
			start := len(f.control)
			f.control = append(f.control, part...)
			f.unmask(f.control[start:])
			continue
		}
		f.unmask(part)
		n += copy(b[n:], part)
	}
}

// header collects the bytes of a frame's header and checks it when it is whole.
func (f *frames) header(in []byte) (used int, err error) {
	need := 2
	for {
		if f.have >= 2 {
			need = 6 // with the mask
			switch f.head[1] & 0x7F {
			case 126:
				need = 8
			case 127:
				need = 14
			}
			if err := f.checkHead(); err != nil {
				return used, err
			}
		}
		took := copy(f.head[f.have:need], in[used:])
		used += took
		f.have += took
		if f.have < need {
			return used, nil
		}
		if need > 2 {
			return used, f.begin(need)
		}
	}
}

// checkHead judges the first two bytes of a frame, as soon as they are there.
func (f *frames) checkHead() error {
	op, fin, length := f.head[0]&0x0F, f.head[0]&0x80 != 0, f.head[1]&0x7F
	switch {
	case f.head[0]&0x70 != 0:
		return &wsError{closeProtocol, "reserved bits are set; no extension was agreed on"}
	case f.head[1]&0x80 == 0: // RFC 6455, 5.1
		return &wsError{closeProtocol, "a client's frame is not masked"}
	case op == opText: // [MQTT-6.0.0-1]
		return &wsError{closeUnsupported, "a text frame; MQTT takes binary ones"}
	case op == opContinue && !f.message:
		return &wsError{closeProtocol, "a continuation of nothing"}
	case op == opBinary && f.message:
		return &wsError{closeProtocol, "a new message inside another"}
	case op >= opClose && (!fin || length > 125):
		return &wsError{closeProtocol, "a control frame is fragmented or too long"}
	case op > opBinary && op < opClose || op > opPong:
		return &wsError{closeProtocol, "an opcode that doesn't exist"}
	}
	return nil
}

// begin starts a frame whose header of the given size is whole.
func (f *frames) begin(size int) error {
	switch length := f.head[1] & 0x7F; length {
	case 126:
		f.left = uint64(binary.BigEndian.Uint16(f.head[2:]))
		if f.left < 126 {
			return &wsError{closeProtocol, "a frame's length is longer than it must be"}
		}
	case 127:
		f.left = binary.BigEndian.Uint64(f.head[2:])
		if f.left <= 0xFFFF {
			return &wsError{closeProtocol, "a frame's length is longer than it must be"}
		}
		if f.left > maxFrame {
			return &wsError{closeTooBig, "a frame longer than any MQTT packet"}
		}
	default:
		f.left = uint64(length)
	}
	copy(f.mask[:], f.head[size-4:size])
	f.op, f.pos, f.have, f.open = f.head[0]&0x0F, 0, 0, true
	f.control = f.control[:0]
	if f.op < opClose {
		f.message = f.head[0]&0x80 == 0
	}
	return nil
}

// finish acts on a control frame that is whole.
func (f *frames) finish() error {
	switch f.op {
	case opPing: // only the last one needs its answer (5.5.3)
		f.pong = append(appendFrameHead(f.pong[:0], opPong, len(f.control)), f.control...)
	case opClose:
		code := uint16(closeNoCode)
		if len(f.control) == 1 {
			return &wsError{closeProtocol, "a close frame with half a code"}
		}
		if len(f.control) >= 2 {
			code = binary.BigEndian.Uint16(f.control)
		}
		return &peerClose{code}
	}
	if f.op >= opClose && cap(f.control) > 0 {
		f.control = nil // an idle connection keeps nothing
	}
	return nil
}

// peerClose is the end that the peer asked for.
type peerClose struct{ code uint16 }

func (p *peerClose) Error() string { return errPeerClosed.Error() }
func (p *peerClose) Unwrap() error { return errPeerClosed }

// unmask lays the mask over b, eight bytes at a time (5.3).
func (f *frames) unmask(b []byte) {
	var key [8]byte
	for i := range key {
		key[i] = f.mask[(f.pos+i)&3]
	}
	f.pos = (f.pos + len(b)) & 3
	word := binary.LittleEndian.Uint64(key[:])
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^word)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= key[i]
	}
}

// appendFrameHead appends the header of an unmasked, unfragmented frame of n bytes.
func appendFrameHead(dst []byte, op byte, n int) []byte {
	dst = append(dst, 0x80|op)
	switch {
	case n < 126:
		return append(dst, byte(n))
	case n <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
}

// closeFrame is the frame that says goodbye to a peer, whose own code (0: none came) wins.
func closeFrame(code uint16) []byte {
	if code == closeNoCode {
		return appendFrameHead(nil, opClose, 0)
	}
	return binary.BigEndian.AppendUint16(appendFrameHead(nil, opClose, 2), code)
}
