package hosted

import (
	"context"
	"errors"
	"os"
	"time"
)

// handle takes a message of the child. It doesn't block: what takes time goes on beside it, within a bound.
func (c *child) handle(ctx context.Context, m message) {
	switch m.Op {
	case opReady:
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.isReady {
			c.isReady = true
			close(c.ready)
		}
	case opWalls:
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.isReady && c.walls.inside == nil { // said once, before it reads anything of its customer's
			c.walls.inside = m.Walls
			if m.Notes != "" {
				c.log.Warn("flow server runs with fewer walls than there could be", "cause", clip(m.Notes, 500))
			}
		}
	case opFailed:
		c.blame(errors.New(clip(m.Error, 300)), false)
	case opDial, opExchange, opAlive, opInstances, opCredential:
		select {
		case c.slots <- struct{}{}:
		default:
			c.reply(m.ID, message{Error: "too many requests at once"}, nil)
			return
		}
		go func() { // ends within the bounds of each request
			defer func() { <-c.slots }()
			c.answer(ctx, m)
		}()
	}
}

// answer does what a request asks for.
func (c *child) answer(ctx context.Context, m message) {
	switch m.Op {
	case opDial:
		c.dial(ctx, m)
	case opExchange:
		c.exchange(ctx, m)
	case opInstances, opCredential:
		c.access(ctx, m)
	case opAlive:
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		alive, err := c.m.o.SessionAlive(ctx, m.Session)
		if err != nil {
			c.log.Warn("session not looked up", "error", err)
			c.reply(m.ID, message{Error: "the session can't be looked up"}, nil)
			return
		}
		if alive {
			c.watch(m.Session)
		}
		c.reply(m.ID, message{Alive: alive}, nil)
	}
}

// dial connects and passes the connection on.
func (c *child) dial(ctx context.Context, m message) {
	wait := time.Duration(m.WaitMS) * time.Millisecond
	if wait <= 0 || wait > maxDialTime {
		wait = maxDialTime
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	conn, err := c.m.dialer.dial(ctx, m.Network, m.Addr)
	var f *os.File
	if err == nil {
		f, err = file(conn)
	}
	if err != nil {
		c.log.Debug("flow server did not connect", "addr", clip(m.Addr, 100), "error", err)
		c.reply(m.ID, message{Error: clip(err.Error(), 500)}, nil)
		return
	}
	defer f.Close()
	c.reply(m.ID, message{}, f)
}

// exchange finds out who a code stands for.
func (c *child) exchange(ctx context.Context, m message) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	person, err := c.m.o.Exchange(ctx, c.server.ID, m.Code, m.Agent)
	if err != nil {
		c.log.Info("sign-in to the editor refused", "remote", clip(m.Remote, 64), "error", err)
		c.reply(m.ID, message{Error: "the code is not valid, or no longer"}, nil)
		return
	}
	c.watch(person.Session)
	c.reply(m.ID, message{Person: &person}, nil)
}

// reply answers a request. A child that doesn't read its answers is dying, or will be found out by its link.
func (c *child) reply(id uint64, m message, f *os.File) {
	m.Op, m.ID = opAnswer, id
	if err := c.link.send(m, f); err != nil {
		c.log.Debug("answer not sent to flow server", "error", err)
	}
}

// watch tells the child when a session ends. Beyond the bound a child learns it by asking.
func (c *child) watch(session string) {
	if session == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions == nil || c.sessions[session] != nil || len(c.sessions) >= maxWatched {
		return
	}
	ended, stop := c.m.o.SessionEnd(session)
	c.sessions[session] = stop
	go func() { // ends with the session or the child
		select {
		case <-ended:
			if err := c.link.send(message{Op: opEnded, Session: session}, nil); err != nil {
				c.log.Debug("end of session not told", "error", err)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			delete(c.sessions, session)
		case <-c.ended:
		}
		stop()
	}()
}

// unwatch stops taking new sessions to watch.
func (c *child) unwatch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions = nil
}

// clip cuts a text that comes from a child.
func clip(s string, limit int) string {
	if len(s) > limit {
		return s[:limit] + "…"
	}
	return s
}
