package conformance

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
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

	WebSocket string   // path of a WebSocket, such as /mqtt; empty: the stream itself
	Slicing   Slicing  // how what is sent is cut [Whole]
	Able      []string // of the abilities, those that the target has
}

// abilities are what a target may have that no CONNACK tells.
//
//   - acl: nobody may publish or subscribe to a topic whose second level is "denied"
//   - login: a wrong password is refused; User and Password are right
//   - ws: the target is spoken to over WebSocket
var abilities = []string{"acl", "login", "ws"}

// run is one case on its way.
type run struct {
	target Target
	c      *Case
	v      mqtt.Version
	names  names
	conns  map[string]*conn
	speaks map[string]mqtt.Version // of the connections that speak another version than the case is run in
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
	for _, n := range c.needs {
		if slices.Contains(abilities, n) && !slices.Contains(t.Able, n) {
			return fmt.Errorf("%w: %s", ErrNotOffered, n)
		}
	}
	r := &run{target: t, c: &c, v: v, conns: map[string]*conn{}, speaks: map[string]mqtt.Version{},
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
	if s.op != opSend {
		r.flush()
	}
	switch s.op {
	case opPause:
		return 1, pause(ctx, s.args[0].value)
	case opDrop:
		if c := r.conns[s.conn]; c != nil {
			c.drop()
			delete(r.conns, s.conn)
		}
		return 1, nil
	case opSend:
		return 1, r.send(ctx, s)
	}
	if a, b, either := strings.Cut(s.conn, "|"); either {
		return 1, r.expectEither(s, a, b)
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
		return 1, r.expectNothing(s.conn, c)
	case "OPENED":
		return 1, c.opened(s.args)
	}
	f, err := c.next(r.target.Timeout)
	as, codes, mayClose := s.args.without("or-close")
	if mayClose && (closed(err) || err == nil && r.isLastWord(s.conn, f, codes)) {
		return len(steps), nil // what follows would need the connection
	}
	if err != nil {
		return 0, fmt.Errorf("waiting for %s: %w", s.packet, err)
	}
	return 1, r.read(s.conn).match(&step{packet: s.packet, args: as}, f)
}

// meant says whether s is for this version.
func (r *run) meant(s *step) bool {
	return s.only == 0 || (s.only == mqtt.V5) == (r.v == mqtt.V5)
}

// read reads the arguments of a step on connection name.
func (r *run) read(name string) *reading {
	return &reading{names: &r.names, v: r.version(name), needs: r.c.needs}
}

// version is what connection name speaks.
func (r *run) version(name string) mqtt.Version {
	if v, ok := r.speaks[name]; ok {
		return v
	}
	return r.v
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
	as, version, other := s.args.without("version")
	if other {
		vs, err := versions(version)
		if err != nil {
			return err
		}
		r.speaks[s.conn] = vs[0]
	}
	if s.packet == "OPEN" || c == nil || c.left && s.packet == "CONNECT" {
		var err error
		if c, err = r.connect(ctx, s); err != nil || s.packet == "OPEN" {
			return err
		}
	}
	for name, other := range r.conns { // the order between connections is part of the case
		if name != s.conn {
			_ = other.flush()
		}
	}
	read := r.read(s.conn)
	if s.packet == "FRAME" {
		return c.rawFrame(read, s.args)
	}
	if s.packet == "CONNECT" && r.target.User != "" && !slices.ContainsFunc(as, func(a arg) bool { return a.key == "user" }) {
		as = append(slices.Clone(as), arg{key: "user", value: r.target.User}, arg{key: "password", value: r.target.Password})
	}
	if c.connack != nil {
		read.top = c.connack.TopicAliasMax
	}
	packets := [][]byte{}
	if rest, count, many := as.without("count"); many {
		packets = read.many(s.packet, rest, count, c)
	} else {
		packets = append(packets, read.build(s.packet, as))
	}
	if read.err != nil {
		return read.err
	}
	for _, b := range packets {
		r.traces.note(b, r.version(s.conn))
		c.send(b, r.target.Timeout)
	}
	c.left = s.packet == "DISCONNECT"
	return nil
}

// connect opens the connection of a step, in place of one that has ended.
func (r *run) connect(ctx context.Context, s *step) (*conn, error) {
	if old := r.conns[s.conn]; old != nil {
		old.Close()
	}
	protocols := subprotocol
	if s.packet == "OPEN" {
		protocols = ""
		for _, a := range s.args {
			protocols = a.value
		}
	} else if r.version(s.conn) == mqtt.V31 {
		protocols = "mqttv3.1"
	}
	st, err := open(ctx, r.target, protocols)
	c := &conn{stream: st}
	if refused, ok := errors.AsType[*ErrUpgrade](err); ok && s.packet == "OPEN" {
		c, err = &conn{stream: &stream{Conn: noConn{}}, refused: refused.Status}, nil
	}
	if err != nil {
		return nil, err
	}
	r.conns[s.conn] = c
	return c, nil
}

// flush writes what waits on all connections.
func (r *run) flush() {
	for _, c := range r.conns {
		c.SetWriteDeadline(deadline(r.target.Timeout))
		_ = c.flush()
	}
}
