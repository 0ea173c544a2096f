package conformance

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"tsunagi/internal/mqtt"
)

// Target is the broker to run against.
type Target struct {
	Addr     string // host:port
	TLS      *tls.Config
	User     string // for every CONNECT that names no other
	Password string
	Timeout  time.Duration // longest wait of one step [5s]
}

// run is one case on its way.
type run struct {
	target Target
	c      *Case
	v      mqtt.Version
	names  names
	conns  map[string]*conn
	traces traces
}

// Run runs case c in version v, and tidies up behind it. The error says which line was not fulfilled, and why; it wraps
// ErrNotOffered where the broker has said in CONNACK that it doesn't have what the case is about.
func Run(ctx context.Context, t Target, c Case, v mqtt.Version) error {
	if !c.speaks(v) {
		return fmt.Errorf("the case is not for version %s", VersionName(v))
	}
	if t.Timeout == 0 {
		t.Timeout = 5 * time.Second
	}
	r := &run{target: t, c: &c, v: v, conns: map[string]*conn{},
		names: names{prefix: "cf" + strings.ToLower(rand.Text()[:8]), ids: map[string]uint16{}}}
	defer r.tidy(ctx)
	for i := 0; i < len(c.steps); {
		n, err := r.step(ctx, c.steps[i:])
		if err != nil {
			return fmt.Errorf("cases/%s.txt:%d: %w", c.File, c.steps[i].line, err)
		}
		i += n
	}
	return nil
}

// step does the first of steps and says how many it has done: more than one for those that come in any order.
func (r *run) step(ctx context.Context, steps []step) (int, error) {
	s := &steps[0]
	if !r.meant(s) {
		return 1, nil
	}
	switch s.op {
	case opPause:
		return 1, pause(ctx, s.args[0].value)
	case opDrop:
		if c := r.conns[s.conn]; c != nil {
			c.Close()
			delete(r.conns, s.conn)
		}
		return 1, nil
	case opSend:
		return 1, r.send(ctx, s)
	}
	c := r.conns[s.conn]
	if c == nil {
		return 0, fmt.Errorf("connection %s is not open", s.conn)
	}
	if s.op == opExpectAny {
		return r.expectAny(c, steps)
	}
	switch s.packet {
	case "CLOSE":
		return 1, r.expectClose(c, s)
	case "NOTHING":
		return 1, r.expectNothing(c)
	}
	f, err := c.next(r.target.Timeout)
	as, codes, mayClose := s.args.without("or-close")
	if mayClose && (closed(err) || err == nil && r.isLastWord(f, codes)) {
		return len(steps), nil // what follows would need the connection
	}
	if err != nil {
		return 0, fmt.Errorf("waiting for %s: %w", s.packet, err)
	}
	return 1, r.read().match(&step{packet: s.packet, args: as}, f)
}

// without takes the argument key out.
func (as args) without(key string) (rest args, value string, had bool) {
	i := slices.IndexFunc(as, func(a arg) bool { return a.key == key })
	if i < 0 {
		return as, "", false
	}
	return slices.Delete(slices.Clone(as), i, i+1), as[i].value, true
}

// closed says whether err means that the broker has ended the connection.
func closed(err error) bool { return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) }

// isLastWord says whether f ends the connection with one of codes.
func (r *run) isLastWord(f mqtt.Frame, codes string) bool {
	code, ok := lastWord(f, r.v)
	return ok && r.read().oneOf(codes, code)
}

// meant says whether s is for this version.
func (r *run) meant(s *step) bool {
	return s.only == 0 || (s.only == mqtt.V5) == (r.v == mqtt.V5)
}

func (r *run) read() *reading {
	read := &reading{names: &r.names, v: r.v}
	if r.v == mqtt.V5 {
		read.needs = r.c.needs
	}
	return read
}

func pause(ctx context.Context, how string) error {
	d, err := time.ParseDuration(how)
	if err != nil {
		return err
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send writes a packet; the connection is made for its first one, and anew after a DISCONNECT.
func (r *run) send(ctx context.Context, s *step) error {
	c := r.conns[s.conn]
	if c == nil || c.left && s.packet == "CONNECT" {
		if c != nil {
			c.Close()
		}
		var err error
		if c, err = dial(ctx, r.target); err != nil {
			return err
		}
		r.conns[s.conn] = c
	}
	as := s.args
	if s.packet == "CONNECT" && r.target.User != "" && !slices.ContainsFunc(as, func(a arg) bool { return a.key == "user" }) {
		as = append(slices.Clone(as), arg{key: "user", value: r.target.User}, arg{key: "password", value: r.target.Password})
	}
	read := r.read()
	b := read.build(s.packet, as)
	if read.err != nil {
		return read.err
	}
	r.traces.note(b, r.v)
	c.left = s.packet == "DISCONNECT"
	c.SetWriteDeadline(time.Now().Add(r.target.Timeout))
	_, err := c.Write(b)
	return err
}

// expectAny takes as many packets as there are neighbours with <* on the same connection.
func (r *run) expectAny(c *conn, steps []step) (int, error) {
	n := 0
	var open []*step
	for ; n < len(steps) && steps[n].op == opExpectAny && steps[n].conn == steps[0].conn; n++ {
		if r.meant(&steps[n]) {
			open = append(open, &steps[n])
		}
	}
	for len(open) > 0 {
		f, err := c.next(r.target.Timeout)
		if err != nil {
			return 0, fmt.Errorf("waiting for %s: %w", open[0].packet, err)
		}
		var errs []error
		i := slices.IndexFunc(open, func(s *step) bool {
			err := r.read().match(s, f)
			errs = append(errs, err)
			return err == nil
		})
		if i < 0 {
			return 0, errors.Join(errs...)
		}
		open = slices.Delete(open, i, i+1)
	}
	return n, nil
}

// expectClose wants the connection to end. One CONNACK that refuses or one DISCONNECT of 5.0 may come before; if the
// step names codes it must have one of them.
func (r *run) expectClose(c *conn, s *step) error {
	want, within := "", r.target.Timeout
	for _, a := range s.args {
		switch a.key {
		case "code":
			want = a.value
		case "within":
			var err error
			if within, err = time.ParseDuration(a.value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is not known here", a.key)
		}
	}
	deadline := time.Now().Add(within)
	for said := false; ; said = true {
		f, err := c.next(time.Until(deadline))
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("the connection is still open")
		case err != nil:
			c.left = true
			return nil
		case said:
			return fmt.Errorf("want the end of the connection, got %s", describe(f, r.v))
		}
		code, ok := lastWord(f, r.v)
		if !ok {
			return fmt.Errorf("want the end of the connection, got %s", describe(f, r.v))
		}
		read := r.read()
		if want != "" && !read.oneOf(want, code) {
			return differ("code", hex(code), want)
		}
	}
}

// lastWord is the code of a packet with which a server ends a connection.
func lastWord(f mqtt.Frame, v mqtt.Version) (mqtt.Reason, bool) {
	if f.Type() == mqtt.CONNACK {
		a, err := mqtt.DecodeConnack(f, v)
		if err != nil || a.Reason == mqtt.Success {
			return 0, false
		}
		if v != mqtt.V5 {
			return mqtt.Reason(a.Reason.ReturnCode()), true
		}
		return a.Reason, true
	}
	if f.Type() == mqtt.DISCONNECT && v == mqtt.V5 {
		d, err := mqtt.DecodeDisconnect(f, v)
		return d.Reason, err == nil
	}
	return 0, false
}

// expectNothing sends PINGREQ and wants nothing before its answer. What another connection causes may come later: a
// case that needs to be sure sends a message that must arrive behind the one that must not.
func (r *run) expectNothing(c *conn) error {
	c.SetWriteDeadline(time.Now().Add(r.target.Timeout))
	if _, err := c.Write(mqtt.AppendPing(nil, mqtt.PINGREQ)); err != nil {
		return err
	}
	f, err := c.next(r.target.Timeout)
	if err != nil {
		return err
	}
	if f.Type() != mqtt.PINGRESP {
		return fmt.Errorf("want nothing, got %s", describe(f, r.v))
	}
	return nil
}

// conn is one connection.
type conn struct {
	net.Conn
	left bool // DISCONNECT was sent, or the server has closed
	buf  []byte
	used int
}

func dial(ctx context.Context, t Target) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	var d interface {
		DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	} = &net.Dialer{}
	if t.TLS != nil {
		d = &tls.Dialer{Config: t.TLS}
	}
	c, err := d.DialContext(ctx, "tcp", t.Addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// next reads the next packet, whose bytes are its own.
func (c *conn) next(patience time.Duration) (mqtt.Frame, error) {
	c.SetReadDeadline(time.Now().Add(patience))
	for {
		f, err := mqtt.Cut(c.buf[c.used:], 16<<20)
		if err == nil {
			c.used += f.Size
			return f, nil
		}
		if !errors.Is(err, mqtt.ErrShort) {
			return f, fmt.Errorf("the broker sends nonsense: %w", err)
		}
		c.buf, c.used = slices.Clone(c.buf[c.used:]), 0
		chunk := make([]byte, 4096)
		n, err := c.Read(chunk)
		c.buf = append(c.buf, chunk[:n]...)
		if n == 0 && err != nil {
			if errors.Is(err, io.EOF) {
				return f, fmt.Errorf("the broker has closed the connection")
			}
			return f, err
		}
	}
}
