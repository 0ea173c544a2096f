package broker

import (
	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// replay is the retained messages that a new subscription is still to be sent.
type replay struct {
	sub  *subscription
	list []*message
}

// keepRetained sets or, with an empty payload, clears the retained message of a topic [MQTT-3.3.1-5] [MQTT-3.3.1-6].
// It is called when that is durable, in the order of the batches.
func (b *Broker) keepRetained(m *message, name string, empty bool) {
	var old *message
	var had bool
	if empty {
		old, had = b.retained.Delete(name)
	} else {
		old, had = b.retained.Set(name, m)
		b.retCount.Add(1)
		b.retBytes.Add(int64(m.size))
	}
	if had {
		old.gone.Store(true)
		b.retCount.Add(-1)
		b.retBytes.Add(-int64(old.size))
	}
}

// retainRoom checks the bounds of the plan for one more retained message.
func (b *Broker) retainRoom(name string, size int) *Refusal {
	l := b.limits.Load()
	if l.RetainedMessages <= 0 && l.RetainedBytes <= 0 {
		return nil
	}
	count, bytes := b.retCount.Load()+1, b.retBytes.Load()+int64(size+len(name))
	if old, had := b.retained.Get(name); had {
		count, bytes = count-1, bytes-int64(old.size)
	}
	switch {
	case l.RetainedMessages > 0 && count > int64(l.RetainedMessages):
		return &Refusal{mqtt.QuotaExceeded, "retained_messages: the plan allows no more retained messages"}
	case l.RetainedBytes > 0 && bytes > int64(l.RetainedBytes):
		return &Refusal{mqtt.QuotaExceeded, "retained_bytes: the plan allows no more bytes of retained messages"}
	}
	return nil
}

// startReplay has the retained messages of a subscription sent, as the outbox has room for them. Callers hold s.mu.
func (s *Session) startReplay(sub *subscription) {
	var list []*message
	s.b.retained.Match(sub.filter, func(_ string, m *message) bool {
		list = append(list, m)
		return true
	})
	if len(list) > 0 {
		s.replays = append(s.replays, replay{sub, list})
	}
}

// sendReplay sends the next retained message; false: it has to wait. Callers hold s.mu.
func (s *Session) sendReplay(c *Client, t *Turn) bool {
	r := &s.replays[0]
	if len(r.list) == 0 {
		if s.replays = s.replays[1:]; len(s.replays) == 0 {
			s.replays = nil
		}
		return true
	}
	m := r.list[0]
	b := m.body.Load()
	// What has been replaced was delivered as a live message already, or never existed for this client.
	if m.gone.Load() || b.expired(s.b.clock.ms()) || !c.mayReceive(b.topic) || !s.b.sourceHolds(b) {
		r.list = r.list[1:]
		return true
	}
	x := ref{m: m, qos: min(b.qos, r.sub.qos), flag: refRetain} // [MQTT-3.3.1-8]
	if r.sub.id != 0 {
		x.ids = []uint32{r.sub.id}
	}
	if x.qos == 0 {
		if c.sendBody(b, x, 0, t) == noRoom {
			return false
		}
		r.list = r.list[1:]
		return true
	}
	if c.open >= c.window {
		return false
	}
	if s.sendRef(c, x, b, t) == noRoom {
		return false
	}
	r.list = r.list[1:]
	return true
}

// sourceHolds says whether who published a retained message may still do so: rights that were taken away take their
// retained messages with them.
func (b *Broker) sourceHolds(m *body) bool {
	if m.user == "" || b.rights == nil {
		return true
	}
	r, _ := b.rights(m.user)
	return r != nil && r.MayPublish(m.topic, m.publisher, m.qos, true).Allowed
}

// Retained calls yield for the retained messages that a filter matches, for the panel.
func (b *Broker) Retained(filter string, yield func(name string, payload []byte, qos byte) bool) error {
	f, err := topic.ParseFilter(filter)
	if err != nil {
		return err
	}
	now := b.clock.ms()
	b.retained.Match(f.Filter, func(name string, m *message) bool {
		if o := m.body.Load(); !o.expired(now) {
			return yield(name, o.payload, o.qos)
		}
		return true
	})
	return nil
}
