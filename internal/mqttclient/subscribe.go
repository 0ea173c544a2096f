package mqttclient

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tsunagi/internal/mqtt"
)

// Subscription is a filter with its options. All but the QoS belong to 5.0 and are left out in older versions.
type Subscription struct {
	Filter            string
	QoS               byte
	NoLocal           bool
	RetainAsPublished bool
	RetainHandling    byte   // 0: send retained messages, 1: if the subscription is new, 2: don't
	ID                uint32 // subscription identifier, 0: none
	UserProps         []mqtt.Pair
}

// ErrFilter says that a subscription can't be sent.
var ErrFilter = errors.New("subscription cannot be sent")

func (s *Subscription) validate() error {
	switch {
	case s.Filter == "" || !sendable(s.Filter):
		return fmt.Errorf("%w: the filter is empty, not UTF-8, holds U+0000 or is longer than 65535 bytes", ErrFilter)
	case s.QoS > 2:
		return fmt.Errorf("%w: QoS %d: want 0, 1 or 2", ErrFilter, s.QoS)
	case s.RetainHandling > 2:
		return fmt.Errorf("%w: retain handling %d: want 0, 1 or 2", ErrFilter, s.RetainHandling)
	case s.ID > mqtt.MaxRemaining:
		return fmt.Errorf("%w: subscription identifier %d: want at most %d", ErrFilter, s.ID, mqtt.MaxRemaining)
	}
	return nil
}

// request is a SUBSCRIBE or UNSUBSCRIBE, of filters with the same identifier and user properties.
type request struct {
	subs      []Subscription
	remove    bool
	restoring bool
	given     bool // nobody waits for the answer any more
	size      int  // bytes of the filters
	id        uint16
	seq       uint64
	done      func([]mqtt.Reason, error)
}

func (r *request) finish(reasons []mqtt.Reason, err error) {
	if r.done != nil {
		r.done(reasons, err)
	}
}

const (
	maxWaiting = 1000 // requests that wait to be sent
	maxFilters = 100  // in one packet
	maxRequest = 8192 // bytes of the filters in one packet, if there is more than one
)

// Subscribe subscribes and waits for the server's answer. It returns a reason for each subscription, and a *ServerError
// for the first that was refused. Subscriptions are restored when the server has forgotten them after a reconnect.
func (c *Client) Subscribe(ctx context.Context, subs ...Subscription) ([]mqtt.Reason, error) {
	return c.wait(ctx, subs, false)
}

// SubscribeAsync is Subscribe which calls done with the answer, once for each packet (100 filters of one identifier).
func (c *Client) SubscribeAsync(done func([]mqtt.Reason, error), subs ...Subscription) error {
	return c.request(pack(subs, false, done))
}

// Unsubscribe ends subscriptions and waits for the server's answer.
func (c *Client) Unsubscribe(ctx context.Context, filters ...string) ([]mqtt.Reason, error) {
	subs := make([]Subscription, len(filters))
	for i, f := range filters {
		subs[i].Filter = f
	}
	return c.wait(ctx, subs, true)
}

// UnsubscribeAsync is Unsubscribe which calls done (nil: nobody asks) with the answer, once for each packet. Requests
// are sent in the order of the calls, so a filter can be subscribed anew right behind.
func (c *Client) UnsubscribeAsync(done func([]mqtt.Reason, error), filters ...string) error {
	subs := make([]Subscription, len(filters))
	for i, f := range filters {
		subs[i].Filter = f
	}
	return c.request(pack(subs, true, done))
}

// wait makes the packets one after the other.
func (c *Client) wait(ctx context.Context, subs []Subscription, remove bool) ([]mqtt.Reason, error) {
	type answer struct {
		reasons []mqtt.Reason
		err     error
	}
	var all []mqtt.Reason
	var first error
	for _, r := range pack(subs, remove, nil) {
		ch := make(chan answer, 1)
		r.done = func(reasons []mqtt.Reason, err error) { ch <- answer{reasons, err} }
		if err := c.request([]*request{r}); err != nil {
			return all, err
		}
		select {
		case a := <-ch:
			all = append(all, a.reasons...)
			if first == nil {
				first = a.err
			}
		case <-ctx.Done():
			c.mu.Lock()
			r.given = true
			c.mu.Unlock()
			return all, ctx.Err()
		}
	}
	return all, first
}

// pack makes requests out of neighbours that can share a packet.
func pack(subs []Subscription, remove bool, done func([]mqtt.Reason, error)) []*request {
	var out []*request
	for _, s := range subs {
		if n := len(out); n > 0 {
			last := out[n-1]
			if last.takes(&s) {
				last.subs = append(last.subs, s)
				last.size += len(s.Filter)
				continue
			}
		}
		out = append(out, &request{subs: []Subscription{s}, remove: remove, size: len(s.Filter), done: done})
	}
	return out
}

// takes says whether s can share the packet.
func (r *request) takes(s *Subscription) bool {
	head := &r.subs[0]
	return head.ID == s.ID && slices.Equal(head.UserProps, s.UserProps) &&
		len(r.subs) < maxFilters && r.size+len(s.Filter) <= maxRequest
}

// request queues rs.
func (c *Client) request(rs []*request) error {
	for _, r := range rs {
		for i := range r.subs {
			if err := r.subs[i].validate(); err != nil {
				return err
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return ErrClosed
	}
	if len(c.waiting)+len(rs) > maxWaiting {
		return ErrOutboxFull
	}
	for _, r := range rs {
		c.out.seq++
		r.seq = c.out.seq
		c.waiting = append(c.waiting, r)
	}
	c.wake()
	return nil
}

// takeRequestsFor appends the requests that wait. It is called under mu.
func (c *Client) takeRequestsFor(l *link, dst []byte) []byte {
	for len(c.waiting) > 0 {
		r := c.waiting[0]
		if !r.given {
			if r.id = c.newID(); r.id == 0 {
				return dst
			}
			c.requests[r.id] = r
			dst = r.append(dst, l.version)
		}
		c.waiting[0] = nil
		c.waiting = c.waiting[1:]
	}
	c.waiting = nil
	return dst
}

func (r *request) append(dst []byte, v mqtt.Version) []byte {
	if r.remove {
		u := mqtt.Unsubscribe{PacketID: r.id}
		for _, s := range r.subs {
			u.Filters = append(u.Filters, []byte(s.Filter))
		}
		return u.Append(dst, v)
	}
	p := mqtt.Subscribe{PacketID: r.id, SubscriptionID: r.subs[0].ID, UserProps: r.subs[0].UserProps}
	for _, s := range r.subs {
		p.Filters = append(p.Filters, mqtt.Subscription{Filter: []byte(s.Filter), QoS: s.QoS, NoLocal: s.NoLocal,
			RetainAsPublished: s.RetainAsPublished, RetainHandling: s.RetainHandling})
	}
	return p.Append(dst, v)
}

// answered handles SUBACK and UNSUBACK.
func (l *link) answered(s *mqtt.Suback) error {
	c := l.c
	c.mu.Lock()
	r := c.requests[s.PacketID]
	if r == nil || r.remove != (s.Type == mqtt.UNSUBACK) {
		c.mu.Unlock()
		return fmt.Errorf("%w: an answer to no request", mqtt.ProtocolError)
	}
	if s.Type == mqtt.UNSUBACK && l.version != mqtt.V5 {
		s.Reasons = make([]mqtt.Reason, len(r.subs)) // Success
	}
	if len(s.Reasons) != len(r.subs) { // [MQTT-3.8.4-6] [MQTT-3.11.3-1]
		c.mu.Unlock()
		return fmt.Errorf("%w: %d answers to %d filters", mqtt.ProtocolError, len(s.Reasons), len(r.subs))
	}
	delete(c.requests, s.PacketID)
	var first error
	for i, reason := range s.Reasons {
		c.granted(r, &r.subs[i], reason)
		if reason.Failed() && first == nil {
			first = &ServerError{Packet: s.Type, Reason: reason, ReasonString: s.ReasonString, Filter: r.subs[i].Filter,
				UserProps: s.UserProps}
		}
	}
	c.mu.Unlock()
	if r.restoring && c.o.OnRefused != nil {
		for i, reason := range s.Reasons {
			if reason.Failed() {
				c.o.OnRefused(r.subs[i].Filter, reason)
			}
		}
	}
	r.finish(s.Reasons, first)
	return nil
}
