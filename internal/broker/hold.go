package broker

import "time"

// The plan setting durability = "fast": messages of such an instance are routed and acknowledged when they are in memory,
// and written within a second. A crash may lose that second, nothing else; sessions and subscriptions are stored at once
// as always. What is held is one batch, always the newest end of the log: whatever has to be durable is written behind it.

const (
	holdTime  = time.Second
	holdBytes = maxBatch
)

// holdable is an operation that may be completed before it is on disk, if its instance asks for that.
type holdable interface{ fast() bool }

func (b *Broker) fast() bool { return b.limits.Load().Fast }

func (o *publishOp) fast() bool { return o.b.fast() }
func (o *forgetOp) fast() bool  { return o.s.b.fast() }
func (o *sendOp) fast() bool    { return o.s.b.fast() }
func (o *releaseOp) fast() bool { return o.s.b.fast() }
func (o *closeOp) fast() bool   { return o.s.b.fast() }

// held is the batch that has been completed and not yet written. The committer's goroutine owns it.
type held struct {
	since time.Time // zero: nothing is held
	bytes int
	timer *time.Timer
}

// hold prepares operations without writing them, if all of them allow it and the store has room.
func (k *Committer) hold(ops []operation, bytes int) bool {
	grows := false
	for _, op := range ops {
		if h, ok := op.(holdable); !ok || !h.fast() {
			return false
		}
		if p, ok := op.(*publishOp); ok { // it knows whether it is stored only when it has been prepared
			grows = grows || p.qos > 0 || p.retain && !p.clear
		}
	}
	if k.Err() != nil || grows && k.store.Room() != nil {
		return false
	}
	if k.held.since.IsZero() {
		k.plan.reset(k.store.NextOffset())
		k.bodies.hold(k.plan.next)
		k.held.since = time.Now()
		if k.held.timer == nil {
			k.held.timer = time.AfterFunc(holdTime, k.nudge)
		} else {
			k.held.timer.Reset(holdTime)
		}
	}
	k.held.bytes += bytes
	for i, op := range ops {
		k.errs[i] = k.prepare(op)
	}
	k.setPins(k.plan.opened)
	return true
}

// due says whether what is held must be written now.
func (k *Committer) due() bool {
	return !k.held.since.IsZero() && (k.held.bytes >= holdBytes || time.Since(k.held.since) >= holdTime)
}

// settle writes what is held. It was acknowledged: a store that has no room even for that has failed.
func (k *Committer) settle() {
	if k.held.since.IsZero() {
		return
	}
	k.held.since, k.held.bytes = time.Time{}, 0
	k.held.timer.Stop()
	p := &k.plan
	p.close()
	p.batch.Owed = true
	if !p.empty() && k.Err() == nil {
		if err := k.store.Write(&p.batch); err != nil {
			k.fail(err)
		} else {
			k.wrote(p)
		}
	}
	k.bodies.hold(0)
}

// nudge wakes the goroutine of Run.
func (k *Committer) nudge() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}
