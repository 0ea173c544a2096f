package history

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/resident"
	"tsunagi/internal/topic"
)

// Bounds of one batch.
const (
	batchMessages = 500
	batchBytes    = 4 << 20
	window        = 1000 // messages that may wait for their batch
	trimEvery     = time.Minute
)

// keeper keeps the history of one instance. Its goroutine ends when cancel is called.
type keeper struct {
	m        *Manager
	instance string
	choices  []account.HistoryFilter
	rests    bool    // nothing new is kept
	before   *keeper // the one that it takes the place of, which ends first; the goroutine's
	cancel   context.CancelFunc
	done     chan struct{}
	opened   chan struct{} // closed when file is there
	using    sync.RWMutex  // held for writing while the file is closed
	file     *file
}

// run keeps messages again and again until ctx ends.
func (k *keeper) run(ctx context.Context) {
	defer close(k.done)
	if k.before != nil {
		<-k.before.done
		k.before = nil
	}
	if len(k.choices) == 0 {
		k.clear(ctx)
		return
	}
	defer k.close()
	for told := ""; ctx.Err() == nil; {
		err := k.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if words := fmt.Sprint(err); words != told {
			k.m.o.Log.Warn("history isn't kept for now; it is tried again", "instance", k.instance, "error", err)
			told = words
		}
		select {
		case <-time.After(k.m.o.Pause):
		case <-ctx.Done():
		}
	}
}

// clear ends the session and deletes the file of an instance that keeps nothing any more.
func (k *keeper) clear(ctx context.Context) {
	defer k.m.forgotten(k)
	if b := k.m.o.Find(k.instance); b != nil {
		b.Forget(ClientID, "nothing is kept any more")
	}
	if ctx.Err() != nil {
		return
	}
	if err := k.m.remove(k.instance); err != nil {
		k.m.o.Log.Error("history not deleted", "instance", k.instance, "error", err)
	}
}

func (k *keeper) close() {
	k.using.Lock()
	defer k.using.Unlock()
	if k.file != nil {
		if err := k.file.close(); err != nil {
			k.m.o.Log.Warn("history not closed", "instance", k.instance, "error", err)
		}
		k.file = nil
	}
}

// once opens what isn't open yet, makes a connection and serves it.
func (k *keeper) once(ctx context.Context) error {
	if k.file == nil {
		f, err := openFile(ctx, k.m.path(k.instance))
		if err != nil {
			return err
		}
		k.file = f
		close(k.opened)
	}
	if k.rests {
		<-ctx.Done()
		return nil
	}
	setup, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	b, err := k.m.o.Broker(setup, k.instance)
	if err != nil {
		return err
	}
	rights, err := k.m.o.Rights(setup, k.instance)
	if err != nil {
		return err
	}
	c, _, err := resident.Connect(setup, b, resident.Options{Who: "the history", ClientID: ClientID, User: account.HistoryUser, Rights: rights, Inner: true,
		Remote: "history", Via: "history", Window: window})
	if err != nil {
		return err
	}
	defer c.Leave(resident.ErrLeft)
	var filters []mqtt.Subscription
	for _, choice := range k.choices {
		filters = append(filters, mqtt.Subscription{Filter: []byte(choice.Filter), QoS: 1, RetainHandling: 2, RetainAsPublished: true})
	}
	if err := c.Subscribe(b, filters); err != nil {
		return err
	}
	return k.serve(ctx, c)
}

// serve gathers messages into batches until the connection or ctx ends.
func (k *keeper) serve(ctx context.Context, c *resident.Client) error {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	if err := k.file.add(ctx, nil, k.choices, k.m.o.Now()); err != nil { // bounds may have changed
		return err
	}
	var g gathering
	for {
		more := c.Fetch()
		if err := k.take(ctx, c, &g); err != nil {
			return err
		}
		if more {
			continue
		}
		if g.due == nil && len(g.list) > 0 {
			g.due = time.After(k.m.o.Batch)
		}
		select {
		case <-c.Wake:
		case <-g.due:
			if err := k.flush(ctx, c, &g); err != nil {
				return err
			}
		case <-tick.C:
			if err := k.flush(ctx, c, &g); err != nil {
				return err
			}
		case <-c.Ended:
			return c.Why()
		case <-ctx.Done():
			return k.flush(context.WithoutCancel(ctx), c, &g)
		}
	}
}

// gathering is a batch.
type gathering struct {
	list  []kept
	acks  []byte
	bytes int64
	due   <-chan time.Time // nil: nothing waits
}

// take takes all whole packets that were fetched.
func (k *keeper) take(ctx context.Context, c *resident.Client, g *gathering) error {
	for {
		f, err := mqtt.Cut(c.Raw, 0)
		if err != nil {
			if len(c.Raw) == 0 {
				c.Raw = nil
			}
			return nil // what the broker writes is whole: the rest comes
		}
		switch f.Type() {
		case mqtt.PUBLISH:
			err = k.one(c, f, g)
		case mqtt.SUBACK:
			err = resident.Refused(f, mqtt.V5, fault.HereSubscription)
		case mqtt.DISCONNECT:
			err = c.Dismissed(f)
		}
		c.Raw = c.Raw[f.Size:]
		if err != nil {
			return err
		}
		if len(g.list) >= batchMessages || g.bytes >= batchBytes {
			if err := k.flush(ctx, c, g); err != nil {
				return err
			}
		}
	}
}

func (k *keeper) one(c *resident.Client, f mqtt.Frame, g *gathering) error {
	var p mqtt.Publish
	if err := mqtt.DecodePublish(&p, f, mqtt.V5); err != nil {
		return err
	}
	owed := broker.Owed{}
	if p.QoS > 0 {
		owed, _ = c.Owed(p.PacketID)
		g.acks = (&mqtt.Ack{Type: mqtt.PUBACK, PacketID: p.PacketID}).Append(g.acks, mqtt.V5)
	}
	if owed.Accepted.IsZero() {
		owed.Accepted = k.m.o.Now()
	}
	one := kept{Message: Message{Time: owed.Accepted, Topic: string(p.Topic), Payload: append([]byte{}, p.Payload...), QoS: p.QoS, Retain: p.Retain,
		Client: owed.Client, place: owed.Place}}
	for _, choice := range k.choices {
		if topic.Match(choice.Filter, one.Topic) {
			one.filter = choice.Filter
			g.list, g.bytes = append(g.list, one), g.bytes+one.size()
			break
		}
	}
	return nil
}

// flush keeps a batch and acknowledges it then.
func (k *keeper) flush(ctx context.Context, c *resident.Client, g *gathering) error {
	if err := k.file.add(ctx, g.list, k.choices, k.m.o.Now()); err != nil {
		return err
	}
	acks := g.acks
	*g = gathering{}
	if len(acks) == 0 {
		return nil
	}
	return c.Send(acks)
}
