package gate

// How writes are bounded.
const (
	maxParts   = 64        // pieces in one gathered write
	chunk      = 32 << 10  // plaintext put into one frame, and given to crypto/tls at once, in bytes
	maxPending = 4 * chunk // ciphertext and control frames that may wait behind a full socket, in bytes
)

// Flush is room 6: it writes what waits for the client, without blocking. While the socket is full it does nothing,
// for then a goroutine of the connection's own does the writing.
func (c *conn) Flush() {
	if c.blocked.Load() {
		return
	}
	if err := c.push(); err != nil {
		c.Close(err)
	}
}

// push tries to write everything once.
func (c *conn) push() error {
	if c.tls != nil || c.ws != nil {
		c.wmu.Lock()
		err := c.sendPending()
		stuck := c.stuck
		c.wmu.Unlock()
		if err != nil || stuck {
			return err
		}
	}
	return c.sess.flush(c.write)
}

// writeDirect writes the broker's own bytes to the socket, uncopied, and says how many it took.
func (c *conn) writeDirect(parts [][]byte) (int, error) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.fd < 0 {
		return 0, errClosed
	}
	total := 0
	for len(parts) > 0 {
		batch := parts[:min(len(parts), maxParts)]
		want := 0
		for _, p := range batch {
			want += len(p)
		}
		if want > 0 {
			n, err := rawWrite(c.fd, batch)
			total += n
			if err != nil {
				return total, err
			}
			if n < want {
				c.stick()
				return total, nil
			}
		}
		parts = parts[len(batch):]
	}
	c.stuck = false
	return total, nil
}

// writeStaged puts parts into frames and records, and writes those. It takes no more once some of them had to stay,
// so that what is staged is bounded. The outbox's lock keeps callers apart.
func (c *conn) writeStaged(parts [][]byte) (taken int, err error) {
	buf := getBuffer()
	defer putBuffer(buf)
	at := cursor{parts: parts}
	for {
		data, n := at.gather(buf[:], c.ws != nil)
		if n == 0 {
			return taken, nil
		}
		if err := c.stage(data); err != nil {
			return taken, err
		}
		taken += n
		c.wmu.Lock()
		err := c.sendPending()
		stuck := c.stuck
		c.wmu.Unlock()
		if err != nil || stuck {
			return taken, err
		}
	}
}

// stage encrypts data, if there is TLS, and adds it to what is pending. A call is never torn apart by another.
func (c *conn) stage(data []byte) error {
	if c.tight != nil {
		return c.tight.write(c.tls, data)
	}
	if c.tls != nil {
		_, err := c.tls.Write(data) // comes back through wire and keep
		return err
	}
	_, err := c.keep(data)
	return err
}

// keep adds bytes to the pending block.
func (c *conn) keep(b []byte) (int, error) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.fd < 0 {
		return 0, errClosed
	}
	if c.pending == nil {
		c.pending = blocks.Get().(*block)
	}
	if len(c.pending.b)-c.pending.sent > maxPending {
		return 0, errTooSlow
	}
	c.pending.b = append(c.pending.b, b...)
	return len(b), nil
}

// sendPending writes the pending block as far as the socket takes it. The caller holds wmu.
func (c *conn) sendPending() error {
	if c.fd < 0 {
		return errClosed
	}
	p := c.pending
	if p == nil {
		c.stuck = false
		return nil
	}
	one := [1][]byte{p.b[p.sent:]}
	n, err := rawWrite(c.fd, one[:])
	p.sent += n
	if err != nil {
		return err
	}
	if p.sent < len(p.b) {
		c.stick()
		return nil
	}
	c.pending, c.stuck = nil, false
	putBlock(p)
	return nil
}

// sendFrame sends a control frame between the others. When too much waits already it is left out.
func (c *conn) sendFrame(frame []byte) {
	c.wmu.Lock()
	crowded := c.pending != nil && len(c.pending.b)-c.pending.sent > maxPending/2
	c.wmu.Unlock()
	if crowded {
		return
	}
	err := c.stage(frame)
	if err == nil {
		err = c.pushReplies()
	}
	if err != nil {
		c.Close(err)
	}
}

// stick notes that the socket is full and starts the writer, unless it runs. The caller holds wmu.
func (c *conn) stick() {
	c.stuck = true
	if !c.blocked.Swap(true) {
		c.drained = make(chan struct{})
		go c.drain(c.drained)
	}
}

// drain writes whenever the socket has room, until nothing waits. It ends then, or with the socket, or at the write
// deadline that end sets.
func (c *conn) drain(done chan struct{}) {
	defer close(done)
	err := c.rc.Write(func(uintptr) bool {
		for {
			if err := c.push(); err != nil {
				c.Close(err)
				return true
			}
			c.wmu.Lock()
			stuck := c.stuck
			c.wmu.Unlock()
			if stuck {
				return false
			}
			// From here on others write again; what they left to us meanwhile is ours to send.
			c.blocked.Store(false)
			if c.sess.waiting() == 0 || c.blocked.Swap(true) {
				return true
			}
		}
	})
	if err != nil {
		c.Close(err)
	}
}

// cursor walks over parts in chunks.
type cursor struct {
	parts [][]byte
	off   int // in parts[0]
}

// gather returns the next chunk and how many of its bytes came from the parts. With frame it lies in buf behind a
// WebSocket header; else a part that is large enough is returned as it is.
func (a *cursor) gather(buf []byte, frame bool) (data []byte, n int) {
	for len(a.parts) > 0 && a.off == len(a.parts[0]) {
		a.parts, a.off = a.parts[1:], 0
	}
	if len(a.parts) == 0 {
		return nil, 0
	}
	if first := a.parts[0][a.off:]; !frame && (len(a.parts) == 1 || len(first) >= chunk) {
		n = min(len(first), chunk)
		a.off += n
		return first[:n], n
	}
	const head = 4 // bytes of a header for up to 64 KiB, the longest here
	body := buf[head : head+chunk]
	for n < chunk && len(a.parts) > 0 {
		m := copy(body[n:], a.parts[0][a.off:])
		n, a.off = n+m, a.off+m
		if a.off == len(a.parts[0]) {
			a.parts, a.off = a.parts[1:], 0
		}
	}
	if !frame {
		return body[:n], n
	}
	var room [head]byte
	h := appendFrameHead(room[:0], opBinary, n)
	start := head - len(h)
	copy(buf[start:], h)
	return buf[start : head+n], n
}
