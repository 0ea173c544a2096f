package link

import (
	"context"
	"net"
	"time"

	"golang.org/x/time/rate"
)

// chunk is how much is read or written under one permission of the bandwidth.
const chunk = 32 << 10

// bounded is a connection as the platform has it: so many bytes a second in each direction, which others may share, and
// an end after silence.
type bounded struct {
	net.Conn
	ctx     context.Context // ends with the tunnel
	in, out *rate.Limiter
	silence time.Duration // longest wait for something to read [none]
}

// newBounded bounds a tunnel to so many bytes a second in each direction. It may be silent for less than the device's
// pings are apart.
func newBounded(ctx context.Context, c net.Conn, bandwidth int) *bounded {
	return &bounded{c, ctx, newLimiter(bandwidth), newLimiter(bandwidth), silence}
}

// newLimiter allows so many bytes a second.
func newLimiter(bandwidth int) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(bandwidth), max(bandwidth, 2*chunk))
}

func (b *bounded) Read(p []byte) (int, error) {
	if len(p) > chunk {
		p = p[:chunk]
	}
	if b.silence > 0 {
		if err := b.Conn.SetReadDeadline(time.Now().Add(b.silence)); err != nil {
			return 0, err
		}
	}
	n, err := b.Conn.Read(p)
	if n > 0 {
		if wait := b.in.WaitN(b.ctx, n); err == nil {
			err = wait
		}
	}
	return n, err
}

func (b *bounded) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		part := p[:min(len(p), chunk)]
		if err := b.out.WaitN(b.ctx, len(part)); err != nil {
			return written, err
		}
		if err := b.Conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
			return written, err
		}
		n, err := b.Conn.Write(part)
		written += n
		if err != nil {
			return written, err
		}
		p = p[len(part):]
	}
	return written, nil
}
