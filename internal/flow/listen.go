package flow

import (
	"errors"
	"slices"

	"tsunagi/internal/flow/value"
)

// scope says which nodes a catch, status or complete node hears.
type scope struct {
	ids      []string // nil with listed unset: all
	listed   bool
	group    bool // those of the node's own group
	uncaught bool // catch: only what no other catch node took
}

func scopeOf(b *Base, c Config) scope {
	switch b.def.typ {
	case "catch", "status", "complete":
	default:
		return scope{}
	}
	s := scope{group: c.Str("scope") == "group", uncaught: c.Bool("uncaught")}
	if list := c.Get("scope"); list.Is(value.Array) {
		s.listed, s.ids = true, texts(list)
	}
	if b.def.typ != "catch" {
		s.ids = withoutReceivers(s.ids, b.def.wires)
	}
	return s
}

// withoutReceivers leaves out what the node is wired to, against the simplest of loops. As
// in Node-RED the id behind one that was left out is kept.
func withoutReceivers(ids []string, wires [][]string) []string {
	flat := slices.Concat(wires...)
	kept := slices.Clone(ids)
	for i := 0; i < len(kept); i++ {
		if slices.Contains(flat, kept[i]) {
			kept = slices.Delete(kept, i, i+1)
		}
	}
	return kept
}

// rank orders catch nodes: those with a scope, those for all, those for the uncaught.
func (s scope) rank() int {
	switch {
	case s.listed || s.group:
		return 0
	case !s.uncaught:
		return 1
	}
	return 2
}

// hears says whether listener hears of what reporter does, and how many groups lie between
// them.
func (c *container) hears(listener, reporter *Base) (distance int, ok bool) {
	s, at := listener.listens, listener.def.g
	if at != "" && s.group && reporter.def.g == "" {
		return 0, false
	}
	if s.listed && !slices.Contains(s.ids, reporter.def.id) {
		return 0, false
	}
	if reporter.def.g == "" {
		return 0, true
	}
	g := c.groups[reporter.def.g]
	for g != nil && g.def.id != at {
		distance++
		g = c.groups[g.def.g]
	}
	return distance, g != nil || at == "" || !s.group
}

// listeners returns those of list that hear reporter, the nearest group first.
func (c *container) listeners(list []*Base, reporter *Base) []*Base {
	type candidate struct {
		b *Base
		d int
	}
	var found []candidate
	for _, b := range list {
		if d, ok := c.hears(b, reporter); ok {
			found = append(found, candidate{b, d})
		}
	}
	slices.SortStableFunc(found, func(x, y candidate) int { return x.d - y.d })
	out := make([]*Base, len(found))
	for i := range found {
		out[i] = found[i].b
	}
	return out
}

// maxCatches is how often an error of one node may come back to it.
const maxCatches = 10

// caught gives an error to the catch nodes that hear reporter, which is the node itself or
// what stands for it: a subflow instance, a user of a config node. It says whether one did.
func (c *container) caught(b *Base, err error, m *Msg, reporter *Base) (handled bool) {
	count := 1
	if src := m.Get("error").Map(); src != nil {
		if s := src.Get("source").Map(); s != nil && s.Get("id").Str() == b.def.id {
			if count = int(s.Get("count").Num()) + 1; count == maxCatches {
				b.Warn("Message exceeded maximum number of catches")
				return false
			}
		}
	}
	if users, ok := c.users(b); ok {
		for _, user := range users {
			handled = user.in.caught(b, err, m, user) || handled
		}
		return handled
	}
	byUncaught := false
	for _, l := range c.listeners(c.catches, reporter) {
		if l.listens.uncaught && !byUncaught {
			if handled {
				continue
			}
			byUncaught = true
		}
		l.receive(errorMessage(b, err, m, count))
		handled = true
	}
	if !handled && c.sub != nil {
		return c.parent.caught(b, err, m, c.sub.base)
	}
	return handled
}

// users returns who uses a global config node that reports through its users.
func (c *container) users(b *Base) ([]*Base, bool) {
	if c.parent != nil {
		return nil, false
	}
	if s, ok := b.node.(Sharer); ok {
		return s.Users(), true
	}
	return nil, false
}

func errorMessage(b *Base, err error, m *Msg, count int) *Msg {
	out := m.Clone()
	if was := out.Get("error"); out.Has("error") {
		out.Set("_error", was)
	}
	e := value.MapOf("message", errorText(err), "source", sourceOf(b).Set("count", value.Int(count)))
	var js *Error
	if errors.As(err, &js) {
		if js.Code != "" {
			e.Set("code", value.Str(js.Code))
		}
		e.Set("stack", value.Str(js.stack()))
		if js.Cause.Defined() {
			e.Set("cause", js.Cause)
		}
	}
	out.Set("error", e.Value())
	return out
}

// emptyNames are the types whose nodes have the name of the file in Node-RED even when it is empty; others have none.
var emptyNames = map[string]bool{"debug": true, "function": true, "template": true, "delay": true, "http proxy": true, "tcp out": true}

func sourceOf(b *Base) *value.Map {
	src := value.MapOf("id", b.def.id, "type", b.def.typ)
	if b.def.name != "" || emptyNames[b.def.typ] && b.def.fields.Has("name") {
		return src.Set("name", value.Str(b.def.name))
	}
	return src.Set("name", value.Value{})
}

// status shows the status of b and gives it to status nodes that hear reporter.
func (c *container) status(b *Base, s *value.Map, reporter *Base, mute bool) (handled bool) {
	if text := s.Get("text"); s.Has("text") && !text.Is(value.String) {
		s = s.Own().Set("text", value.Str(text.Text()))
	}
	if !mute {
		b.shows = s
		if c.rt.lost[b] == nil { // what a full queue has to say comes first
			c.rt.pub.status(b.def.id, s)
		}
	}
	if users, ok := c.users(b); ok {
		for _, user := range users {
			handled = user.in.status(b, s, user, true) || handled
		}
		return handled
	}
	for _, l := range c.listeners(c.statuses, reporter) {
		copied := s.Clone().Own()
		copied.Set("source", sourceOf(b).Value())
		l.receive(NewMsg("status", copied))
		handled = true
	}
	if !handled && c.sub != nil && (c.sub.status == nil || b == c.sub.base) {
		return c.parent.status(b, s, c.sub.base, true)
	}
	return handled
}

// maxCompleted bounds how many complete nodes may call one another, directly.
const maxCompleted = 500

// complete tells complete nodes that b is done with m. Those that wait for each other would go
// on for ever: they are stopped with an error.
func (b *Base) complete(m *Msg) {
	if b.rt.completing >= maxCompleted {
		b.log(levelError, Text("complete nodes that wait for each other: they are stopped"))
		return
	}
	b.rt.completing++
	defer func() { b.rt.completing-- }()
	for _, l := range b.hearers {
		out := m.Clone()
		out.Set("complete", value.MapOf("source", sourceOf(b)).Value())
		l.receive(out)
	}
}
