package broker

import (
	"context"
	"strings"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// RetainedInfo is one retained message, for people. Payload is the broker's own: don't change it.
type RetainedInfo struct {
	Topic     string
	Payload   []byte
	QoS       byte
	Publisher string // client id; "" for the server
	User      string
	ExpiresIn uint32             // seconds; 0: never
	Props     *mqtt.PublishProps // nil: none; the broker's own, too
}

// Browse is one page of the retained messages that a filter matches, in the order of their topics: those behind the
// topic after, at most limit. contains narrows it to topics with that part, byte for byte. The filter # includes topics
// that begin with $ only when it names them.
func (b *Broker) Browse(filter, contains, after string, limit int) ([]RetainedInfo, error) {
	f, err := topic.ParseFilter(filter)
	if err != nil {
		return nil, err
	}
	var list []RetainedInfo
	now := b.clock.ms()
	take := func(name string, m *message) bool {
		o := m.body.Load()
		if o == nil || o.expired(now) || !strings.Contains(name, contains) {
			return true
		}
		i := RetainedInfo{Topic: name, Payload: o.payload, QoS: o.qos, Publisher: o.publisher, User: o.user, Props: o.props}
		if o.expires != 0 {
			i.ExpiresIn = left(now, o.expires)
		}
		list = append(list, i)
		return len(list) < limit
	}
	if after == "" {
		b.retained.Match(f.Filter, take)
	} else {
		b.retained.MatchAfter(f.Filter, after, take)
	}
	return list, nil
}

// CountRetained counts the retained messages that a filter matches, up to limit.
func (b *Broker) CountRetained(filter string, limit int) (n int, err error) {
	f, err := topic.ParseFilter(filter)
	if err != nil {
		return 0, err
	}
	b.retained.Match(f.Filter, func(string, *message) bool {
		n++
		return n < limit
	})
	return n, nil
}

// ClearRetained deletes the retained messages that a filter matches, at most limit, and says how many. Subscribers see
// what a client's empty retained message would show them [MQTT-3.3.1-6]. It returns when the deletions are on disk.
func (b *Broker) ClearRetained(ctx context.Context, filter string, limit int) (n int, err error) {
	f, err := topic.ParseFilter(filter)
	if err != nil {
		return 0, err
	}
	var names []string
	b.retained.Match(f.Filter, func(name string, _ *message) bool {
		names = append(names, name)
		return len(names) < limit
	})
	for i, name := range names {
		if i < len(names)-1 { // the last one waits for all before it: they go to disk in order
			p := mqtt.Publish{QoS: 1, Retain: true, Topic: []byte(name)}
			if err := b.commit.post(b.message(&p, "", "")); err != nil {
				return n, err
			}
		} else if err := b.Publish(ctx, name, nil, 1, true); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Forget ends a client's session for good: the connection if there is one, the subscriptions and what waits. It answers
// whether there was such a session.
func (b *Broker) Forget(clientID, words string) bool {
	b.mu.Lock()
	s := b.sessions[clientID]
	b.mu.Unlock()
	if s == nil {
		return false
	}
	s.mu.Lock()
	s.expiry = 0
	c := s.client.Load()
	s.mu.Unlock()
	if c != nil {
		c.Expel(mqtt.AdministrativeAction, words)
		c.Gone(&Refusal{mqtt.AdministrativeAction, words})
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sessions[clientID] == s && s.client.Load() == nil {
		s.end(true)
	}
	return true
}

// KeepRetained publishes messages of the server's, retained. They go to disk together; it returns when all are there. The
// error is of the first that was refused or failed, and those behind a refused one are not tried.
func (b *Broker) KeepRetained(ctx context.Context, list []*mqtt.Publish) error {
	finished := make(chan error, len(list))
	var failed error
	posted := 0
	for _, p := range list {
		if failed = topic.CheckName(string(p.Topic)); failed != nil {
			break
		}
		if r := b.retainRoom(string(p.Topic), "", "", p); r != nil {
			failed = r
			break
		}
		p.Retain = true
		op := b.message(p, "", "")
		op.then = func(err error) { finished <- err }
		if failed = b.commit.post(op); failed != nil {
			break
		}
		posted++
	}
	for range posted {
		select {
		case err := <-finished:
			if err != nil && failed == nil {
				failed = err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return failed
}
