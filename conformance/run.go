package conformance

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
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
