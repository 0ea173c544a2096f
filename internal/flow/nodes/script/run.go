package script

import (
	_ "embed"
	"errors"

	"tsunagi/internal/flow"
	engine "tsunagi/internal/flow/script"
	"tsunagi/internal/flow/value"
)

//go:embed glue.js
var glue string

// parts are the functions of a node's engine that Go calls.
type parts struct {
	body, node, finish, fire, starting, started, stopping, close, returned engine.Ref
}

func (p *parts) all() []*engine.Ref {
	return []*engine.Ref{&p.body, &p.node, &p.finish, &p.fire, &p.starting, &p.started, &p.stopping, &p.close, &p.returned}
}

// maxWaiting bounds the messages that wait for the code that runs on start.
const maxWaiting = 1000

// Receive handles one message, now or when the code that runs on start has ended.
func (n *function) Receive(m *flow.Msg) {
	if n.state == resting {
		n.start()
	}
	switch n.state {
	case running:
		n.process(m)
	case starting:
		if len(n.waiting) >= maxWaiting {
			n.b.Error(flow.NewError("more than %d messages wait for the code that runs on start", maxWaiting), m)
			return
		}
		n.waiting = append(n.waiting, m)
	}
}

// start makes the engine and runs the code for that.
func (n *function) start() {
	if err := n.open(); err != nil {
		n.fail(err, nil)
		n.reset()
		n.state = broken
		return
	}
	if n.code.onStart == "" {
		n.state = running
		return
	}
	n.state = starting
	if err := n.runStart(); err != nil {
		n.state, n.waiting = broken, nil
		n.fail(err, nil)
		n.reset()
	}
}

func (n *function) runStart() error {
	f, err := n.vm.Eval(startName, n.code.startSource())
	if err != nil {
		return err
	}
	defer n.vm.Free(f)
	node, err := n.vm.Call(n.parts.starting)
	if err != nil {
		return err
	}
	defer n.vm.Free(node)
	promise, err := n.vm.Call(f, node)
	if err != nil {
		return err
	}
	defer n.vm.Free(promise)
	r, err := n.vm.Call(n.parts.started, promise)
	n.vm.Free(r)
	return err
}

// started is called when the promise of the code that runs on start is settled.
func (n *function) started(args []value.Value) (value.Value, error) {
	if n.state != starting {
		return value.Value{}, nil
	}
	if len(args) > 0 {
		n.state, n.waiting = broken, nil
		n.b.Error(n.rejected(args[0], args[1]), nil)
		return value.Value{}, nil
	}
	n.b.After(0, n.release) // not from within the engine's jobs
	return value.Value{}, nil
}

// release hands over the messages that waited.
func (n *function) release() {
	if n.state != starting {
		return
	}
	n.state = running
	waiting := n.waiting
	n.waiting = nil
	for _, m := range waiting {
		n.Receive(m)
	}
}

// open makes the engine with the node's objects in it.
func (n *function) open() error {
	vm, err := engine.New(engine.Limits{Memory: n.limits.Memory})
	if err != nil {
		return err
	}
	n.vm = vm
	n.b.Scripted(vm)
	defer vm.SetTime(n.limits.Time)
	f, err := vm.Eval("tsunagi:glue", glue)
	if err != nil {
		return err
	}
	defer vm.Free(f)
	host, err := n.hosts()
	if err != nil {
		return err
	}
	defer vm.Free(host)
	info, err := vm.From(value.MapOf("id", n.b.ID(), "name", n.b.Name(), "path", n.b.Path(), "outputs", n.outputs,
		"stores", n.b.ContextStores(), "callbacks", n.b.CallbackStores()).Value())
	if err != nil {
		return err
	}
	defer vm.Free(info)
	manual, err := vm.From(value.Of(n.code.manual))
	if err != nil {
		return err
	}
	made, err := vm.Call(f, host, info, manual)
	if err != nil {
		return err
	}
	defer vm.Free(made)
	p := &n.parts
	for name, r := range map[string]*engine.Ref{"node": &p.node, "finish": &p.finish, "fire": &p.fire, "starting": &p.starting,
		"started": &p.started, "stopping": &p.stopping, "close": &p.close, "returned": &p.returned} {
		if *r, err = vm.Property(made, name); err != nil {
			return err
		}
	}
	p.body, err = vm.Eval(bodyName, n.code.bodySource())
	return err
}

// process runs the body for one message.
func (n *function) process(m *flow.Msg) {
	in, err := n.vm.Lend(m.Root().Value())
	if err != nil {
		n.fail(err, m)
		return
	}
	defer n.settle() // also when the engine panics
	defer func() { n.drop(in) }()
	err = n.call(m, in)
	if err != nil {
		n.fail(err, n.after(in, m))
	} else if n.troubled {
		n.troubled = false
		n.b.Status(flow.Status{})
	}
}

// call runs the body and what belongs to it. A single message as the result, the most
// frequent one, is handled here; all else in JavaScript.
func (n *function) call(m *flow.Msg, in engine.Ref) error {
	node := engine.Undefined()
	if n.code.node {
		var err error
		if node, err = n.vm.Call(n.parts.node, in); err != nil {
			return err
		}
		defer n.vm.Free(node)
	}
	out, err := n.vm.Call(n.parts.body, in, node)
	if err != nil {
		return err
	}
	defer n.vm.Free(out)
	switch {
	case n.vm.IsNullish(out):
		if !n.code.manual {
			n.b.Done(n.heard(in, m), nil)
		}
		return nil
	case n.vm.IsPlain(out) && !n.thenable(out):
		return n.single(m, in, out)
	}
	r, err := n.vm.Call(n.parts.finish, in, out)
	n.vm.Free(r)
	return err
}

func (n *function) thenable(out engine.Ref) bool {
	then, err := n.vm.Property(out, "then")
	defer n.vm.Free(then)
	return err != nil || !n.vm.IsUndefined(then)
}

// single sends the one message that a body returned, with the id of the message it was given.
func (n *function) single(m *flow.Msg, in, out engine.Ref) error {
	v, err := n.vm.To(out)
	if err != nil {
		return err
	}
	result := flow.MsgOf(v.Map())
	done := m
	if n.vm.Same(in, out) {
		if n.b.Heard() {
			done = result.Clone()
		}
	} else {
		id, err := n.idOf(in)
		if err != nil {
			return err
		}
		result.Set(keyID, id)
		done = n.heard(in, m)
	}
	n.b.Send(result)
	if !n.code.manual {
		n.b.Done(done, nil)
	}
	return nil
}

// idOf reads the id of a message in the engine.
func (n *function) idOf(in engine.Ref) (value.Value, error) {
	id, err := n.vm.Property(in, keyID)
	if err != nil {
		return value.Value{}, err
	}
	defer n.vm.Free(id)
	return n.vm.To(id)
}

const keyID = "_msgid"

// heard returns the message as the body left it, if complete nodes will look at it.
func (n *function) heard(in engine.Ref, m *flow.Msg) *flow.Msg {
	if !n.b.Heard() {
		return m
	}
	return n.after(in, m)
}

// after returns the message as the body left it; as it was before, if that can't be had.
func (n *function) after(in engine.Ref, m *flow.Msg) *flow.Msg {
	if n.vm == nil || n.vm.Exhausted() {
		return m
	}
	v, err := n.vm.To(in)
	if err != nil || v.Map() == nil {
		return m
	}
	return flow.MsgOf(v.Map())
}

// drop lets a message go, unless its engine is gone.
func (n *function) drop(in engine.Ref) {
	if n.vm != nil {
		n.vm.Return(in)
	}
}

// settle reports promises that nobody handled, and closes an engine that has run into its
// memory limit: the next message gets a new one, for which the code that runs on start runs
// again.
func (n *function) settle() {
	if n.vm == nil {
		return
	}
	for _, err := range n.vm.Rejected() {
		n.b.Error(n.explain(err), nil)
	}
	if !n.vm.Exhausted() {
		return
	}
	n.reset()
	n.state = resting
}

// reset ends the engine and what it waits for.
func (n *function) reset() {
	for id, t := range n.timers {
		t.Stop()
		delete(n.timers, id)
	}
	for id, c := range n.calls {
		c.timer.Stop()
		delete(n.calls, id)
	}
	if n.vm == nil {
		return
	}
	for _, r := range n.parts.all() {
		n.vm.Free(*r)
		*r = engine.Undefined()
	}
	n.b.Unscripted(n.vm)
	n.vm.Close()
	n.vm = nil
}

// Held is the memory of the engine.
func (n *function) Held() int {
	if n.vm == nil {
		return 0
	}
	return int(n.vm.Used())
}

// Close runs the code for that, and ends timers and the engine.
func (n *function) Close(removed bool, done func()) {
	defer done()
	if n.code.onStop != "" && n.state == resting {
		n.start() // it may use what the engine has
	}
	if n.vm != nil && n.state != broken {
		if err := n.stop(removed); err != nil {
			n.b.Error(n.explain(err), nil)
		}
	}
	n.reset()
	if n.showed || n.troubled {
		n.b.Status(flow.Status{})
	}
}

func (n *function) stop(removed bool) (err error) {
	arg, err := n.vm.From(value.Of(removed))
	if err != nil {
		return err
	}
	r, err := n.vm.Call(n.parts.close, arg)
	n.vm.Free(r)
	if n.code.onStop == "" {
		return err
	}
	f, compiled := n.vm.Eval(stopName, n.code.stopSource())
	if compiled != nil {
		return errors.Join(err, compiled)
	}
	defer n.vm.Free(f)
	node, made := n.vm.Call(n.parts.stopping)
	if made != nil {
		return errors.Join(err, made)
	}
	defer n.vm.Free(node)
	r, ran := n.vm.Call(f, node)
	n.vm.Free(r)
	if err == nil {
		err = ran
	}
	return err
}
