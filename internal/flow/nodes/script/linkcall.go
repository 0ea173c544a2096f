package script

import (
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes/common"
	engine "tsunagi/internal/flow/script"
	"tsunagi/internal/flow/value"
)

// maxCalls bounds the calls of link in nodes that wait for their return, maxExpressions the
// compiled expressions that a node remembers.
const (
	maxCalls       = 10_000
	maxExpressions = 256
)

// linked is a call of a link in node that has not come back.
type linked struct {
	n     value.Value // its number in glue.js
	timer *flow.Timer
}

// linkcall takes a number, the name or id of a link in node, a message, and milliseconds.
func (n *function) linkcall(args []value.Value) (value.Value, error) {
	name, m := args[1].Str(), message(args[2])
	if m == nil {
		return value.Value{}, &engine.Error{Name: "Error", Message: "Error link call msg parameter is not valid, expected an object"}
	}
	if len(n.calls) >= maxCalls {
		return value.Value{}, &engine.Error{Name: "RangeError", Message: "too many link calls wait for their return"}
	}
	target, err := common.FindLinkIn(n.b, name, n.b.Anywhere(name) == nil)
	if err != nil {
		return value.Value{}, thrown(err)
	}
	c := &linked{n: args[0]}
	id := common.CallLink(n.b, target, m)
	n.calls[id] = c
	c.timer = n.b.After(time.Duration(args[3].Num()*float64(time.Millisecond)), func() {
		delete(n.calls, id)
		n.settleCall(c, value.Value{})
	})
	return value.Value{}, nil
}

// Returned is called when a message comes back from a link in node that the code has called.
func (n *function) Returned(id string, m *flow.Msg) {
	c := n.calls[id]
	if c == nil {
		return // too late
	}
	delete(n.calls, id)
	c.timer.Stop()
	if l := m.Get("_linkSource").List(); l != nil && l.Len() == 0 {
		m.Delete("_linkSource")
	}
	n.settleCall(c, m.Root().Value())
}

// settleCall settles the promise of a call: with the message, or without one as a timeout.
func (n *function) settleCall(c *linked, v value.Value) {
	if n.vm == nil {
		return
	}
	defer n.settle()
	number, err := n.vm.From(c.n)
	if err == nil {
		var arg, r engine.Ref
		if arg, err = n.vm.From(v); err == nil {
			r, err = n.vm.Call(n.parts.returned, number, arg)
			n.vm.Free(arg)
			n.vm.Free(r)
		}
	}
	if err != nil {
		n.fail(err, flow.NewMsg())
	}
}

// jsonata takes the text of an expression and a message.
func (n *function) jsonata(args []value.Value) (value.Value, error) {
	text := args[0].Str()
	e := n.exprs[text]
	if e == nil {
		var err error
		if e, err = n.b.Expression(text); err != nil {
			return value.Value{}, &engine.Error{Name: "Error", Message: err.Error()}
		}
		if len(n.exprs) < maxExpressions {
			n.exprs[text] = e
		}
	}
	v, err := e.Eval(message(args[1]), nil)
	if err != nil {
		return value.Value{}, &engine.Error{Name: "Error", Message: err.Error()}
	}
	return v, nil
}

// pathSteps takes a property expression and a message for references in it. It returns "" and
// the steps, or the code and the text of an error.
func pathSteps(args []value.Value) (value.Value, error) {
	p, err := value.ParsePath(args[0].Str())
	var steps value.Value
	if err == nil {
		steps, err = p.Steps(args[1].Map())
	}
	if err != nil {
		return value.NewList(value.Str("INVALID_EXPR"), value.Str(err.Error())).Value(), nil
	}
	return value.NewList(value.Str(""), steps).Value(), nil
}

// encode makes of a value what the debug sidebar shows: format and text.
func encode(args []value.Value) (value.Value, error) {
	format, msg := flow.Encode(args[0])
	return value.NewList(value.Str(format), value.From(msg)).Value(), nil
}
