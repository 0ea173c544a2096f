package broker

// event hands a line for the instance's log page on. It must not be called with a lock held that Options.Events might
// want: it holds none of ours itself.
func (b *Broker) event(e Event) {
	if e.Time.IsZero() {
		e.Time = b.clock.now()
	}
	b.events(e)
}

// eventOf fills in who the client is.
func (c *Client) event(e Event) {
	e.Client, e.User, e.Remote = c.s.id, c.user, c.remote
	c.b.event(e)
}
