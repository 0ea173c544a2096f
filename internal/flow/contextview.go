package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tsunagi/internal/flow/value"
)

// ErrUnknownStore says that there is no context store of the name.
var ErrUnknownStore = errors.New("no such context store")

// ContextQuery asks for what a context keeps, as the editor does.
type ContextQuery struct {
	Scope    string // global, flow or node
	ID       string // of the flow or the node
	Key      string // "" asks for all
	Store    string // "" is the default
	KeysOnly bool   // keys and kinds in the place of values
}

// ReadContext answers in the JSON that the editor expects: values encoded as in the debug
// sidebar, by store and key.
func (r *Runtime) ReadContext(ctx context.Context, q ContextQuery) (json.RawMessage, error) {
	if q.Store != "" && r.contexts.byName[q.Store] == nil {
		return nil, ErrUnknownStore
	}
	var (
		answer value.Value
		err    error
	)
	lerr := r.on(ctx, func() {
		c, ok := r.contextOf(q)
		switch {
		case !ok:
			answer = value.NewMap(0).Value()
		case q.Key == "":
			answer = c.overview(q)
		default:
			answer, err = c.one(q)
		}
	})
	if err = errors.Join(lerr, err); err != nil {
		return nil, err
	}
	return value.Append(nil, answer), nil
}

// DeleteContext removes a key; one that isn't there is removed already.
func (r *Runtime) DeleteContext(ctx context.Context, q ContextQuery) error {
	if q.Store != "" && r.contexts.byName[q.Store] == nil || q.Key == "" {
		return ErrUnknownStore
	}
	key, err := parsePathKey(q.Key, q.Store)
	if err != nil {
		return err
	}
	lerr := r.on(ctx, func() {
		if c, ok := r.contextOf(q); ok {
			err = c.Set(key, value.Value{}, nil)
		}
	})
	return errors.Join(lerr, err)
}

func parsePathKey(text, store string) (ContextKey, error) {
	p, err := value.ParsePath(text)
	if err != nil {
		return ContextKey{}, fmt.Errorf("context key: %w", err)
	}
	return ContextKey{path: p, store: store}, nil
}

func (r *Runtime) contextOf(q ContextQuery) (Context, bool) {
	switch q.Scope {
	case "global":
		return Context{rt: r, id: globalID}, true
	case "flow":
		if f := r.flows[q.ID]; f != nil {
			return f.context(), true
		}
		return Context{rt: r, id: q.ID}, true
	}
	b := r.find(q.ID)
	if b == nil {
		return Context{}, false
	}
	if _, ok := b.node.(*instance); ok {
		return Context{rt: r, id: b.def.id}, true
	}
	return b.Context("node"), true
}

// overview lists every key, of one store or of all.
func (c Context) overview(q ContextQuery) value.Value {
	out := value.NewMap(len(c.rt.contexts.stores))
	for _, s := range c.rt.contexts.stores {
		if q.Store != "" && q.Store != s.name {
			continue
		}
		data := s.data[c.id]
		if data == nil {
			data = value.NewMap(0)
		}
		keys, values := value.NewList(), value.NewMap(data.Len())
		for key, v := range data.All() {
			if q.KeysOnly {
				keys.Append(value.MapOf("key", key).Value())
			} else {
				values.Set(key, encoded(v).Value())
			}
		}
		if q.KeysOnly {
			values.Set("keys", keys.Value())
		}
		out.Set(s.name, values.Value())
	}
	return out.Value()
}

func encoded(v value.Value) *value.Map {
	format, msg := Encode(v)
	return value.MapOf("msg", msg, "format", format)
}

// one answers about one key.
func (c Context) one(q ContextQuery) (value.Value, error) {
	var v value.Value // undefined for a key that is none, as in Node-RED
	if key, err := parsePathKey(q.Key, q.Store); err == nil {
		if v, err = c.Get(key, nil); err != nil {
			v = value.Value{}
		}
	}
	standard := c.rt.contexts.standard.name
	if !q.KeysOnly {
		one := encoded(v)
		if q.Store != "" && q.Store != standard {
			one.Set("store", value.Str(q.Store))
		}
		return one.Value(), nil
	}
	if q.Store == "" {
		q.Store = standard
	}
	shape := value.NewMap(2)
	switch {
	case v.Is(value.Array):
		shape.Set("format", value.Str(arrayFormat(v)))
	case v.Is(value.Object):
		keys := value.NewList()
		for k, e := range v.Map().All() {
			entry := value.MapOf("key", k)
			switch {
			case e.Is(value.Array):
				entry.Set("format", value.Str(arrayFormat(e))).Set("length", value.Int(e.List().Len()))
			case e.TypeOf() == "object":
				entry.Set("format", value.Str("object"))
			}
			keys.Append(entry.Value())
		}
		shape.Set("keys", keys.Value()).Set("format", value.Str("object"))
	default:
		shape.Set("keys", value.NewList().Value())
	}
	return value.NewMap(1).Set(q.Store, shape.Value()).Value(), nil
}

func arrayFormat(v value.Value) string { return fmt.Sprintf("array[%d]", v.List().Len()) }

// ContextStores names the stores, and which of them is the default.
func (r *Runtime) ContextStores() (all []string, standard string) { return r.contexts.Names() }
