package hook

import (
	"context"
	"encoding/json"
	"errors"
	mrand "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/fault"
	"tsunagi/internal/filling"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/resident"
)

// runner keeps one hook going. Its goroutine ends when cancel is called.
type runner struct {
	m       *Manager
	o       *Options
	r       *rule
	before  *runner // the one that it takes the place of, which ends first; the goroutine's
	cancel  context.CancelFunc
	done    chan struct{}
	dropped atomic.Bool // the hook was deleted: its session ends

	off atomic.Bool // the hook was switched off or deleted

	gate    *gate    // of serve; nil: it lets everything through
	silence *watcher // nil: it watches for none
	note    *note    // of the clock; nil: it wasn't read yet

	delivered, retries, skipped, buried, held atomic.Uint64

	mu       sync.Mutex      // guards what follows
	open     map[string]bool // with a gate: QoS 1 and 2 events that were let through and aren't settled
	state    State
	retrying int    // events that wait for another attempt
	full     int    // events that wait for room among the dead letters
	told     string // of which the log was told last
}

// job is one event on its way.
type job struct {
	packet uint16 // 0: QoS 0, nobody waits for an acknowledgement
	m      *filling.Message
	props  mqtt.PublishProps
}

// run connects again and again until ctx ends.
func (u *runner) run(ctx context.Context) {
	defer close(u.done)
	if u.before != nil {
		<-u.before.done
		u.inherit(u.before)
		u.before = nil
	}
	for pause := u.o.RetryMin; ctx.Err() == nil; pause = min(2*pause, u.o.RetryMax) {
		began := time.Now()
		err := u.once(ctx)
		if ctx.Err() != nil {
			break
		}
		u.failed(err)
		if time.Since(began) > u.o.RetryMax {
			pause = u.o.RetryMin
		}
		sleep(ctx, jitter(pause))
	}
	switch {
	case u.dropped.Load():
		u.forget()
	case u.off.Load() && u.r.table != nil:
		u.switchedOff()
	}
}

// inherit goes on with what the hook knew before it was changed, as far as that is the same still.
func (u *runner) inherit(before *runner) {
	a, b := u.r, before.r
	u.open = before.open
	if a.Filter != b.Filter || a.Condition != b.Condition || a.Together != b.Together || !slices.Equal(a.Events, b.Events) {
		return
	}
	if a.Edge == b.Edge && a.Rearm == b.Rearm && u.gate != nil && before.gate != nil {
		u.gate = before.gate
		u.gate.r = a
	}
	if a.Silence == b.Silence && a.Quiet == b.Quiet && before.silence != nil {
		u.mu.Lock()
		u.silence = before.silence
		u.mu.Unlock()
	}
}

func jitter(d time.Duration) time.Duration { return d/2 + mrand.N(d/2+1) }

// forget ends the session of a hook that was deleted.
func (u *runner) forget() {
	ctx, cancel := context.WithTimeout(context.Background(), u.o.Timeout)
	defer cancel()
	if b, err := u.o.Broker(ctx, u.r.Instance); err == nil {
		b.Forget(LocalID(u.r.ID), "the hook was deleted")
		if u.r.table != nil {
			clearNote(ctx, b, u.r.own)
		}
	}
}

// clearNote deletes what a hook's clock has kept. Where that fails it is tidied up when the server starts.
func clearNote(ctx context.Context, b *broker.Broker, topic string) {
	if list, err := b.Browse(topic, "", "", 1); err == nil && len(list) > 0 {
		_ = b.Publish(ctx, topic, nil, 1, true)
	}
}

// once makes one connection and serves it.
func (u *runner) once(ctx context.Context) error {
	setup, cancel := context.WithTimeout(ctx, u.o.Timeout)
	defer cancel()
	b, err := u.o.Broker(setup, u.r.Instance)
	if err != nil {
		return fault.Wrap(fault.NoBroker, err)
	}
	rights, err := u.o.Rights(setup, u.r.Instance)
	if err != nil {
		return fault.Wrap(fault.Rights, err)
	}
	c, _, err := resident.Connect(setup, b, resident.Options{Who: "the hook", ClientID: LocalID(u.r.ID), User: User, Rights: rights, Inner: true,
		Remote: string(u.r.Action), Via: "hook", Window: u.r.window()})
	if err != nil {
		return err
	}
	defer c.Leave(resident.ErrLeft)
	if err := c.Subscribe(b, u.r.filters()); err != nil {
		return err
	}
	return u.serve(ctx, b, c)
}

// serve takes events until the connection or ctx ends, and waits for those on their way.
func (u *runner) serve(ctx context.Context, b *broker.Broker, c *resident.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	var busy sync.WaitGroup
	defer busy.Wait()
	defer cancel()
	var post chan<- job
	if u.r.Action == account.HookMail {
		jobs := make(chan job, mailWindow)
		post = jobs
		busy.Go(func() { u.mail(ctx, c, jobs) }) // ends with ctx
	}
	places := make(chan struct{}, window)
	listening := false
	for {
		f, err := c.Next(ctx, func(t mqtt.Type) bool { return t == mqtt.PUBLISH || t == mqtt.SUBACK })
		if err == nil && f.Type() == mqtt.SUBACK {
			if err = resident.Refused(f, mqtt.V5, fault.HereSubscription); err == nil {
				u.set(func(s *State) { s.Connected, s.Since = true, u.o.Now() })
				if !listening {
					listening = true
					u.listen(ctx, b, &busy)
				}
				continue
			}
		}
		if err != nil {
			return err
		}
		j, ok, err := u.take(c, f)
		if err != nil {
			return err
		}
		if !ok {
			u.settle(c, j)
			continue
		}
		if post != nil {
			select {
			case post <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		select {
		case places <- struct{}{}:
		case <-c.Ended:
			return c.Why()
		case <-ctx.Done():
			return ctx.Err()
		}
		busy.Go(func() { // ends when the event is settled, or with ctx
			defer func() { <-places }()
			u.carry(ctx, b, c, j)
		})
	}
}

// listen starts clock and watcher of a hook that is subscribed.
func (u *runner) listen(ctx context.Context, b *broker.Broker, busy *sync.WaitGroup) {
	if u.r.table != nil {
		busy.Go(func() { u.clock(ctx, b) }) // ends with ctx
	}
	if u.silence != nil {
		u.silence.begin(u.o.Now())
		busy.Go(func() { u.watch(ctx, b) }) // ends with ctx
	}
}

// settle acknowledges an event. Where the connection has ended it comes again.
func (u *runner) settle(c *resident.Client, j job) {
	if j.packet == 0 {
		return
	}
	if c.Ack(j.packet) == nil && u.gate != nil && j.m != nil {
		u.closed(j.m.ID)
	}
}

// carry brings one event to its receiver, or among the dead letters.
func (u *runner) carry(ctx context.Context, b *broker.Broker, c *resident.Client, j job) {
	pause := u.o.RetryMin
	for attempt := 1; ctx.Err() == nil; attempt++ {
		if u.m.allowed(ctx, u.r.Instance) != nil {
			return
		}
		o := u.attempt(ctx, b, j, attempt)
		if ctx.Err() != nil {
			return // whether it arrived is not known: it comes again
		}
		switch {
		case o.kind == done:
			u.well()
		case o.kind == skip:
			u.skip(o.err)
		case o.kind == never || attempt >= u.o.Attempts:
			u.wrong(o.err)
			if !u.bury(ctx, j.m, attempt, o.err) {
				return
			}
		default:
			u.retries.Add(1)
			u.wrong(o.err)
			u.count(&u.retrying, 1)
			sleep(ctx, max(jitter(pause), o.after))
			u.count(&u.retrying, -1)
			pause = min(2*pause, u.o.RetryMax)
			continue
		}
		u.settle(c, j)
		return
	}
}

// attempt tries an event once.
func (u *runner) attempt(ctx context.Context, b *broker.Broker, j job, n int) outcome {
	if u.r.Action == account.HookPublish {
		return u.r.publish(ctx, b, j.m, &j.props)
	}
	return u.m.caller.post(ctx, u.r, j.m, n, u.o.Now())
}

// unkept is why an event is not among the dead letters.
func unkept(err error) error {
	if errors.Is(err, account.ErrDeadLettersFull) {
		return fault.As(fault.LettersFull, err)
	}
	return fault.Wrap(fault.LetterNotKept, err)
}

// bury keeps an event as a dead letter. As long as there is no room for it, or the store fails, it waits.
func (u *runner) bury(ctx context.Context, m *filling.Message, attempts int, cause error) bool {
	body, err := json.Marshal(eventOf(m, u.r.ID))
	if err != nil {
		return true // can't be: it is text and numbers
	}
	d := account.DeadLetter{Instance: u.r.Instance, Hook: u.r.ID, Event: m.ID, Topic: m.Topic, Body: body, Cause: cause.Error(), Attempts: attempts}
	for ctx.Err() == nil {
		room := u.m.room(u.r.Instance)
		err := u.o.Keep(ctx, d)
		if err == nil {
			u.buried.Add(1)
			return true
		}
		u.wrong(unkept(err))
		u.count(&u.full, 1)
		select {
		case <-room:
		case <-time.After(u.o.RetryMax):
		case <-ctx.Done():
		}
		u.count(&u.full, -1)
	}
	return false
}
