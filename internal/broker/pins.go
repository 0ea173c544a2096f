package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// pinned says whether the store knows that an instance needs the log.
func (k *Committer) pinned(instance string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pins[instance] != 0
}

func (k *Committer) setPins(list []pinWrite) {
	if len(list) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range list {
		if w.offset == 0 {
			delete(k.pins, w.instance)
		} else {
			k.pins[w.instance] = w.offset
		}
	}
}

// loadPins reads from where on each instance needs the log, once. Callers hold k.mu.
func (k *Committer) loadPins() error {
	if k.pinsRead {
		return nil
	}
	err := k.store.Load(pinInstance, Loader{
		Retained: func(string, Record) error { return nil },
		Session: func(instance string, state []byte) error {
			if len(state) == 0 || state[0] != stateVersion {
				return errState
			}
			at, _, err := cutUvarint(state[1:])
			if err != nil {
				return errState
			}
			k.pins[instance] = at
			return nil
		},
		Subscription: func(string, string, []byte) error { return nil },
		Cursor:       func(string, []byte) error { return nil },
		Packet:       func(string, Direction, uint16, []byte) error { return nil },
	})
	if err != nil {
		return fmt.Errorf("load what instances need of the message log: %w", err)
	}
	k.pinsRead = true
	return nil
}

// Pinned lists the instances that may need the log: with messages for sessions that are away. Their brokers should be
// made at start, so that wills and session ends come in time and the log can be trimmed.
func (k *Committer) Pinned() ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.loadPins(); err != nil {
		return nil, err
	}
	var list []string
	for instance := range k.pins {
		list = append(list, instance)
	}
	slices.Sort(list)
	return list, nil
}

// open registers a broker; there can be only one for an instance.
func (k *Committer) open(b *Broker) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if b.id == pinInstance {
		return errors.New("an instance needs an id")
	}
	if err := k.loadPins(); err != nil {
		return err
	}
	if k.brokers[b.id] != nil {
		return fmt.Errorf("instance %q has a broker already", b.id)
	}
	k.brokers[b.id] = b
	return nil
}

func (k *Committer) close(b *Broker) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.brokers[b.id] == b {
		delete(k.brokers, b.id)
	}
}

// Drop deletes all that is stored of an instance. Its broker must have been stopped.
func (k *Committer) Drop(ctx context.Context, instance string) error {
	op := &dropOp{k: k, instance: instance, finished: make(chan error, 1)}
	if err := k.post(op); err != nil {
		return err
	}
	select {
	case err := <-op.finished:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

type dropOp struct {
	k        *Committer
	instance string
	finished chan error
}

func (o *dropOp) size() int     { return 64 }
func (o *dropOp) grows() growth { return growsNot }

func (o *dropOp) prepare(p *plan) {
	if o.k.pinned(o.instance) {
		p.pin(o.instance, 0)
	}
}

func (o *dropOp) done(_ *Turn, err error) {
	if err == nil {
		err = o.k.store.Drop(o.instance)
	}
	o.finished <- err
}

// trim lets go what nobody needs. Instances that aren't in memory need what they needed when they were let go.
func (k *Committer) trim() {
	k.logged = 0
	below := k.store.NextOffset()
	k.mu.Lock()
	if err := k.loadPins(); err != nil {
		k.mu.Unlock()
		k.log.Warn("the message log is not trimmed", "error", err)
		return
	}
	brokers := make([]*Broker, 0, len(k.brokers))
	for _, b := range k.brokers {
		brokers = append(brokers, b)
	}
	for instance, at := range k.pins {
		if b := k.brokers[instance]; b == nil || !b.ready.Load() {
			below = min(below, at)
		}
	}
	k.mu.Unlock()
	for _, b := range brokers {
		if at := b.backlog.lowest(); at != 0 {
			k.carry(b, at)
			below = min(below, at)
		}
	}
	if below <= k.trimmed {
		return
	}
	if err := k.store.Trim(below); err != nil {
		k.log.Warn("the message log could not be trimmed", "error", err)
		return
	}
	k.trimmed = below
}
