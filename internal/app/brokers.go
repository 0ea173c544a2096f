package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
)

// brokers keeps one broker for each instance that is in use: those with stored state from the start on, since wills
// and expiries may be due, the others from their first CONNECT.
type brokers struct {
	committer *broker.Committer
	store     broker.Store
	limits    func(instance string) (broker.Limits, error)
	events    func(instance string, e broker.Event)
	rights    func(instance, user string) (broker.Rights, bool)
	node      string
	evict     func(instance string) func(remote string) *broker.Eviction // who comes from where they may not; nil: all may
	origin    func(instance string) string                               // what bridges call it; nil: nothing
	keep      string                                                     // client id of a session that drops nothing [none]
	keepQoS0  bool                                                       // see broker.Options
	log       *slog.Logger

	mu      sync.Mutex // guards the fields below
	all     map[string]*opening
	stopped bool
}

// opening is a broker that is being made or is there: done is closed then.
type opening struct {
	done   chan struct{}
	broker *broker.Broker
	err    error
}

// get returns the instance's broker and makes it where there is none.
func (b *brokers) get(ctx context.Context, instance string) (*broker.Broker, error) {
	b.mu.Lock()
	if b.stopped {
		b.mu.Unlock()
		return nil, broker.ErrStopped
	}
	o := b.all[instance]
	if o == nil {
		o = &opening{done: make(chan struct{})}
		b.all[instance] = o
		go b.open(instance, o) // ends when the instance's state is loaded
	}
	b.mu.Unlock()
	select {
	case <-o.done:
		return o.broker, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *brokers) open(instance string, o *opening) {
	defer close(o.done)
	limits, err := b.limits(instance)
	origin := ""
	if b.origin != nil {
		origin = b.origin(instance)
	}
	if err == nil {
		o.broker, err = broker.New(broker.Options{
			ID: instance, Limits: limits, Committer: b.committer, Node: b.node, Origin: origin, Log: b.log,
			Keep: b.keep, KeepQoS0: b.keepQoS0,
			Events: func(e broker.Event) { b.events(instance, e) },
			Rights: func(user string) (broker.Rights, bool) { return b.rights(instance, user) },
		})
	}
	if err != nil {
		o.err = fmt.Errorf("open instance %s: %w", instance, err)
		b.mu.Lock()
		delete(b.all, instance)
		b.mu.Unlock()
	}
}

// find returns the instance's broker if there is one.
func (b *brokers) find(instance string) *broker.Broker {
	b.mu.Lock()
	o := b.all[instance]
	b.mu.Unlock()
	if o == nil {
		return nil
	}
	<-o.done
	return o.broker
}

// running are the brokers that are there, by instance.
func (b *brokers) running() map[string]*broker.Broker {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make(map[string]*broker.Broker, len(b.all))
	for instance, o := range b.all {
		select {
		case <-o.done:
			if o.broker != nil {
				all[instance] = o.broker
			}
		default: // being made
		}
	}
	return all
}

// openStored opens the brokers of all instances that have stored state. State of an instance that no longer exists is
// dropped: its deletion was interrupted.
func (b *brokers) openStored(ctx context.Context, exists func(instance string) (bool, error)) error {
	list, err := b.store.Instances()
	if err != nil {
		return err
	}
	pinned, err := b.committer.Pinned()
	if err != nil {
		return err
	}
	list = append(list, pinned...)
	slices.Sort(list)
	for _, instance := range slices.Compact(list) {
		ok, err := exists(instance)
		if err != nil {
			return err
		}
		if !ok {
			if err := b.committer.Drop(ctx, instance); err != nil {
				return err
			}
			continue
		}
		if _, err := b.get(ctx, instance); err != nil {
			return err
		}
	}
	return nil
}

// change brings news of users and rules to a running broker, and ends the broker of a deleted instance.
func (b *brokers) change(c account.Change) {
	if c.Deleted {
		b.drop(c.Instance)
		return
	}
	running := b.find(c.Instance)
	if running == nil {
		return
	}
	switch {
	case c.Suspended != "":
		running.KickAll("the account of this instance is suspended by the operator of the server: "+c.Suspended, func(string, string) bool { return true })
	case len(c.Users)+len(c.Clients) > 0:
		users := map[string]bool{} // up to a thousand, asked for each client
		for _, user := range c.Users {
			users[user] = true
		}
		running.KickAll("this login holds no more: the user was changed or deleted", func(id, user string) bool {
			return users[user] || slices.Contains(c.Clients, id)
		})
	}
	if c.Plan || c.Retain || c.ClientIDs {
		limits, err := b.limits(c.Instance)
		if err != nil {
			b.log.Error("other limits can't be read; they hold from the next start on", "instance", c.Instance, "error", err)
		} else {
			running.SetLimits(limits)
		}
	}
	if c.Addresses && b.evict != nil {
		running.Evict(b.evict(c.Instance))
	}
	if c.Recheck || c.Logins {
		running.Recheck()
	}
}

// drop stops the broker of an instance and deletes its state. The store goes on without what fails here: openStored
// tries again at the next start.
func (b *brokers) drop(instance string) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if running := b.find(instance); running != nil {
		if err := running.Stop(ctx); err != nil {
			b.log.Error("stop the broker of a deleted instance", "instance", instance, "error", err)
		}
		b.mu.Lock()
		delete(b.all, instance)
		b.mu.Unlock()
	}
	if err := b.committer.Drop(ctx, instance); err != nil {
		b.log.Error("delete the messages of a deleted instance", "instance", instance, "error", err)
	}
}

// restart stops the broker of an instance, which ends its connections, and makes it anew; empty also drops its state.
// Clients that come meanwhile are told to try again.
func (b *brokers) restart(ctx context.Context, instance string, empty bool) error {
	running := b.find(instance)
	if running != nil {
		if err := running.Stop(ctx); err != nil {
			return err
		}
	}
	if empty {
		if err := b.committer.Drop(ctx, instance); err != nil {
			return err
		}
	}
	b.mu.Lock()
	delete(b.all, instance)
	b.mu.Unlock()
	_, err := b.get(ctx, instance)
	return err
}

// stop stops all brokers: their clients get DISCONNECT 0x8B, their sessions stay.
func (b *brokers) stop(ctx context.Context) error {
	b.mu.Lock()
	b.stopped = true
	list := make([]*opening, 0, len(b.all))
	for _, o := range b.all {
		list = append(list, o)
	}
	b.mu.Unlock()
	var errs []error
	for _, o := range list {
		<-o.done
		if o.broker != nil {
			errs = append(errs, o.broker.Stop(ctx))
		}
	}
	return errors.Join(errs...)
}
