package mqttclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
)

// Client is one MQTT client. Its methods may be called from everywhere, also before Run and from the callbacks; those
// that wait for the server not from the callbacks.
type Client struct {
	o       Options
	to      *target
	started sync.Once     // Run is called once
	left    chan struct{} // closed by Disconnect
	ended   chan struct{} // closed when Run is over

	mu       sync.Mutex // guards what follows; no callback and no write to the network happens under it
	link     *link      // the connection after its CONNACK, else nil
	id       string     // the client id, ours or the server's
	met      bool       // there has been a connection
	over     bool       // Run is over: nothing is taken any more
	leave    *mqtt.Disconnect
	out      outbox
	requests map[uint16]*request     // SUBSCRIBE and UNSUBSCRIBE without an answer
	waiting  []*request              // those that were not sent yet, at most maxWaiting but for restored ones
	subs     map[string]Subscription // what the server granted, restored when it forgot
	order    []string                // the filters of subs, in the order they came
	received map[uint16]struct{}     // QoS 2 messages between PUBLISH and PUBREL
	nextID   uint16
	idle     []chan error // who waits in Drain
	checked  string       // the topic that was checked last
	spares   [][]*Message // what came back through Reuse, at most maxSpare
}

// New checks o and returns a client that does nothing yet; see Run.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	to, err := parseAddr(o.Addr, o.TLS != nil)
	if err == nil && to.user != nil && !o.HasUser {
		o.User, o.HasUser = to.user.Username(), true
		if p, ok := to.user.Password(); ok && o.Password == nil {
			o.Password = []byte(p)
		}
	}
	if err := errors.Join(err, o.validate()); err != nil {
		return nil, err
	}
	return &Client{o: o, to: to, id: o.ClientID, left: make(chan struct{}),
		ended: make(chan struct{}), requests: map[uint16]*request{},
		subs: map[string]Subscription{}, received: map[uint16]struct{}{},
		out: newOutbox(&o)}, nil
}

// Run connects and keeps connected until ctx ends or Disconnect is called; then it says DISCONNECT and returns nil. It
// returns an error only when Options.Retry wants no further attempt. What has no answer by then fails with ErrClosed.
func (c *Client) Run(ctx context.Context) error {
	err := ErrRunning
	c.started.Do(func() {
		err = c.run(ctx)
		c.finish()
	})
	return err
}

func (c *Client) run(ctx context.Context) error {
	pause := c.o.RetryMin
	for {
		lived, err := c.connection(ctx)
		if c.leaving(ctx) {
			return nil
		}
		if c.o.OnDisconnect != nil {
			c.o.OnDisconnect(err)
		}
		if c.o.Retry != nil && !c.o.Retry(err) {
			return err
		}
		if lived > c.o.RetryMax { // it had worked: begin with short pauses again
			pause = c.o.RetryMin
		}
		c.o.Log.Info("mqtt connection ended", "broker", c.to.host, "cause", err, "retry_within", pause)
		if !c.sleep(ctx, pause/2+rand.N(pause/2+1)) {
			return nil
		}
		pause = min(2*pause, c.o.RetryMax)
	}
}

// leaving says whether the client is to end.
func (c *Client) leaving(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ctx.Err() != nil || c.leave != nil
}

// sleep waits before the next attempt; false when the client is to end instead.
func (c *Client) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-c.left:
	}
	return !c.leaving(ctx)
}

// finish answers everything that is still open.
func (c *Client) finish() {
	c.mu.Lock()
	c.over = true
	open := c.out.takeAll()
	requests := c.takeRequests()
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, m := range open {
		m.finish(ErrClosed)
	}
	for _, r := range requests {
		r.finish(nil, ErrClosed)
	}
	for _, ch := range idle {
		ch <- ErrClosed
	}
	close(c.ended)
}

// Disconnect ends the client with the reason and the properties of d, of which versions before 5.0 say nothing, and
// waits for Run to return. What waits in the outbox is not sent any more: see Drain.
func (c *Client) Disconnect(ctx context.Context, d mqtt.Disconnect) error {
	c.mu.Lock()
	first := c.leave == nil
	if first {
		c.leave = &d
	}
	l := c.link
	c.mu.Unlock()
	if first {
		close(c.left)
	}
	if l != nil {
		l.depart()
	}
	select {
	case <-c.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Drain waits until everything that was published has been sent and, at QoS 1 and 2, acknowledged.
func (c *Client) Drain(ctx context.Context) error {
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return ErrClosed
	}
	if c.out.empty() {
		c.mu.Unlock()
		return nil
	}
	done := make(chan error, 1)
	c.idle = append(c.idle, done)
	c.mu.Unlock()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle tells those in Drain when the outbox has become empty. It is called under mu.
func (c *Client) settle() {
	if len(c.idle) == 0 || !c.out.empty() {
		return
	}
	for _, ch := range c.idle {
		ch <- nil
	}
	c.idle = nil
}

// Connected says whether there is a connection whose CONNACK said yes.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link != nil
}

// ClientID is the client id in use; empty while the server has not given one.
func (c *Client) ClientID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}
