package broker

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// take gets the next batch.
func (k *Committer) take() (ops []operation, bytes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for n < len(k.queue) && n < maxBatchOps && (n == 0 || bytes+k.queue[n].size() <= maxBatch) {
		bytes += k.queue[n].size()
		n++
	}
	if n == len(k.queue) {
		ops, k.queue = k.queue, nil
		return ops, bytes
	}
	ops = append(ops, k.queue[:n]...)
	rest := copy(k.queue, k.queue[n:])
	clear(k.queue[rest:])
	k.queue = k.queue[:rest]
	return ops, bytes
}

// step commits one batch; false when nothing waits.
func (k *Committer) step(t *Turn) bool {
	ops, bytes := k.take()
	if len(ops) == 0 {
		if k.due() {
			k.settle()
		}
		return false
	}
	k.errs = append(k.errs[:0], make([]error, len(ops))...)
	if !k.hold(ops, bytes) {
		k.settle()
		k.write(ops)
	}
	for i, op := range ops {
		k.finish(op, t, k.errs[i])
	}
	k.flush(t)
	k.mu.Lock()
	k.bytes -= bytes
	k.space.Broadcast()
	k.mu.Unlock()
	if k.due() {
		k.settle()
	}
	if k.logged >= trimEvery && k.held.since.IsZero() {
		k.trim()
	}
	return true
}

// write makes the batch durable. When the store is full, what needs room fails and the rest is tried again, so that
// acknowledgements and deletions go on.
func (k *Committer) write(ops []operation) {
	err := k.attempt(ops)
	for least := growsMessages; errors.Is(err, ErrStoreFull) && least > growsNot; least-- {
		for i, op := range ops {
			if k.errs[i] == nil && op.grows() >= least {
				k.errs[i] = err
			}
		}
		err = k.attempt(ops)
	}
	if err == nil {
		return
	}
	if !errors.Is(err, ErrStoreFull) {
		k.fail(err)
	}
	for i := range ops {
		if k.errs[i] == nil {
			k.errs[i] = err
		}
	}
}

// attempt writes the operations that have no error yet.
func (k *Committer) attempt(ops []operation) error {
	p := &k.plan
	p.reset(k.store.NextOffset())
	for i, op := range ops {
		if k.errs[i] == nil {
			k.errs[i] = k.prepare(op)
		}
	}
	p.close()
	if p.empty() {
		return nil
	}
	if err := k.Err(); err != nil {
		return err
	}
	if err := k.store.Write(&p.batch); err != nil {
		p.undo()
		return err
	}
	k.wrote(p)
	return nil
}

// wrote notes that a plan is on disk.
func (k *Committer) wrote(p *plan) {
	for _, r := range p.batch.Log {
		k.recordBytes += (len(r.Message) - k.recordBytes) / 16
	}
	if k.logged += len(p.batch.Log); k.logged*k.recordBytes > trimBytes {
		k.logged = trimEvery
	}
	p.keep()
}

// fail ends all acknowledging. A sync that failed may have lost what was written before: it can't be tried again.
func (k *Committer) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure != nil {
		return
	}
	k.failure = err
	k.log.Error("the message store has failed, nothing is acknowledged any more; the process must be restarted", "error", err)
	close(k.failed)
	k.space.Broadcast()
}

// prepare and finish keep a fault in one operation from ending the process.
func (k *Committer) prepare(op operation) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = k.report("prepare", r)
		}
	}()
	op.prepare(&k.plan)
	return nil
}

func (k *Committer) finish(op operation, t *Turn, err error) {
	defer func() {
		if r := recover(); r != nil {
			_ = k.report("finish", r)
		}
	}()
	op.done(t, err)
}

func (k *Committer) report(where string, r any) error {
	k.log.Error("an operation of the committer panicked", "where", where, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	return errPanic
}
