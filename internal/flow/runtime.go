package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"tsunagi/internal/flow/value"
)

var (
	// ErrUnknownNode says that no running node has the id.
	ErrUnknownNode = errors.New("no such node is running")
	// ErrStopped says that the runtime has ended.
	ErrStopped = errors.New("the flow runtime has ended")
)

// Credentials are the secrets of the nodes: node id → key → value.
type Credentials map[string]map[string]json.RawMessage

// Runtime runs the flows of one flow server.
type Runtime struct {
	o      Options
	types  map[string]*Type
	files  *Files
	in     *inbox
	turns  chan struct{} // holds one token: whoever has it deploys, starts or stops
	ended  chan struct{} // closed when the loop has ended
	ctx    context.Context
	cancel context.CancelFunc
	state  atomic.Pointer[string]

	scripts scripts

	// The rest belongs to the loop.
	queue    ring
	ends     []event // of AtTurnEnd
	quit     bool
	current  *Base // the node that runs
	handling *Msg  // what it was given
	pub      *publisher
	graph    *graph
	creds    Credentials
	contexts *Contexts
	timers   timers
	global   *container
	flows    map[string]*container
	order    []string // of flows
	started  bool     // flows run, or would but for missing types
	running  int      // nodes within subflow instances
	halted   bool     // a person stopped the flows
	failed   map[string]bool
	noted    map[string]bool // what is said only once
	lost     map[*Base]*lost // messages that found the queue full, by receiver
	waiting  int             // bytes of the queue
	meters   int             // how many ask what the nodes cost
	kept     int             // bytes of messages that nodes hold

	completing int // complete nodes that call one another now
}

// New returns a runtime without flows. It starts nothing; see Run.
func New(o Options) *Runtime {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxQueue <= 0 {
		o.MaxQueue = 200_000
	}
	if o.QueueBytes <= 0 {
		o.QueueBytes = 128 << 20
	}
	if o.KeptBytes <= 0 {
		o.KeptBytes = keptBytes
	}
	if o.Contexts == nil {
		o.Contexts, _ = OpenContexts(nil, "", o.Log) // in memory: there is nothing to open
	}
	r := &Runtime{o: o, types: map[string]*Type{}, in: newInbox(), turns: make(chan struct{}, 1),
		ended: make(chan struct{}), flows: map[string]*container{}, failed: map[string]bool{}, noted: map[string]bool{},
		lost: map[*Base]*lost{}, contexts: o.Contexts, creds: Credentials{}}
	r.files = newFiles(&r.o)
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.pub = newPublisher(r)
	r.timers.rt = r
	r.setState("stop")
	for i := range o.Nodes {
		r.types[o.Nodes[i].Name] = &o.Nodes[i]
	}
	return r
}

// Run is the event loop. When ctx ends it closes every node, each within 15 seconds, writes
// what is still to be kept of the contexts, and returns; the error is about those.
func (r *Runtime) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		r.turns <- struct{}{} // kept: nothing is deployed any more
		r.stopFlows(DeployFull, nil, false)
		r.in.urgent(event{run: func() { r.quit = true }})
	})
	defer stop()
	r.loop()
	r.timers.end()
	r.in.close()
	r.cancel()
	err := r.saveContexts()
	close(r.ended)
	return err
}

// on runs f on the loop and waits for it.
func (r *Runtime) on(ctx context.Context, f func()) error {
	done := make(chan struct{})
	if !r.in.urgent(event{run: func() { defer close(done); f() }}) {
		return ErrStopped
	}
	select {
	case <-done:
		return nil
	case <-r.ended:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Runtime) emit(e Event) {
	if r.o.Events != nil {
		r.o.Events(e)
	}
}

func (r *Runtime) setState(s string) { r.state.Store(&s) }

// State is "start" or "stop".
func (r *Runtime) State() string { return *r.state.Load() }

// Inject gives a message to the node, as the inject button does. props is the request body:
// empty, or an object whose __user_inject_props__ lists the properties. The error is
// ErrUnknownNode when no such node runs.
func (r *Runtime) Inject(ctx context.Context, id string, props json.RawMessage) error {
	m := NewMsg()
	if len(props) > 0 {
		v, err := value.Parse(props)
		if err != nil {
			return fmt.Errorf("body of the request: %w", err)
		}
		if o := v.Map(); o != nil && o.Get("__user_inject_props__").Truthy() {
			m = MsgOf(o)
		}
	}
	var err error
	if lerr := r.on(ctx, func() {
		b := r.find(id)
		if b == nil {
			err = ErrUnknownNode
			return
		}
		b.receive(m)
	}); lerr != nil {
		return lerr
	}
	return err
}

// find looks for a running node everywhere.
func (r *Runtime) find(id string) *Base {
	for _, f := range r.order {
		if b := r.flows[f].find(id); b != nil {
			return b
		}
	}
	return nil
}

// Switch is implemented by nodes that can be switched on and off while they run, as debug.
type Switch interface{ SetActive(bool) }

// SetDebug switches debug nodes on or off. It says whether at least one of them runs.
func (r *Runtime) SetDebug(ids []string, active bool) (known bool) {
	_ = r.on(context.Background(), func() { // an ended runtime knows none
		for _, id := range ids {
			if b := r.find(id); b != nil {
				known = true
				if s, ok := b.node.(Switch); ok {
					s.SetActive(active)
				}
			}
		}
	})
	return known
}

// Types are the node types that can run, sorted.
func (r *Runtime) Types() []string { return slices.Sorted(maps.Keys(r.types)) }

// CredentialKinds says what a node type keeps as credentials: key → "text" or "password".
// Nil means that the type has none.
func (r *Runtime) CredentialKinds(nodeType string) map[string]string {
	if t := r.types[nodeType]; t != nil {
		return t.Credentials
	}
	return nil
}

// credential returns one credential of a node, undefined when there is none.
func (r *Runtime) credential(id, key string) value.Value {
	raw, ok := r.creds[id][key]
	if !ok {
		return value.Value{}
	}
	v, err := value.Parse(raw)
	if err != nil {
		return value.Str(string(raw))
	}
	return v
}

// noteFields logs once the fields that a type doesn't look at: other versions of Node-RED or
// other programs wrote them.
func (r *Runtime) noteFields(t *Type, b *Base) {
	if t.Fields == nil {
		return
	}
	for key := range b.def.fields.All() {
		if note := "field " + t.Name + " " + key; !slices.Contains(commonFields, key) && !slices.Contains(t.Fields, key) && !r.noted[note] {
			r.noted[note] = true
			r.o.Log.Info("field of a node has no effect here", "type", t.Name, "field", key, "node", b.def.shownID())
		}
	}
}

// commonFields are looked at by the runtime or are the editor's only.
var commonFields = []string{"id", "type", "z", "g", "x", "y", "name", "wires", "d", "l", "info", "icon", "env",
	"inputLabels", "outputLabels", "locked", "order", "credentials", "_users"}

// startFailed tells that a node could not be made.
func (r *Runtime) startFailed(b *Base, err error) {
	b.log(levelError, err)
	s := Status{Fill: "red", Shape: "ring", Text: "node-red:common.status.error"}
	var u *Unsupported
	if errors.As(err, &u) {
		s.Text = u.Error()
	}
	r.pub.status(b.def.id, s.object())
}

// panicked reports a panic of the node that runs.
func (r *Runtime) panicked(p any) {
	b, m := r.current, r.handling
	r.current, r.handling = nil, nil
	if b == nil {
		r.o.Log.Error("panic in the flow runtime", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		return
	}
	err := r.panicError(p)
	defer func() {
		if again := recover(); again != nil { // in a catch node
			r.reportPanic(b, again)
		}
	}()
	b.Error(err, m)
}

// panicError makes an error of a panic. The stack is for the log of the server only.
func (r *Runtime) panicError(p any) error {
	r.o.Log.Error("panic in a node", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	return NewError("internal error: %v", p)
}

func (r *Runtime) reportPanic(b *Base, p any) { b.log(levelError, r.panicError(p)) }
