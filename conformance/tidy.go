package conformance

import (
	"context"

	"tsunagi/internal/mqtt"
)

// traces are what a case leaves with the broker.
type traces struct {
	sessions map[string]bool
	retained map[string]bool
}

// note looks at what is sent: client ids whose session may stay, and topics that may be retained.
func (t *traces) note(b []byte, v mqtt.Version) {
	f, err := mqtt.Cut(b, 0)
	if err != nil {
		return
	}
	if t.sessions == nil {
		t.sessions, t.retained = map[string]bool{}, map[string]bool{}
	}
	switch f.Type() {
	case mqtt.CONNECT:
		c, err := mqtt.DecodeConnect(f)
		if err != nil {
			return
		}
		if len(c.ClientID) > 0 && c.SessionExpiry > 0 {
			t.sessions[string(c.ClientID)] = true
		}
		if c.Will != nil && c.Will.Retain {
			t.retained[string(c.Will.Topic)] = true
		}
	case mqtt.PUBLISH:
		var p mqtt.Publish
		if err := mqtt.DecodePublish(&p, f, v); err == nil && p.Retain && len(p.Topic) > 0 {
			t.retained[string(p.Topic)] = true
		}
	}
}

// tidy closes the connections and takes the traces away, as far as the broker lets it.
func (r *run) tidy(ctx context.Context) {
	for _, c := range r.conns {
		c.Close()
	}
	for id := range r.traces.sessions {
		r.clean(ctx, id, nil)
	}
	if len(r.traces.retained) > 0 {
		r.clean(ctx, r.names.prefix+"tidy", r.traces.retained)
	}
}

// clean connects as id with a clean session, empties topics and leaves.
func (r *run) clean(ctx context.Context, id string, topics map[string]bool) {
	t := r.target
	t.Slicing = Whole
	c, err := dial(ctx, t)
	if err != nil {
		return
	}
	defer c.Close()
	v := r.v
	if v == mqtt.V31 {
		v = mqtt.V311
	}
	hello := mqtt.Connect{Version: v, Clean: true, ClientID: []byte(id), RequestProblem: true}
	if r.target.User != "" {
		hello.HasUser, hello.User = true, []byte(r.target.User)
		hello.HasPassword, hello.Password = true, []byte(r.target.Password)
	}
	c.send(hello.Append(nil), r.target.Timeout)
	c.flush()
	if f, err := c.next(r.target.Timeout); err != nil || f.Type() != mqtt.CONNACK {
		return
	}
	var b []byte
	for topic := range topics {
		empty := mqtt.Publish{Topic: []byte(topic), Retain: true}
		b = empty.Append(b, v)
	}
	bye := mqtt.Disconnect{}
	c.send(bye.Append(b, v), r.target.Timeout)
	c.flush()
	c.next(r.target.Timeout) // until the broker has read all and closes
}
