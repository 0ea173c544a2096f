package script

import (
	"time"

	"tsunagi/internal/flow"
	engine "tsunagi/internal/flow/script"
	"tsunagi/internal/flow/value"
)

// hosts makes the object of all that the engine's code can ask of the flow.
func (n *function) hosts() (engine.Ref, error) {
	members := map[string]engine.Ref{}
	defer func() {
		for _, r := range members {
			n.vm.Free(r)
		}
	}()
	for name, f := range map[string]engine.Host{
		"log": n.log, "text": n.text, "status": n.status, "send": n.send, "done": n.done, "failed": n.failed, "started": n.started,
		"timer": n.timer, "untimer": n.untimer, "read": n.read, "write": n.write, "list": n.list, "kept": n.kept, "linkcall": n.linkcall, "jsonata": n.jsonata, "encode": encode, "path": pathSteps, "env": n.env, "id": newID,
	} {
		r, err := n.vm.Function(name, padded(f))
		if err != nil {
			return engine.Undefined(), err
		}
		members[name] = r
	}
	part, err := n.vm.Part()
	if err != nil {
		return engine.Undefined(), err
	}
	members["part"] = part
	return n.vm.Object(members)
}

// padded makes sure that f finds as many arguments as any of these functions has, but for
// started, which counts them.
func padded(f engine.Host) engine.Host {
	return func(args []value.Value) (value.Value, error) {
		if n := len(args); n > 0 && n < 4 {
			args = append(args, make([]value.Value, 4-n)...)
		}
		return f(args)
	}
}

// log takes level, whether the next is an Error object, what to say, and a message if catch
// nodes are to hear of it.
func (n *function) log(args []value.Value) (value.Value, error) {
	what, about := args[2], message(args[3])
	if !args[1].Bool() {
		text := what.ToText()
		switch args[0].Str() {
		case "error":
			n.b.Error(flow.Text(text), about)
		case "warn":
			n.b.Warn(text)
		case "log":
			n.b.Log(text)
		default:
			n.b.Debug(text)
		}
		return value.Value{}, nil
	}
	err := errorOf(what)
	switch args[0].Str() {
	case "error":
		n.b.Error(err, about)
	case "warn":
		n.b.WarnError(err)
	case "log":
		n.b.Log(err.Error())
	default:
		n.b.Debug(err.Error())
	}
	return value.Value{}, nil
}

func message(v value.Value) *flow.Msg {
	if o := v.Map(); o != nil {
		return flow.MsgOf(o)
	}
	return nil
}

// text is what goes to console.
func (n *function) text(args []value.Value) (value.Value, error) {
	if len(args) > 0 {
		n.b.Log(args[0].Text())
	}
	return value.Value{}, nil
}

func (n *function) status(args []value.Value) (value.Value, error) {
	n.showed, n.troubled = true, false
	if o := args[0].Map(); o != nil {
		n.b.StatusValue(o)
	}
	return value.Value{}, nil
}

// send takes a list of outputs, each a list of messages.
func (n *function) send(args []value.Value) (value.Value, error) {
	list := args[0].List()
	if list == nil {
		return value.Value{}, nil
	}
	outs := make([][]*flow.Msg, list.Len())
	for i, out := range list.All() {
		l := out.List()
		if l == nil {
			continue
		}
		for _, e := range l.All() {
			if m := message(e.Clone()); m != nil { // a message that is sent twice is there twice
				outs[i] = append(outs[i], m)
			}
		}
	}
	n.b.SendAll(outs...)
	return value.Value{}, nil
}

func (n *function) done(args []value.Value) (value.Value, error) {
	if m := message(args[0]); m != nil {
		n.b.Done(m, nil)
	}
	return value.Value{}, nil
}

// failed takes a message, whether it is an Error object, and what went wrong with it.
func (n *function) failed(args []value.Value) (value.Value, error) {
	if m := message(args[0]); m != nil {
		n.b.Done(m, n.rejected(args[1], args[2]))
	}
	return value.Value{}, nil
}

// maxTimers bounds the timers of one node that have not fired yet.
const maxTimers = 100_000

// timer takes a number, milliseconds, and whether it fires again and again.
func (n *function) timer(args []value.Value) (value.Value, error) {
	if len(n.timers) >= maxTimers {
		return value.Value{}, &engine.Error{Name: "RangeError", Message: "more timers wait than a function can have"}
	}
	n.arm(int(args[0].Num()), time.Duration(args[1].Num()*float64(time.Millisecond)), args[2].Bool())
	return value.Value{}, nil
}

func (n *function) arm(id int, d time.Duration, again bool) {
	n.timers[id] = n.b.After(d, func() {
		if again {
			n.arm(id, d, true)
		} else {
			delete(n.timers, id)
		}
		n.fire(id)
	})
}

func (n *function) fire(id int) {
	if n.vm == nil {
		return
	}
	defer n.settle()
	arg, err := n.vm.From(value.Int(id))
	if err == nil {
		var r engine.Ref
		r, err = n.vm.Call(n.parts.fire, arg)
		n.vm.Free(r)
	}
	if err != nil {
		n.fail(err, flow.NewMsg())
	}
}

func (n *function) untimer(args []value.Value) (value.Value, error) {
	id := int(args[0].Num())
	n.timers[id].Stop()
	delete(n.timers, id)
	return value.Value{}, nil
}

// read takes scope, key and store.
func (n *function) read(args []value.Value) (value.Value, error) {
	key, err := n.key(args[1], args[2])
	if err != nil {
		return value.Value{}, err
	}
	v, err := n.b.Context(args[0].Str()).Get(key, nil)
	return v, thrown(err)
}

// write takes scope, key, value and store.
func (n *function) write(args []value.Value) (value.Value, error) {
	key, err := n.key(args[1], args[3])
	if err != nil {
		return value.Value{}, err
	}
	return value.Value{}, thrown(n.b.Context(args[0].Str()).Set(key, args[2], nil))
}

// list takes scope and store.
func (n *function) list(args []value.Value) (value.Value, error) {
	return value.From(n.b.Context(args[0].Str()).Keys(args[1].Str())), nil
}

// kept fires the timer of a number when a store has written what it holds now.
func (n *function) kept(args []value.Value) (value.Value, error) {
	id := int(args[1].Num())
	n.b.WhenKept(args[0].Str(), func(err error) {
		if err != nil {
			n.b.Error(err, nil)
		}
		n.fire(id)
	})
	return value.Value{}, nil
}

// maxKeys bounds the context keys of which a node remembers the meaning.
const maxKeys = 256

func (n *function) key(name, store value.Value) (flow.ContextKey, error) {
	text := name.Text()
	if store.Is(value.String) && store.Str() != "" {
		text = "#:(" + store.Str() + ")::" + text
	}
	if k, ok := n.keys[text]; ok {
		return k, nil
	}
	k, err := flow.ParseContextKey(text)
	if err != nil {
		return k, thrown(err)
	}
	if len(n.keys) < maxKeys {
		n.keys[text] = k
	}
	return k, nil
}

func (n *function) env(args []value.Value) (value.Value, error) { return n.b.Env(args[0].Str()), nil }

func newID([]value.Value) (value.Value, error) { return value.Str(flow.NewID()), nil }
