package conformance

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// The opcodes of RFC 6455.
const (
	wsContinue = 0x0
	wsText     = 0x1
	wsBinary   = 0x2
	wsClose    = 0x8
	wsPing     = 0x9
	wsPong     = 0xA
)

// webSocket is the client's side of a WebSocket: Write sends a binary frame, Read gives the data of binary frames.
type webSocket struct {
	net.Conn
	in       *bufio.Reader
	protocol string // that the server has selected
	left     int    // bytes of the present frame
	message  bool   // fragments are to come
}

// ErrUpgrade is an HTTP answer other than 101.
type ErrUpgrade struct{ Status int }

func (e *ErrUpgrade) Error() string {
	return fmt.Sprintf("the server answers the upgrade with %d", e.Status)
}

// shake asks for a WebSocket with the given subprotocols.
func shake(ctx context.Context, c net.Conn, t Target, protocols string) (*webSocket, error) {
	if end, ok := ctx.Deadline(); ok {
		c.SetDeadline(end)
		defer c.SetDeadline(time.Time{})
	}
	raw := make([]byte, 16)
	rand.Read(raw)
	key := base64.StdEncoding.EncodeToString(raw)
	head := "GET " + t.WebSocket + " HTTP/1.1\r\nHost: " + t.Addr + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n"
	if protocols != "" {
		head += "Sec-WebSocket-Protocol: " + protocols + "\r\n"
	}
	if _, err := io.WriteString(c, head+"\r\n"); err != nil {
		return nil, err
	}
	w := &webSocket{Conn: c, in: bufio.NewReader(c)}
	answer, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		answer.Body.Close()
		return nil, &ErrUpgrade{answer.StatusCode}
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	if answer.Header.Get("Sec-Websocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) {
		return nil, errors.New("Sec-WebSocket-Accept is wrong")
	}
	w.protocol = answer.Header.Get("Sec-Websocket-Protocol")
	return w, nil
}

// Write sends b as one binary message.
func (w *webSocket) Write(b []byte) (int, error) {
	if err := w.frame(wsBinary, true, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// fragment sends the ith piece of a message; every third piece has a ping behind it.
func (w *webSocket) fragment(b []byte, i int, last bool) error {
	op := byte(wsContinue)
	if i == 0 {
		op = wsBinary
	}
	if err := w.frame(op, last, b); err != nil {
		return err
	}
	if i%3 == 1 {
		return w.frame(wsPing, true, []byte("between"))
	}
	return nil
}

// frame writes one masked frame.
func (w *webSocket) frame(op byte, final bool, b []byte) error {
	head := []byte{op, 0x80}
	if final {
		head[0] |= 0x80
	}
	switch n := len(b); {
	case n < 126:
		head[1] |= byte(n)
	case n <= 0xFFFF:
		head[1] |= 126
		head = binary.BigEndian.AppendUint16(head, uint16(n))
	default:
		head[1] |= 127
		head = binary.BigEndian.AppendUint64(head, uint64(n))
	}
	mask := [4]byte{}
	rand.Read(mask[:])
	head = append(head, mask[:]...)
	for i, x := range b {
		head = append(head, x^mask[i&3])
	}
	_, err := w.Conn.Write(head)
	return err
}

// Read gives data of binary frames; pings are answered, a close frame is the end.
func (w *webSocket) Read(b []byte) (int, error) {
	for w.left == 0 {
		if err := w.next(); err != nil {
			return 0, err
		}
	}
	n, err := w.in.Read(b[:min(len(b), w.left)])
	w.left -= n
	return n, err
}

// next begins the next data frame.
func (w *webSocket) next() error {
	head, err := w.in.Peek(2) // a deadline in the middle leaves it there
	if err != nil {
		return err
	}
	op, final, size, skip := head[0]&0x0F, head[0]&0x80 != 0, int(head[1]&0x7F), 2
	if head[1]&0x80 != 0 || head[0]&0x70 != 0 {
		return errors.New("a frame of the server is masked or has reserved bits")
	}
	if size >= 126 {
		skip = 4 + 6*(size-126)
		if head, err = w.in.Peek(skip); err != nil {
			return err
		}
		if size = 0; skip == 4 {
			size = int(binary.BigEndian.Uint16(head[2:]))
		} else {
			size = int(binary.BigEndian.Uint64(head[2:]))
		}
	}
	if op >= wsClose {
		if head, err = w.in.Peek(skip + size); err != nil {
			return err
		}
		payload := append([]byte(nil), head[skip:]...)
		w.in.Discard(skip + size)
		switch op {
		case wsClose:
			return io.EOF
		case wsPing:
			return w.frame(wsPong, true, payload)
		}
		return nil
	}
	w.in.Discard(skip)
	if w.message != (op == wsContinue) || op == wsText {
		return fmt.Errorf("a data frame with opcode %d [MQTT-6.0.0-1]", op)
	}
	w.message, w.left = !final, size
	return nil
}
