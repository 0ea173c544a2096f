package mqttclient

import (
	"slices"

	"tsunagi/internal/mqtt"
)

// What a new connection has to ask for again.

// takeRequestsSent takes those that were sent and have no answer, in order; restored ones are made anew. Under mu.
func (c *Client) takeRequestsSent() []*request {
	var all []*request
	for _, r := range c.requests {
		if !r.restoring {
			all = append(all, r)
		}
	}
	clear(c.requests)
	c.waiting = slices.DeleteFunc(c.waiting, func(r *request) bool { return r.restoring })
	slices.SortFunc(all, func(x, y *request) int {
		if x.seq < y.seq {
			return -1
		}
		return 1
	})
	return all
}

// takeRequests takes all that have no answer. It is called under mu.
func (c *Client) takeRequests() []*request {
	all := append(c.takeRequestsSent(), c.waiting...)
	c.waiting = nil
	return all
}

// restoring are requests for all that the server had granted. It is called under mu.
func (c *Client) restoring() []*request {
	subs := make([]Subscription, 0, len(c.order))
	for _, f := range c.order {
		subs = append(subs, c.subs[f])
	}
	rs := pack(subs, false, nil)
	for _, r := range rs {
		r.restoring = true
	}
	return rs
}

// granted keeps the books of what is to be restored. It is called under mu.
func (c *Client) granted(r *request, s *Subscription, reason mqtt.Reason) {
	_, known := c.subs[s.Filter]
	switch {
	case !r.remove && !reason.Failed():
		c.subs[s.Filter] = *s
		if !known {
			c.order = append(c.order, s.Filter)
		}
	case r.remove && !reason.Failed(), r.restoring:
		delete(c.subs, s.Filter)
		c.order = slices.DeleteFunc(c.order, func(f string) bool { return f == s.Filter })
	}
}
