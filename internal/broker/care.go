package broker

import (
	"strings"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// RetainExpiry bounds the time of retained messages whose publisher has bounded none.
type RetainExpiry struct {
	Filter  string
	Seconds uint32
}

// aged is what is retained of a message to which the instance gives a time. Who is subscribed gets it without.
type aged struct {
	m   *message
	rec []byte
}

// age makes the retained copy of a message that is to expire; nil: the message itself is kept.
func (b *Broker) age(name string, p *mqtt.Publish, publisher, user string) *aged {
	list := b.limits.Load().RetainExpiry
	if len(list) == 0 || !p.Retain || len(p.Payload) == 0 || p.Props.HasExpiry {
		return nil
	}
	for _, one := range list {
		if topic.Match(one.Filter, name) {
			q := *p
			q.Props.HasExpiry, q.Props.Expiry = true, one.Seconds
			m, rec := newMessage(name, &q, publisher, user, b.clock.now(), b.clock.ms())
			return &aged{m, rec}
		}
	}
	return nil
}

// Command says whether a topic looks like one on which devices are told what to do: its last level is set, cmd or
// command. A message that is retained there is carried out again by whoever subscribes later.
func Command(name string) bool {
	switch name[strings.LastIndexByte(name, '/')+1:] {
	case "set", "cmd", "command":
		return true
	}
	return false
}

// commandKept says that a topic has got a retained command.
func (o *publishOp) commandKept() {
	count := o.b.commands.hit(1, o.b.clock.ms())
	if count == 0 {
		return
	}
	e := Event{Kind: "command", Topic: o.topic, Rule: "retain", Count: int(count),
		Cause: "a command is retained here: whoever subscribes later carries it out again, also after a restart; publish it without the retain flag, and delete this one on the page Retained"}
	if body := o.m.body.Load(); body != nil {
		e.Client, e.User = body.publisher, body.user
	}
	if o.c != nil {
		e.Remote = o.c.remote
	}
	o.b.event(e)
}
