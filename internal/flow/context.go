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
// one. It belongs to the loop. It is kept in memory and ends with the process.
type Context struct {
	rt *Runtime
	id string // "global", the id of a flow, or node:flow
	up *Context
}

// contexts holds the data of every context, by id.
type contexts struct{ data map[string]*value.Map }

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
	c.rt.noteStore(k.store)
	c, path, err := c.locate(k.path)
	if err != nil {
		return value.Value{}, err
	}
	data := c.rt.contexts.data[c.id]
	if data == nil {
		return value.Value{}, nil
	}
	var v value.Value
	if own {
		data = data.Own()
		c.rt.contexts.data[c.id] = data
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
	c.rt.noteStore(k.store)
	c, path, err := c.locate(k.path)
	if err != nil {
		return err
	}
	data := c.rt.contexts.data[c.id]
	if data == nil {
		data = value.NewMap(4)
	}
	data = data.Own()
	c.rt.contexts.data[c.id] = data
	_, err = path.Set(data, v, v.Defined(), refs(m))
	return err
}

func refs(m *Msg) *value.Map {
	if m == nil {
		return value.NewMap(0)
	}
	return m.o
}

// locate follows $parent. at the beginning of a key.
func (c Context) locate(p *value.Path) (Context, *value.Path, error) {
	text := p.String()
	for strings.HasPrefix(text, "$parent.") {
		text = strings.TrimPrefix(text, "$parent.")
		if c.up == nil {
			return Context{rt: c.rt, id: "\x00nowhere"}, p, nil
		}
		c = *c.up
	}
	if text == p.String() {
		return c, p, nil
	}
	p, err := value.ParsePath(text)
	return c, p, err
}

// noteStore says once for each store that is not there that its values are kept in memory
// instead, as Node-RED does.
func (r *Runtime) noteStore(name string) {
	switch name {
	case "", "memory", "default":
		return
	}
	if !r.noted["store "+name] {
		r.noted["store "+name] = true
		r.o.Log.Warn("context store is not there: its values are kept in memory and end with the process", "store", name)
	}
}
