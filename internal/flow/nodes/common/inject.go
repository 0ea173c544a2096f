package common

import (
	"fmt"
	"strings"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// maxRepeat is the longest interval in seconds that Node-RED's dialog takes.
const maxRepeat = 2147483

// inject makes a message when its button is pressed, at start, or again and again.
type inject struct {
	b     *flow.Base
	props []injected
	every time.Duration
	cron  *schedule
}

// injected is one property of the message.
type injected struct {
	path *value.Path // nil: nothing is set
	val  *flow.Property
	expr bool // val is a JSONata expression
	err  error
}

// Inject makes messages by hand or by the clock.
func Inject() flow.Type {
	return flow.Type{
		Name:   "inject",
		Fields: []string{"props", "repeat", "crontab", "once", "onceDelay", "topic", "payload", "payloadType"},
		New:    newInject,
	}
}

func newInject(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &inject{b: b}
	var err error
	if n.props, err = compileProps(b, injectProps(c)); err != nil {
		return nil, err
	}
	switch seconds := c.Num("repeat", 0); {
	case seconds > maxRepeat:
		b.Error(flow.Text("Interval too large"), nil)
	case seconds > 0:
		n.every = time.Duration(seconds * float64(time.Second))
	case c.Str("crontab") != "":
		if n.cron, err = parseSchedule(c.Str("crontab"), time.Local); err != nil {
			return nil, fmt.Errorf("inject: the schedule %q can't be read: %w", c.Str("crontab"), err)
		}
	}
	if c.Bool("once") {
		delay := c.Num("onceDelay", .1)
		if delay <= 0 {
			delay = .1
		}
		b.After(time.Duration(delay*float64(time.Second)), func() {
			b.Inject(flow.NewMsg())
			n.schedule()
		})
	} else {
		n.schedule()
	}
	return n, nil
}

// injectProps returns the properties to set, of files of all ages.
func injectProps(c flow.Config) value.Value {
	list := c.Get("props").List()
	if list == nil {
		return value.NewList(
			value.MapOf("p", "payload", "v", c.Get("payload"), "vt", c.Get("payloadType")).Value(),
			value.MapOf("p", "topic", "v", c.Get("topic"), "vt", "str").Value(),
		).Value()
	}
	out := value.NewList()
	for _, e := range list.All() {
		o := e.Map()
		if o == nil {
			continue
		}
		if o.Get("p").Str() == "payload" && !o.Has("v") {
			o = o.Clone().Own().Set("v", c.Get("payload")).Set("vt", c.Get("payloadType"))
		} else if o.Get("p").Str() == "topic" && o.Get("vt").Str() == "str" && !o.Has("v") {
			o = o.Clone().Own().Set("v", c.Get("topic"))
		}
		out.Append(o.Value())
	}
	return out.Value()
}

// compileProps compiles a list of {p, v, vt}. Faults in values are faults of each message.
func compileProps(b *flow.Base, list value.Value) ([]injected, error) {
	var out []injected
	for _, e := range list.List().All() {
		o := e.Map()
		if o == nil || !o.Get("p").Truthy() {
			continue
		}
		v, typ := o.Get("v"), o.Get("vt").Str()
		if !v.Defined() {
			v = value.Str("")
		}
		if !o.Get("vt").Defined() {
			typ = "str"
		}
		if typ == "jsonata" && !v.Truthy() {
			continue
		}
		p := injected{}
		if p.path, p.err = value.ParseMessagePath(o.Get("p").Text()); p.err != nil {
			p.err = flow.AsError(p.err)
		}
		var err error
		if p.val, err = b.Property(v, typ); err != nil {
			return nil, err
		}
		p.expr = typ == "jsonata"
		if fault := p.val.Fault(); p.expr && fault != nil {
			b.Error(flow.ExpressionError(fault), nil)
		}
		out = append(out, p)
	}
	return out, nil
}

// schedule starts the clock.
func (n *inject) schedule() {
	switch {
	case n.every > 0:
		n.tick(time.Now().Add(n.every))
	case n.cron != nil:
		n.tickCron()
	}
}

// tick waits for a moment and injects then and at every interval behind it, without drift.
func (n *inject) tick(at time.Time) {
	n.b.After(time.Until(at), func() {
		next := at.Add(n.every)
		if late := time.Since(next); late > 0 { // the machine slept: don't catch up
			next = time.Now().Add(n.every)
		}
		n.tick(next)
		n.b.Inject(flow.NewMsg())
	})
}

func (n *inject) tickCron() {
	now := time.Now()
	next := n.cron.next(now)
	if next.IsZero() {
		return
	}
	// A long wait is cut, so that a clock that is set meanwhile is noticed.
	const look = time.Minute
	wait := next.Sub(now)
	if wait > look {
		n.b.After(look, n.tickCron)
		return
	}
	n.b.After(wait, func() {
		n.cron.last = next
		n.tickCron()
		n.b.Inject(flow.NewMsg())
	})
}

func (n *inject) Receive(m *flow.Msg) {
	props := n.props
	if own := m.Get("__user_inject_props__"); own.Is(value.Array) {
		var err error
		if props, err = compileProps(n.b, own); err != nil {
			n.b.Done(m, err)
			return
		}
	}
	m.Delete("__user_inject_props__")
	var faults []string
	for _, p := range props {
		if err := p.set(m); err != nil {
			faults = append(faults, err.Error())
		}
	}
	if len(faults) > 0 {
		n.b.Done(m, flow.Text(strings.Join(faults, "; ")))
		return
	}
	n.b.Send(m)
	n.b.Done(m, nil)
}

func (p injected) set(m *flow.Msg) error {
	if p.err != nil {
		return p.err
	}
	v, err := p.val.Eval(m)
	if err != nil && p.expr && p.val.Fault() == nil {
		return flow.ExpressionError(err)
	}
	if err != nil {
		return err
	}
	if _, err := m.SetPath(p.path, v, true); err != nil {
		return flow.AsError(err)
	}
	return nil
}
