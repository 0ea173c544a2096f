package broker

import "time"

// Owed is what the broker knows of a message that waits for the acknowledgement of a client.
type Owed struct {
	// Place is the message's own place in the instance's log, the same over restarts; 0: it is in memory only.
	Place    uint64
	Accepted time.Time // by this server; zero: not known
	Client   string    // client id that published it; "": the server
	User     string
}

// Owed tells of the QoS 1 or 2 message that was sent to the client under a packet identifier; false when none is open
// under it. It is for parts of this server, which tell messages apart by it.
func (c *Client) Owed(packetID uint16) (Owed, bool) {
	s := c.s
	s.mu.Lock()
	sl := s.out.at(packetID)
	if sl == nil || sl.ref.m == nil {
		s.mu.Unlock()
		return Owed{}, false
	}
	m, b := sl.ref.m, sl.ref.b
	s.mu.Unlock()
	if b == nil {
		b = m.body.Load()
	}
	if b == nil { // memory has let it go since it was sent
		list := []wanted{{m: m, at: m.at.Load()}}
		if err := s.b.readBodies(list); err == nil {
			b = list[0].b
		}
	}
	out := Owed{Place: m.offset}
	if b != nil {
		out.Accepted, out.Client, out.User = b.accepted.time(), b.publisher, b.user
	}
	return out, true
}
