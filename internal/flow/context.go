package flow

import (
	"regexp"
	"strings"

	"tsunagi/internal/flow/value"
)

// ContextKey is a key of a context store as a typed input holds it: #:(store)::key.
type ContextKey struct {
	store string // "" is the default store
	path  *value.Path
}

var storeKey = regexp.MustCompile(`^#:\((\S+?)\)::(.*)$`)

// ParseContextKey reads a key as a typed input holds it.
func ParseContextKey(text string) (ContextKey, error) {
	k := ContextKey{}
	if m := storeKey.FindStringSubmatch(text); m != nil {
		k.store, text = m[1], m[2]
	}
	var err error
	k.path, err = value.ParsePath(text)
	return k, err
}

// Context is what flows keep between messages: that of one node, of a flow, or the global
// one. It belongs to the loop. Where it is kept is the matter of Contexts.
type Context struct {
	rt *Runtime
	id string // "global", the id of a flow, or node:flow
	up *Context
}

// Context returns the context of a scope: "node", "flow" or "global".
func (b *Base) Context(scope string) Context {
	switch scope {
	case "global":
		return Context{rt: b.rt, id: globalID}
	case "flow":
		return b.in.context()
	}
	return Context{rt: b.rt, id: b.def.shownID() + ":" + b.def.z}
}

// context returns the context of the flow; $parent leads from a subflow instance upwards.
func (c *container) context() Context {
	x := Context{rt: c.rt, id: c.id}
	if c.sub != nil && c.parent != nil {
		up := c.parent.context()
		x.up = &up
	}
	return x
}

// Get returns what is kept under a key, undefined when there is nothing. m is
// the message that references in the key are looked up in.
func (c Context) Get(k ContextKey, m *Msg) (value.Value, error) { return c.get(k, m, false) }

func (c Context) get(k ContextKey, m *Msg, own bool) (value.Value, error) {
	st := c.rt.store(k.store)
	c, path, err := c.locate(k.path)
	if err != nil || c.rt == nil {
		return value.Value{}, err
	}
	data := st.data[c.id]
	if data == nil {
		return value.Value{}, nil
	}
	var v value.Value
	if own {
		data = data.Own()
		st.data[c.id] = data
		c.rt.touch(st, c.id) // who gets it may write to it
		v, err = path.Own(data, refs(m))
	} else {
		v, err = path.Get(data.Value(), refs(m))
	}
	if _, missing := err.(*value.TypeError); missing { //nolint:errorlint // made by Get itself
		return value.Value{}, nil
	}
	return v, err
}

// Set keeps a value under a key; undefined removes it.
func (c Context) Set(k ContextKey, v value.Value, m *Msg) error {
	st, all := c.rt.store(k.store), c.rt.contexts
	c, path, err := c.locate(k.path)
	if err != nil || c.rt == nil {
		return err
	}
	data := st.data[c.id]
	if data == nil {
		if !v.Defined() {
			return nil
		}
		data = value.NewMap(4)
	}
	was, _ := path.Get(data.Value(), refs(m)) // nothing when it isn't there
	more := value.Size(v) - value.Size(was)
	if v.Defined() && more > 0 && all.bytes+more > all.limit {
		return all.full()
	}
	data = data.Own()
	st.data[c.id] = data
	ok, err := path.Set(data, v, v.Defined(), refs(m))
	if ok && err == nil {
		all.bytes += more
		c.rt.touch(st, c.id)
	}
	return err
}

func refs(m *Msg) *value.Map {
	if m == nil {
		return value.NewMap(0)
	}
	return m.o
}

// locate follows $parent. at the beginning of a key. Where there is nothing above, the Context
// has no runtime, and reading and writing it do nothing.
func (c Context) locate(p *value.Path) (Context, *value.Path, error) {
	text := p.String()
	if text == "$parent" {
		return Context{}, p, nil
	}
	for strings.HasPrefix(text, "$parent.") {
		text = strings.TrimPrefix(text, "$parent.")
		if c.up == nil {
			return Context{}, p, nil
		}
		c = *c.up
	}
	if text == p.String() {
		return c, p, nil
	}
	p, err := value.ParsePath(text)
	return c, p, err
}
