package bridge

import (
	"context"
	"errors"
	"sync"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
	"tsunagi/internal/resident"
)

const (
	receiveMaximum = 256   // QoS 1 and 2 messages that a 5.0 broker may have open towards us
	window311      = 20    // and we towards an older one, which would put more of QoS 2 in another order
	windowMost     = 256   // and towards one of 5.0
	subscribeID    = 65535 // packet identifier of SUBSCRIBE: the sessions give messages the lowest that are free
	writeTimeout   = 30 * time.Second
	leaveTimeout   = time.Second // for DISCONNECT
)

// pair is one connection to the remote broker and one to the instance, and what goes through. The reader takes what the
// remote broker sends, the writer what the instance sends.
type pair struct {
	r      *runner
	c      *Config
	wire   *mqttclient.Wire
	l      local
	own    string // origin of the instance
	remote string // origin of the remote broker, "" when it doesn't tell
	kick   chan struct{}
	asked  bool // a SUBACK of the remote broker is to come; the reader's

	mu       sync.Mutex          // guards what follows
	acks     []byte              // answers of our own to the remote broker
	retained map[uint16]struct{} // outgoing messages that are to be retained, without an answer
	kept     map[uint16]struct{} // incoming ones, the same
	open     int                 // incoming QoS 1 messages without an answer
	room     *sync.Cond          // open has become less, or the pair ends
	over     bool

	pub mqtt.Publish // the reader's
	out mqtt.Publish // the writer's
	buf []byte       // what is to be written; the writer's
}

func newPair(r *runner, w *mqttclient.Wire, l local) *pair {
	p := &pair{r: r, c: &r.c, wire: w, l: l, own: r.o.Origin(r.c.Instance), remote: originOf(w.Connack), kick: make(chan struct{}, 1),
		retained: map[uint16]struct{}{}, kept: map[uint16]struct{}{}}
	p.room = sync.NewCond(&p.mu)
	return p
}

// window is how many messages may be open towards the remote broker.
func window(w *mqttclient.Wire) int {
	if w.Version != mqtt.V5 {
		return window311
	}
	if n := int(w.Connack.ReceiveMaximum); n > 0 {
		return min(n, windowMost)
	}
	return windowMost
}

// subscribe asks the remote broker for what comes in, and no longer for stale filters.
func (p *pair) subscribe(stale [][]byte) error {
	var packets []byte
	if len(stale) > 0 {
		packets = (&mqtt.Unsubscribe{PacketID: subscribeID - 1, Filters: stale}).Append(packets, p.wire.Version)
	}
	if list := remoteFilters(p.c.Topics); len(list) > 0 {
		for i := range list {
			list[i].RetainHandling = 1
		}
		packets = (&mqtt.Subscribe{PacketID: subscribeID, Filters: list}).Append(packets, p.wire.Version)
		p.asked = true
	}
	return p.wire.Write(packets)
}

// serve carries messages until one of the connections ends, and says why. Both have ended when it returns.
func (p *pair) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(leaveTimeout, p.wire.Close) }) // the writer says farewell before
	defer stop()
	failed := make(chan error, 1)
	go func() { // ends when a connection does
		err := p.writeLoop(ctx)
		p.end()
		p.wire.Close()
		failed <- err
	}()
	err := p.readLoop()
	p.end()
	p.wire.Close()
	p.l.End(errClosed)
	other := <-failed
	p.l.Leave(err)
	_, told := errors.AsType[*mqttclient.ServerError](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case told || other == nil || errors.Is(other, errClosed):
		return err
	}
	return other // the writer saw it first
}

// end lets who waits for room go.
func (p *pair) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	p.room.Broadcast()
}

// answer has bytes of our own written to the remote broker.
func (p *pair) answer(a *mqtt.Ack) {
	p.mu.Lock()
	p.acks = a.Append(p.acks, p.wire.Version)
	p.mu.Unlock()
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// takeAcks appends what answer has collected.
func (p *pair) takeAcks(dst []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	dst = append(dst, p.acks...)
	p.acks = p.acks[:0]
	return dst
}

// writeLoop carries what the instance sends to the remote broker, and pings it.
func (p *pair) writeLoop(ctx context.Context) error {
	var tick <-chan time.Time
	if p.wire.KeepAlive > 0 {
		t := time.NewTicker(p.wire.KeepAlive / 2)
		defer t.Stop()
		tick = t.C
	}
	for {
		more := p.l.Fetch()
		if err := p.collect(); err != nil {
			return err
		}
		if len(p.buf) > 0 {
			if err := p.wire.Write(p.buf); err != nil {
				return err
			}
			if cap(p.buf) > 4*resident.Chunk {
				p.buf = nil
			}
		}
		if more {
			continue
		}
		select {
		case <-p.l.Wake:
		case <-p.kick:
		case <-tick:
			if err := p.wire.Write(mqtt.AppendPing(nil, mqtt.PINGREQ)); err != nil {
				return err
			}
		case <-p.l.Ended:
			return p.farewell(ctx)
		case <-ctx.Done():
			return p.farewell(ctx)
		}
	}
}

// farewell says DISCONNECT where the remote broker still listens. A bridge that is deleted ends its session there.
func (p *pair) farewell(ctx context.Context) error {
	d := mqtt.Disconnect{}
	if p.r.dropped.Load() {
		d.HasSessionExpiry = true
	}
	_ = p.wire.Write(d.Append(nil, p.wire.Version)) // it may be gone already
	if ctx.Err() != nil || errors.Is(p.l.Cause(), errClosed) {
		return errClosed
	}
	return p.l.Why()
}

// collect makes packets for the remote broker of what was fetched.
func (p *pair) collect() error {
	p.buf = p.takeAcks(p.buf[:0])
	used := 0
	for {
		f, err := mqtt.Cut(p.l.Raw[used:], 0)
		if errors.Is(err, mqtt.ErrShort) {
			p.l.Raw = p.l.Raw[:copy(p.l.Raw, p.l.Raw[used:])]
			return nil
		}
		if err == nil {
			err = p.outgoing(f)
		}
		if err != nil {
			return err
		}
		used += f.Size
	}
}

// readLoop carries what the remote broker sends to the instance.
func (p *pair) readLoop() error {
	patience := p.wire.KeepAlive * 3 / 2
	for {
		f, err := p.wire.Next(patience)
		if err == nil {
			err = p.incoming(f)
		}
		if err != nil {
			return err
		}
	}
}

// toInstance hands packets of the remote broker to the instance.
func (p *pair) toInstance(packets []byte) error {
	if err := p.l.Send(packets); err != nil {
		if errors.Is(err, errClosed) || errors.Is(err, broker.ErrDisconnected) {
			return errClosed
		}
		return fault.Wrap(fault.HereMessage, err)
	}
	return nil
}
