package conformance

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"tsunagi/internal/mqtt"
)

// without takes the argument key out.
func (as args) without(key string) (rest args, value string, had bool) {
	i := slices.IndexFunc(as, func(a arg) bool { return a.key == key })
	if i < 0 {
		return as, "", false
	}
	return slices.Delete(slices.Clone(as), i, i+1), as[i].value, true
}

// closed says whether err means that the broker has ended the connection.
func closed(err error) bool {
	_, fouled := errors.AsType[*foul](err)
	return err != nil && !fouled && !errors.Is(err, os.ErrDeadlineExceeded)
}

// isLastWord says whether f ends the connection with one of codes.
func (r *run) isLastWord(name string, f mqtt.Frame, codes string) bool {
	code, ok := lastWord(f, r.version(name))
	return ok && r.read(name).oneOf(codes, code)
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
			err := r.read(s.conn).match(s, f)
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
	want, within, v := "", r.target.Timeout, r.version(s.conn)
	silent, after := false, mqtt.Type(0)
	for _, a := range s.args {
		switch a.key {
		case "code":
			want = a.value
		case "silent":
			silent = true
		case "after":
			after = types[a.value]
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
	for said := silent; ; said = true {
		f, err := c.next(time.Until(deadline))
		for err == nil && after != 0 && f.Type() == after {
			f, err = c.next(time.Until(deadline))
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("the connection is still open")
		case err != nil && !closed(err):
			return err
		case err != nil:
			c.left = true
			return nil
		}
		code, ok := lastWord(f, v)
		if said || !ok {
			return fmt.Errorf("want the end of the connection, got %s", describe(f, v))
		}
		read := r.read(s.conn)
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
func (r *run) expectNothing(name string, c *conn) error {
	c.send(mqtt.AppendPing(nil, mqtt.PINGREQ), r.target.Timeout)
	if err := c.flush(); err != nil {
		return err
	}
	f, err := c.next(r.target.Timeout)
	if err != nil {
		return err
	}
	if f.Type() != mqtt.PINGRESP {
		return fmt.Errorf("want nothing, got %s", describe(f, r.version(name)))
	}
	return nil
}

// lookAside is how long expectEither waits for one connection before it looks at the other.
const lookAside = 20 * time.Millisecond

// expectEither wants the packet on one of two connections, which is called "got" from then on, and the other "other".
func (r *run) expectEither(s *step, a, b string) error {
	for end := time.Now().Add(r.target.Timeout); time.Now().Before(end); a, b = b, a {
		c := r.conns[a]
		if c == nil {
			return fmt.Errorf("connection %s is not open", a)
		}
		f, err := c.next(lookAside)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return err
		}
		r.conns["got"], r.conns["other"] = c, r.conns[b]
		return r.read(a).match(s, f)
	}
	return fmt.Errorf("%s comes on neither of the connections", s.packet)
}
