package gate

// keepRest is the capacity up to which the rest's array stays with the connection, in bytes. An idle connection
// mostly ends on a packet's border, so this is what a busy one saves.
const keepRest = 256

// room copies a small rest to the front of buf, so that what is read next lies behind it, and says how long it is. A
// large one stays where it is, and grows as bytes come. The rest is only given up by take, when something has come.
func (c *conn) room(buf []byte) int {
	if len(c.rest) > len(buf)/2 {
		return 0
	}
	return copy(buf, c.rest)
}

// take handles n bytes that came behind the r bytes of the rest in buf, and keeps what is no complete packet.
func (c *conn) take(buf []byte, r, n int) error {
	var wsErr error
	if c.ws != nil {
		data, err := c.ws.next(buf[r : r+n])
		n, wsErr = len(data), err
		c.answerPing()
	}
	data := buf[:r+n]
	large := r == 0 && len(c.rest) > 0
	if large {
		c.rest = append(c.rest, data...)
		data = c.rest
	}
	if n > 0 {
		used, err := c.sess.handle(data, c.srv.flushers)
		if err != nil {
			return err
		}
		data = data[used:]
	}
	if !large || len(data) < len(c.rest) {
		c.keepFor(data)
	}
	return wsErr
}

// keepFor keeps data, which may lie in the rest itself, until more has come. The array is kept as long as it is not
// much too large.
func (c *conn) keepFor(data []byte) {
	if n := len(data); n <= cap(c.rest) && cap(c.rest) <= max(keepRest, 4*n) {
		c.rest = c.rest[:n]
		copy(c.rest, data)
	} else {
		c.rest = append([]byte(nil), data...)
	}
}

// answerPing sends the pong for the pings that were just read.
func (c *conn) answerPing() {
	if len(c.ws.pong) == 0 {
		return
	}
	pong := c.ws.pong
	c.ws.pong = nil
	c.sendFrame(pong)
}
