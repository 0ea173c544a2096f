package broker

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"
)

// ClientOrder is what a list of clients is in the order of. Clients that are equal in it stand in the order of their
// ids.
type ClientOrder uint8

// What clients are ordered by.
const (
	ByID      ClientOrder = iota
	BySince               // connected, or away, since
	ByQueue               // messages that wait
	ByTraffic             // bytes of messages in and out on this connection
	ByLost                // messages of all causes
)

// ClientState says whether connected or absent clients are listed.
type ClientState uint8

// States of clients.
const (
	AnyState ClientState = iota
	OnlyConnected
	OnlyAway
)

// ClientMark is the place of a client in an order.
type ClientMark struct {
	N  int64 // what it is ordered by; 0 ByID
	ID string
}

// ClientQuery chooses a page of the list of clients.
type ClientQuery struct {
	State    ClientState
	Contains string // part of the client id, the user or the address; case is ignored
	User     string // exactly; "": anybody's
	Order    ClientOrder
	Down     bool        // the largest first
	After    *ClientMark // clients behind this place only; nil: from the first
	Skip     int         // not the first so many of these
	Limit    int         // at most so many, above 0
}

// ClientPage is a page of the list of clients. What a list is ordered by changes meanwhile: who moves across the border
// between two pages is on both or on none.
type ClientPage struct {
	Clients []ClientInfo
	Total   int         // on all pages
	Next    *ClientMark // place of the last, where others follow; nil on the last page
}

// Page lists some of the sessions. It looks at each once, and describes those of the page only.
func (b *Broker) Page(q ClientQuery) ClientPage {
	b.mu.Lock()
	sessions := make([]*Session, 0, len(b.sessions))
	for _, s := range b.sessions {
		sessions = append(sessions, s)
	}
	b.mu.Unlock()
	contains := strings.ToLower(q.Contains)
	best, most := places{down: q.Down}, q.Skip+q.Limit
	var out ClientPage
	for _, s := range sessions {
		mark, ok := s.standing(&q, contains)
		if !ok {
			continue
		}
		out.Total++
		if q.After != nil && best.compare(mark, *q.After) <= 0 {
			continue
		}
		if len(best.list) > most { // one more tells whether there is a next page
			if best.compare(mark, best.list[0].ClientMark) >= 0 {
				continue
			}
			heap.Pop(&best)
		}
		heap.Push(&best, placed{mark, s})
	}
	slices.SortFunc(best.list, func(x, y placed) int { return best.compare(x.ClientMark, y.ClientMark) })
	if len(best.list) > most {
		best.list = best.list[:most]
		out.Next = &best.list[most-1].ClientMark
	}
	best.list = best.list[min(q.Skip, len(best.list)):]
	out.Clients = make([]ClientInfo, 0, len(best.list))
	for _, p := range best.list {
		out.Clients = append(out.Clients, p.s.info())
	}
	return out
}

// standing is where a session is in the order of a question; false where it isn't asked for. contains is that of the
// question, in small letters.
func (s *Session) standing(q *ClientQuery, contains string) (ClientMark, bool) {
	mark := ClientMark{ID: s.id}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.client.Load()
	if q.State == OnlyConnected && c == nil || q.State == OnlyAway && c != nil || q.User != "" && s.user != q.User {
		return mark, false
	}
	if contains != "" && !strings.Contains(strings.ToLower(s.id), contains) && !strings.Contains(strings.ToLower(s.user), contains) &&
		(c == nil || !strings.Contains(strings.ToLower(c.remote), contains)) {
		return mark, false
	}
	switch q.Order {
	case BySince:
		if c != nil {
			mark.N = c.since
		} else { // not by way of the present time, so that a place stays the same
			mark.N = s.b.clock.start.UnixMilli() + s.awayAt - clockBase
		}
	case ByQueue:
		mark.N = int64(s.queue.len())
	case ByTraffic:
		if c != nil {
			c.outbox.mu.Lock()
			mark.N = int64(c.bytesIn.Load() + c.outbox.bytes)
			c.outbox.mu.Unlock()
		}
	case ByLost:
		mark.N = int64(s.lost())
	}
	return mark, true
}

// lost is how many messages the session has lost for all causes.
func (s *Session) lost() (n uint64) {
	if m := s.losses.Load(); m != nil {
		for l := range m.count {
			n += m.count[l].Load()
		}
	}
	return n
}

// placed is a session with its place.
type placed struct {
	ClientMark
	s *Session
}

// places is a heap with the last place on top.
type places struct {
	down bool
	list []placed
}

func (p *places) compare(x, y ClientMark) int {
	c := cmp.Or(cmp.Compare(x.N, y.N), strings.Compare(x.ID, y.ID))
	if p.down {
		return -c
	}
	return c
}

func (p *places) Len() int { return len(p.list) }
func (p *places) Less(i, j int) bool {
	return p.compare(p.list[i].ClientMark, p.list[j].ClientMark) > 0
}
func (p *places) Swap(i, j int) { p.list[i], p.list[j] = p.list[j], p.list[i] }
func (p *places) Push(x any)    { p.list = append(p.list, x.(placed)) }
func (p *places) Pop() any {
	last := p.list[len(p.list)-1]
	p.list = p.list[:len(p.list)-1]
	return last
}
