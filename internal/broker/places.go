package broker

import (
	"fmt"
	"slices"
	"strings"

	"tsunagi/internal/mqtt"
)

// admitClient takes a place among the connections of the plan. A connection that is about to be taken over makes room.
func (b *Broker) admitClient(c *Client, id string, req *ConnectRequest) error {
	l := b.limits.Load()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return &Refusal{mqtt.ServerUnavailable, ErrStopped.Error()}
	}
	count := b.counter(c)
	most, name := l.Connections, "connections"
	switch {
	case c.inner:
		*count++
		return nil
	case c.web:
		most, name = l.WebConnections, "web_connections"
	}
	used := *count
	if s := b.sessions[id]; s != nil {
		if old := s.client.Load(); old != nil && !old.inner && old.web == c.web {
			used--
		}
	}
	if most > 0 && used >= most {
		return &limitRefusal{
			Refusal{mqtt.QuotaExceeded, fmt.Sprintf("%s: the plan allows %d connections and all are in use", name, most)},
			name, fmt.Sprintf("the plan allows %d and these clients hold them: %s", most, b.holders(c.web)),
		}
	}
	if most := req.Identity.Most; most > 0 {
		used := b.capped[c.user]
		if s := b.sessions[id]; s != nil {
			if old := s.client.Load(); old != nil && old.capped && old.user == c.user {
				used--
			}
		}
		if used >= most {
			words := fmt.Sprintf("this login is for %d connections at a time and all are in use", most)
			return &limitRefusal{Refusal{mqtt.QuotaExceeded, words}, "connections of the login", words}
		}
	}
	if s := b.sessions[id]; b.sessionExpiry(req.Packet) > 0 && (s == nil || !s.persistent.Load()) &&
		l.Sessions > 0 && b.persistent >= l.Sessions {
		return &limitRefusal{
			Refusal{mqtt.QuotaExceeded, fmt.Sprintf("sessions: the plan allows %d sessions that outlive their connection", l.Sessions)},
			"sessions", fmt.Sprintf("the plan allows %d sessions that outlive their connection", l.Sessions),
		}
	}
	*count++
	if req.Identity.Most > 0 {
		if b.capped == nil {
			b.capped = map[string]int{}
		}
		b.capped[c.user]++
		c.capped = true
	}
	return nil
}

// holders lists the client ids that hold connections, within reason. Callers hold b.mu.
func (b *Broker) holders(web bool) string {
	var ids []string
	for id, s := range b.sessions {
		if c := s.client.Load(); c != nil && !c.inner && c.web == web {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	const most = 20
	if len(ids) > most {
		return strings.Join(ids[:most], ", ") + fmt.Sprintf(" and %d more", len(ids)-most)
	}
	return strings.Join(ids, ", ")
}

// release gives a connection's place back.
func (b *Broker) release(c *Client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.vacate(c)
}

// vacate is release for callers that hold b.mu.
func (b *Broker) vacate(c *Client) {
	if c.capped {
		if b.capped[c.user]--; b.capped[c.user] <= 0 {
			delete(b.capped, c.user)
		}
	}
	*b.counter(c)--
}

// counter counts connections of the kind of a client. Callers hold b.mu.
func (b *Broker) counter(c *Client) *int {
	switch {
	case c.inner:
		return &b.inner
	case c.web:
		return &b.web
	}
	return &b.plain
}
