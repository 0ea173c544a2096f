package bridge

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// State is how a bridge is.
type State struct {
	State       string    // connecting, connected or waiting (to try again)
	Since       time.Time // of State
	LastError   string    // why the last connection ended or did not come about, in words; "" when there was none
	LastErrorAt time.Time
	NextTry     time.Time // of waiting
	Queued      int       // messages that wait for the remote broker
	Sent        uint64    // since the bridge was started, repetitions included
	Received    uint64
	Refused     uint64 // messages that one side would not take, for good
	LastRefusal string
	Returned    uint64 // messages that had been at the other side already and were left out
}

// The words of State.State.
const (
	Connecting = "connecting"
	Connected  = "connected"
	Waiting    = "waiting"
)

// runner keeps one bridge going. Its goroutine ends when cancel is called.
type runner struct {
	o       *Options
	c       Config
	before  *runner // the one that it takes the place of, which ends first; the goroutine's
	cancel  context.CancelFunc
	done    chan struct{}
	dropped atomic.Bool // the bridge was deleted: its sessions end

	sent, received, refused, returned atomic.Uint64

	prepared   bool     // the local session is there; the goroutine's, as those below
	fresh      bool     // it is new: the remote session has to be, too, and retained messages are sent
	anew       bool     // the remote session is another one than before: it is to be new
	stale      [][]byte // remote filters of the configuration before this one
	subscribed bool     // the remote session has our subscriptions; before 5.0 asking again would bring all retained messages

	mu    sync.Mutex // guards state
	state State
	told  string // guarded by mu: the error of which the log was told last
}

// run connects again and again until ctx ends.
func (r *runner) run(ctx context.Context) {
	defer close(r.done)
	if r.before != nil {
		<-r.before.done
		r.before = nil
	}
	pause := r.o.RetryMin
	for ctx.Err() == nil {
		began := time.Now()
		err := r.once(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > r.o.RetryMax { // it had worked: begin with short pauses again
			pause = r.o.RetryMin
		}
		wait := pause/2 + rand.N(pause/2+1)
		r.failed(err, wait)
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
		pause = min(2*pause, r.o.RetryMax)
	}
	if r.dropped.Load() {
		r.forget()
	}
}

// forget ends the local session of a bridge that was deleted.
func (r *runner) forget() {
	ctx, cancel := context.WithTimeout(context.Background(), r.o.Timeout)
	defer cancel()
	if b, err := r.o.Broker(ctx, r.c.Instance); err == nil {
		b.Forget(LocalID(r.c.ID), "the bridge was deleted")
	}
}

// once makes one pair of connections and serves it.
func (r *runner) once(ctx context.Context) error {
	r.set(func(s *State) { s.State, s.Since, s.NextTry = Connecting, r.o.Now(), time.Time{} })
	b, rights, err := r.instance(ctx)
	if err != nil {
		return err
	}
	if err := r.prepare(ctx, b, rights); err != nil {
		return err
	}
	w, err := r.dial(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	p, err := r.join(ctx, b, rights, w)
	if err != nil {
		return err
	}
	if !p.asked {
		r.joined()
	}
	return p.serve(ctx)
}

// joined is called when both sides have all subscriptions.
func (r *runner) joined() {
	r.fresh, r.anew, r.subscribed, r.stale = false, false, true, nil
	r.set(func(s *State) { s.State, s.Since = Connected, r.o.Now() })
	r.o.Log.Info("bridge connected", "instance", r.c.Instance, "bridge", r.c.ID)
}

func (r *runner) instance(ctx context.Context) (*broker.Broker, broker.Rights, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	b, err := r.o.Broker(ctx, r.c.Instance)
	if err != nil {
		return nil, nil, fault.Wrap(fault.NoBroker, err)
	}
	rights, err := r.o.Rights(ctx, r.c.Instance)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Rights, err)
	}
	return b, rights, nil
}

// prepare makes the local session with its subscriptions, so that messages are kept from now on even though the remote
// broker can't be reached.
func (r *runner) prepare(ctx context.Context, b *broker.Broker, rights broker.Rights) error {
	if _, there := b.Session(LocalID(r.c.ID)); r.prepared && there {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	l, present, err := connectLocal(ctx, b, rights, r.c.ID, r.c.Address, 1)
	if err != nil {
		return err
	}
	defer l.Leave(errClosed)
	if !present {
		r.fresh, r.subscribed = true, false
	}
	if err := l.subscribe(b, r.c.Topics, 2, false); err != nil {
		return err
	}
	if len(localFilters(r.c.Topics)) > 0 {
		if err := l.Granted(ctx); err != nil {
			return err
		}
	}
	r.prepared = true
	return nil
}

// dial connects to the remote broker. A broker before 5.0 is told that this is a bridge; one that doesn't know that
// convention is asked without, where nothing could come back.
func (r *runner) dial(ctx context.Context) (*mqttclient.Wire, error) {
	o, err := r.c.remote(r.o)
	if err != nil {
		return nil, err
	}
	o.Clean, o.ConnectTimeout = r.fresh || r.anew, r.o.Timeout
	o.Bridge = r.c.Version != mqtt.V5
	w, err := open(ctx, o)
	if !o.Bridge || err == nil || !unheardOf(err) {
		return w, err
	}
	if echoes(r.c.Topics) {
		return nil, fault.New(fault.Echoes)
	}
	o.Bridge = false
	return open(ctx, o)
}

// open connects. Before 5.0 a clean session ends with its connection: one is made and left before the one that lasts.
func open(ctx context.Context, o mqttclient.Options) (*mqttclient.Wire, error) {
	if o.Clean && o.Version != mqtt.V5 {
		w, err := mqttclient.Open(ctx, o)
		if err != nil {
			return nil, err
		}
		err = w.Write((&mqtt.Disconnect{}).Append(nil, o.Version))
		w.Close()
		if err != nil {
			return nil, err
		}
		o.Clean = false
	}
	return mqttclient.Open(ctx, o)
}

// unheardOf says whether a failure may come from the bridge bit: no other refusal, and not that nobody was there.
func unheardOf(err error) bool {
	if refused, ok := errors.AsType[*mqttclient.ServerError](err); ok {
		return refused.Reason == mqtt.UnsupportedProtocolVersion
	}
	var op *net.OpError
	return !errors.As(err, &op) || op.Op != "dial"
}

// join makes the local half of a pair and the subscriptions of both.
func (r *runner) join(ctx context.Context, b *broker.Broker, rights broker.Rights, w *mqttclient.Wire) (*pair, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	if !w.Connack.SessionPresent {
		r.subscribed = false
		if err := r.release(ctx, b, rights); err != nil {
			return nil, err
		}
	}
	l, present, err := connectLocal(ctx, b, rights, r.c.ID, r.c.Address, window(w))
	if err != nil {
		return nil, err
	}
	p := newPair(r, w, l)
	if !present {
		err = fault.New(fault.Forgotten)
	}
	if err == nil {
		err = l.subscribe(b, r.c.Topics, w.Connack.MaxQoS, r.fresh)
	}
	if err == nil && (!r.subscribed || w.Version == mqtt.V5) {
		err = p.subscribe(r.stale)
	}
	if err != nil {
		l.Leave(err)
		return nil, err
	}
	return p, nil
}

// release is for a remote session that is new: what the instance remembers of the one before is released.
func (r *runner) release(ctx context.Context, b *broker.Broker, rights broker.Rights) error {
	l, _, err := connectLocal(ctx, b, rights, r.c.ID, r.c.Address, 1)
	if err != nil {
		return err
	}
	defer l.Leave(errClosed)
	return l.forget(ctx)
}

func (r *runner) set(change func(*State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.state)
}

// failed notes why there is no connection, and tells the instance's log where that is news.
func (r *runner) failed(err error, wait time.Duration) {
	if err == nil {
		err = fault.New(fault.Ended)
	}
	words := told(err).Error()
	now := r.o.Now()
	r.mu.Lock()
	s := &r.state
	s.State, s.Since, s.LastError, s.LastErrorAt, s.NextTry = Waiting, now, words, now, now.Add(wait)
	news := r.told != words
	r.told = words
	r.mu.Unlock()
	if news {
		r.o.Log.Info("bridge not connected", "instance", r.c.Instance, "bridge", r.c.ID, "cause", words)
		r.o.Events(r.c.Instance, broker.Event{Kind: "refused", Client: LocalID(r.c.ID), Remote: r.c.Address, Gate: "bridge", Rule: r.c.Name, Cause: words})
	}
}

// refusal counts a message that one side would not take.
func (r *runner) refusal(why error) {
	r.refused.Add(1)
	r.set(func(s *State) { s.LastRefusal = why.Error() })
}

// now is the present state, but for the queue.
func (r *runner) now() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	s.Sent, s.Received, s.Refused, s.Returned = r.sent.Load(), r.received.Load(), r.refused.Load(), r.returned.Load()
	return s
}
