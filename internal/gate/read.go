package gate

import (
	"crypto/tls"
	"errors"
	"io"
	"runtime"
	"time"
)

// buffersPerTurn is how much one connection may take before others get their turn.
const buffersPerTurn = 4

// pauseLook is how often a reader that pauses looks whether it may go on.
const pauseLook = 100 * time.Millisecond

// readLoop is room 1. It returns why the connection ended. One RawConn.Read spans the whole life, because each new
// one would forget what the poller knows and cost a read that finds nothing.
func (c *conn) readLoop() error {
	var cause error
	err := c.rc.Read(func(uintptr) bool {
		switch {
		case !c.quiet():
			cause = c.guard(c.readable)
		case c.turns > 1 || pollable(c.rfd): // else what has come is CONNECT, and that is done
			cause = c.aside(c.readQuietly)
		}
		return cause != nil
	})
	if cause != nil {
		return cause
	}
	return err // of the poller: closed, or woken by Close
}

// When a connection counts as quiet: in its first turns, and after a pause. Most devices are never anything else.
const (
	newTurns   = 8
	quietAfter = time.Second
)

// readQuietly is readable for a connection that says little: it leaves nothing behind.
func (c *conn) readQuietly() error {
	err := c.readable()
	if err == nil && c.tls != nil {
		slim(c.tls)
	}
	return err
}

// quiet says whether what has come now is handled aside.
func (c *conn) quiet() bool {
	if c.turns < newTurns {
		c.turns++
		return true
	}
	return c.srv.sweep.now.Load()-c.seen.Load() > int64(quietAfter)
}

// readable reads and handles what is there; nil means that the socket is empty.
func (c *conn) readable() error {
	for {
		empty, err := c.turn()
		if err != nil || empty {
			return err
		}
		runtime.Gosched() // the poller won't call again for bytes that it has told of
	}
}

// turn reads up to buffersPerTurn buffers and says whether the socket is empty now.
func (c *conn) turn() (empty bool, err error) {
	if err := c.pause(); err != nil {
		return false, err
	}
	buf := getBuffer()
	defer putBuffer(buf)
	for range buffersPerTurn {
		if e := c.ending.Load(); e != nil {
			return false, e.cause
		}
		var short bool
		if c.tls == nil {
			short, err = c.readPlain(buf[:])
		} else {
			short, err = c.readTLS(buf[:])
		}
		if err != nil || short {
			return short, err
		}
		if c.overfull() {
			return false, nil
		}
	}
	return false, nil
}

// pause waits while the peer leaves too many answers unread. Nothing is read from it meanwhile, so its own sending
// comes to a halt, too. The kernel's user timeout ends the connection of a peer that never reads.
func (c *conn) pause() error {
	for c.overfull() {
		c.wmu.Lock()
		drained := c.drained
		c.wmu.Unlock()
		look := time.NewTimer(pauseLook)
		select {
		case <-drained:
		case <-look.C:
		}
		look.Stop()
		c.touch() // it is us who don't listen: that is not the peer's silence
		if e := c.ending.Load(); e != nil {
			return e.cause
		}
	}
	return nil
}

// overfull says whether reading must pause: much waits for the peer, and can't be written now.
func (c *conn) overfull() bool {
	if !c.sess.full() {
		return false
	}
	c.Flush() // the flusher may not have come to it
	return c.blocked.Load() && c.sess.full()
}

// readPlain reads once, behind the rest. A short read has emptied the socket.
func (c *conn) readPlain(buf []byte) (short bool, err error) {
	r := c.room(buf)
	n, empty, err := rawRead(c.rfd, buf[r:])
	switch {
	case empty:
		return true, nil
	case err != nil:
		return false, err
	case n == 0:
		return false, errPeerGone
	}
	c.seen.Store(busy)
	err = c.take(buf, r, n)
	c.touch()
	return n < len(buf)-r, err
}

// readTLS reads ciphertext once and handles all that can be decrypted of it.
func (c *conn) readTLS(plain []byte) (short bool, err error) {
	buf := getBuffer()
	defer putBuffer(buf)
	n, empty, err := rawRead(c.rfd, buf[:])
	switch {
	case empty:
		return true, nil
	case err != nil:
		return false, err
	case n == 0:
		return false, errPeerGone
	}
	c.seen.Store(busy)
	c.wire.feed = buf[:n]
	err = c.decrypt(plain)
	c.wire.feed = nil
	c.touch()
	return n < len(buf), err
}

// decrypt handles what crypto/tls can make of the bytes that it holds and is fed. Several records fill one buffer,
// so that a turn of many small ones is handled, and answered, at once.
func (c *conn) decrypt(plain []byte) error {
	for {
		r := c.room(plain)
		n := 0
		var err error
		for err == nil && r+n < len(plain) {
			var m int
			m, err = c.tls.Read(plain[r+n:])
			n += m
		}
		if n > 0 {
			if terr := c.take(plain, r, n); terr != nil {
				return terr
			}
		}
		switch {
		case err == nil: // the buffer was full
		case errors.Is(err, errWouldBlock):
			return c.pushReplies()
		case errors.Is(err, io.EOF):
			return errPeerGone
		default:
			return tlsCause(err)
		}
	}
}

// pushReplies sends what crypto/tls has answered by itself, such as a key update.
func (c *conn) pushReplies() error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.pending == nil {
		return nil
	}
	return c.sendPending()
}

// tlsCause makes an alert that the peer sent its leaving: it will read nothing more.
func tlsCause(err error) error {
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return errors.Join(errPeerGone, err)
	}
	return err
}

// catchUp handles what had been read before the loop began: bytes behind CONNECT, and what crypto/tls still holds.
// Waiting for the socket without that would wait for bytes that are here already.
func (c *conn) catchUp(early []byte) error {
	buf := getBuffer()
	defer putBuffer(buf)
	if len(early) > 0 {
		used, err := c.sess.handle(early, c.srv.flushers)
		if err != nil {
			return err
		}
		c.keepFor(early[used:])
	}
	if c.tls != nil {
		err := c.decrypt(buf[:])
		slim(c.tls)
		return err
	}
	return nil
}
