package billing

import (
	"context"
	"sync"
)

// turns lets one caller at a time at what a key names; others with the same key wait, those with another don't. There
// are as many as have a key or wait for one. The zero value is ready.
type turns struct {
	mu   sync.Mutex // guards what follows
	keys map[string]*turn
}

type turn struct {
	free  chan struct{} // holds one value while nobody has the key
	users int           // who have it or wait for it
}

// take waits for a key until ctx ends. Who has it calls give.
func (t *turns) take(ctx context.Context, key string) (give func(), err error) {
	t.mu.Lock()
	one := t.keys[key]
	if one == nil {
		one = &turn{free: make(chan struct{}, 1)}
		one.free <- struct{}{}
		if t.keys == nil {
			t.keys = map[string]*turn{}
		}
		t.keys[key] = one
	}
	one.users++
	t.mu.Unlock()
	select {
	case <-one.free:
		return func() { one.free <- struct{}{}; t.leave(key, one) }, nil
	case <-ctx.Done():
		t.leave(key, one)
		return nil, ctx.Err()
	}
}

func (t *turns) leave(key string, one *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(t.keys, key)
	}
}
