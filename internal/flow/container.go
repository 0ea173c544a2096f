package flow

import (
	"context"
	"slices"

	"tsunagi/internal/flow/value"
)

// container is what runs a sheet: a tab, one instance of a subflow, or the global set of
// config nodes.
type container struct {
	rt     *Runtime
	parent *container // global for a tab, the holder for a subflow instance, nil for global
	id     string     // "global", the tab's id or the instance's id
	path   string
	sheet  *sheet
	sub    *instance // only for a subflow instance

	env    map[string]value.Value
	groups map[string]*group

	byID   map[string]*Base
	active []*Base // in the order of their start

	catches, statuses []*Base
}

const globalID = "global"

func newContainer(rt *Runtime, parent *container, id string, s *sheet) *container {
	return &container{rt: rt, parent: parent, id: id, path: id, sheet: s, byID: map[string]*Base{}}
}

// start makes the nodes of the sheet that don't run yet: config nodes first, those that
// others need before the others.
func (c *container) start() {
	c.startEnv()
	c.startConfigs()
	for d := range c.sheet.nodes.all() {
		if c.byID[d.id] == nil && !d.off {
			c.startNode(d)
		}
	}
	c.listen()
}

func (c *container) startConfigs() {
	waiting := slices.Clone(c.sheet.configs.order)
	for tries := 100 * len(waiting); len(waiting) > 0; tries-- {
		d := c.sheet.configs.get(waiting[0])
		waiting = waiting[1:]
		switch {
		case d.off || c.byID[d.id] != nil:
		case tries > 0 && c.needsOther(d):
			waiting = append(waiting, d.id)
		case tries <= 0:
			c.rt.logAbout(levelError, d, c.path, Text("Circular config node dependency detected: "+d.id))
		default:
			c.startNode(d)
		}
	}
}

// needsOther says whether the config node names one of the same sheet that doesn't run yet.
func (c *container) needsOther(d *def) bool {
	for key, v := range d.fields.All() {
		if key == "id" || key == "wires" || key == "_users" {
			continue
		}
		if id := link(v); id != "" && id != d.id {
			if other := c.sheet.configs.get(id); other != nil && !other.off && c.byID[id] == nil && !c.rt.failed[id] {
				return true
			}
		}
	}
	return false
}

func (c *container) startNode(d *def) {
	if id, ok := d.subflow(); ok {
		c.startInstance(d, id)
		return
	}
	b := c.newBase(d)
	t := c.rt.types[d.typ]
	if t == nil {
		return
	}
	cfg := Config{o: c.substituted(b), b: b}
	b.def = renamed(d, cfg)
	n, err := c.construct(t, b, cfg)
	if err != nil {
		c.rt.failed[d.id] = true
		b.cancel()
		c.rt.startFailed(b, err)
		return
	}
	delete(c.rt.failed, d.id)
	b.node = n
	b.listens = scopeOf(b, cfg)
	c.add(b)
}

// renamed gives the node the name that the substitution of the environment left.
func renamed(d *def, cfg Config) *def {
	if name := cfg.Str("name"); name != d.name {
		copied := *d
		copied.name = name
		return &copied
	}
	return d
}

func (c *container) construct(t *Type, b *Base, cfg Config) (n Node, err error) {
	c.rt.noteFields(t, b)
	defer func() {
		if p := recover(); p != nil {
			err = c.rt.panicError(p)
		}
	}()
	return t.New(b, cfg)
}

func (c *container) newBase(d *def) *Base {
	b := &Base{rt: c.rt, in: c, def: d, path: c.path + "/" + d.shownID()}
	b.ctx, b.cancel = context.WithCancel(c.rt.ctx)
	b.setWires(d.wires)
	return b
}

// shownID is the id that the editor knows.
func (d *def) shownID() string {
	if d.alias != "" {
		return d.alias
	}
	return d.id
}

func (c *container) add(b *Base) {
	c.byID[b.def.id] = b
	c.active = append(c.active, b)
}

// setWires takes over the wires; resolve finds the receivers.
func (b *Base) setWires(wires [][]string) {
	b.wires, b.wired = wires, 0
	for _, w := range wires {
		b.wired += len(w)
	}
	b.out, b.single = nil, nil
}

// resolve turns the wires of all nodes into pointers. A wire to a node that doesn't run
// stays nil, and what is sent there vanishes.
func (c *container) resolve() {
	for _, b := range c.active {
		s, _ := b.node.(*instance)
		from := c
		if s != nil {
			from = s.inner
		}
		b.out = make([][]*Base, len(b.wires))
		for i, w := range b.wires {
			b.out[i] = make([]*Base, len(w))
			for j, id := range w {
				if id != "" {
					b.out[i][j] = from.node(id)
				}
			}
		}
		if len(b.wires) == 1 && len(b.wires[0]) == 1 {
			b.single = b.out[0][0]
		}
		if s != nil {
			s.inner.resolve()
		}
	}
}

// node finds a running node: in this container, in those around it, else anywhere.
func (c *container) node(id string) *Base {
	rt := c.rt
	for ; c != nil; c = c.parent {
		if b := c.byID[id]; b != nil {
			return b
		}
		if c.sub != nil && c.sub.status != nil && c.sub.status.def.id == id {
			return c.sub.status
		}
		if c.sheet.configs.get(id) != nil || c.sheet.nodes.get(id) != nil {
			return nil
		}
	}
	return rt.find(id)
}

// find looks for a node in this container and in the subflow instances in it.
func (c *container) find(id string) *Base {
	if b := c.byID[id]; b != nil {
		return b
	}
	for _, b := range c.active {
		if s, ok := b.node.(*instance); ok {
			if found := s.inner.find(id); found != nil {
				return found
			}
		}
	}
	return nil
}

// listen collects the nodes that hear of errors, status and completion.
func (c *container) listen() {
	c.catches, c.statuses = nil, nil
	completes := map[string][]*Base{}
	for _, b := range c.active {
		switch b.def.typ {
		case "catch":
			c.catches = append(c.catches, b)
		case "status":
			c.statuses = append(c.statuses, b)
		case "complete":
			for _, id := range b.listens.ids {
				completes[id] = append(completes[id], b)
			}
		}
	}
	for _, b := range c.active {
		b.hearers = completes[b.def.id]
	}
	slices.SortStableFunc(c.catches, func(x, y *Base) int { return x.listens.rank() - y.listens.rank() })
}

// update replaces the definition of what runs; start and stop act on it.
func (c *container) update(s *sheet) { c.sheet = s }

// rewire gives running nodes their new wires.
func (c *container) rewire(ids []string) {
	for _, id := range ids {
		if b, d := c.byID[id], c.sheet.nodes.get(id); b != nil && d != nil {
			if s, ok := b.node.(*instance); ok {
				s.rewire(d.wires)
			} else {
				b.setWires(d.wires)
			}
		}
	}
}

// stop closes nodes, all when ids is nil, config nodes last. It returns when every Close was
// called; closing says when each is done.
func (c *container) stop(ids []string, removed map[string]bool, closing *closing) {
	if ids == nil {
		ids = make([]string, 0, len(c.active))
		for _, b := range c.active {
			ids = append(ids, b.def.id)
		}
	}
	var nodes, configs []*Base
	stopping := map[*Base]bool{}
	for _, id := range ids {
		b := c.byID[id]
		if b == nil || stopping[b] {
			continue
		}
		stopping[b] = true
		if c.sheet.configs.get(id) != nil {
			configs = append(configs, b)
		} else {
			nodes = append(nodes, b)
		}
	}
	for b := range stopping {
		delete(c.byID, b.def.id)
	}
	c.active = slices.DeleteFunc(c.active, func(b *Base) bool { return stopping[b] })
	for _, b := range slices.Concat(nodes, configs) {
		closing.close(b, removed[b.def.id])
		if removed[b.def.id] {
			c.rt.pub.forget(b.def.id)
		}
	}
}
