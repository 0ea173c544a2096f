package mqttclient

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"tsunagi/internal/mqtt"
)

// packetReader cuts packets out of a connection. A frame is valid until the next one is asked for.
type packetReader struct {
	conn  net.Conn
	buf   []byte
	from  int // buf[from:to] has been read and not handed out
	to    int
	full  bool         // the last read filled the buffer
	max   int          // bytes of the largest packet
	heard atomic.Int64 // when something was read last, Unix ns
}

// The buffer begins small; where one read fills it, the next one is larger.
const (
	readBuffer    = 4 << 10
	maxReadBuffer = 64 << 10
)

// next returns the next packet. The buffer grows with what has really come, not with what is announced.
func (r *packetReader) next() (mqtt.Frame, error) {
	for {
		f, whole, err := r.cut()
		if whole || err != nil {
			return f, err
		}
		if err := r.fill(); err != nil {
			return f, err
		}
	}
}

// cut returns the next packet if all of it has been read.
func (r *packetReader) cut() (f mqtt.Frame, whole bool, err error) {
	f, err = mqtt.Cut(r.buf[r.from:r.to], r.max)
	switch {
	case err == nil:
		r.from += f.Size
		return f, true, nil
	case err == mqtt.ErrShort: //nolint:errorlint // Cut returns it bare, once for every read
		return f, false, nil
	case errors.Is(err, mqtt.PacketTooLarge):
		return f, false, fmt.Errorf("%w: the limit of this client is %d bytes", err, r.max)
	}
	return f, false, err
}

// peek is the type of the next packet, known before the rest of it has come.
func (r *packetReader) peek() (mqtt.Type, error) {
	for r.from == r.to {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	return mqtt.Type(r.buf[r.from] >> 4), nil
}

// fill reads once.
func (r *packetReader) fill() error {
	r.room()
	n, err := r.conn.Read(r.buf[r.to:])
	r.to += n
	r.full = r.to == len(r.buf)
	if n > 0 {
		r.heard.Store(time.Now().UnixNano())
		return nil
	}
	return err
}

// room makes place behind to.
func (r *packetReader) room() {
	switch {
	case r.from == r.to:
		r.from, r.to = 0, 0
		switch {
		case len(r.buf) == 0 || len(r.buf) > maxReadBuffer: // what a large packet needed goes back
			r.buf = make([]byte, readBuffer)
		case r.full && len(r.buf) < maxReadBuffer:
			r.buf = make([]byte, 4*len(r.buf))
		}
	case r.to < len(r.buf):
	case r.from > 0:
		r.to = copy(r.buf, r.buf[r.from:r.to])
		r.from = 0
	default:
		larger := make([]byte, 2*len(r.buf))
		copy(larger, r.buf)
		r.buf = larger
	}
}
