package flow

import (
	"slices"

	"tsunagi/internal/flow/value"
)

// instance is the node that stands for one instance of a subflow: what it receives goes to
// the inputs of its own copy of the subflow.
type instance struct {
	base   *Base
	inner  *container
	subDef *sheet
	status *Base // takes messages for the status output; nil if the subflow has none
	env    value.Value
}

// maxRunning bounds the nodes that run at once: nested subflows could make any number of them
// out of a small file.
const maxRunning = 200_000

// startInstance starts an instance of a subflow. Its nodes run under ids of their own:
// <instance>-<node>.
func (c *container) startInstance(d *def, subflow string) {
	s := c.rt.graph.subflows[subflow]
	if s == nil {
		return
	}
	for at := c; at != nil; at = at.parent {
		if at.sub != nil && at.sub.subDef == s {
			c.rt.logAbout(levelError, d, c.path, Text("the subflow contains itself"))
			return
		}
	}
	if c.rt.running+s.size() > maxRunning {
		c.rt.logAbout(levelError, d, c.path, Text("too many nodes: the subflow instance does not start"))
		return
	}
	c.rt.running += s.size()
	b := c.newBase(d)
	inst := &instance{base: b, subDef: s}
	b.node = inst
	inst.inner = newContainer(c.rt, c, d.id, copySheet(s, d.id))
	inst.inner.path = c.path + "/" + d.shownID()
	inst.inner.sub = inst
	inst.env = inst.mergedEnv()
	if st := s.def.fields.Get("status").Map(); st != nil {
		sd := &def{id: d.id + ":status", typ: "subflow-status", z: d.id, fields: value.NewMap(0)}
		inst.status = &Base{rt: c.rt, in: c, def: sd, node: statusSink{inst}, path: b.path, ctx: b.ctx, cancel: func() {}}
	}
	c.add(b)
	inst.wire(d.wires)
	inst.inner.start()
}

// copySheet copies what a subflow holds for one instance: ids, and every field that names a
// node of the subflow, get the instance's prefix.
func copySheet(s *sheet, instance string) *sheet {
	ids := map[string]string{}
	for _, t := range []*table{&s.groups, &s.configs, &s.nodes} {
		for _, id := range t.order {
			ids[id] = instance + "-" + id
		}
	}
	out := &sheet{def: s.def}
	for _, t := range []struct{ from, to *table }{{&s.groups, &out.groups}, {&s.configs, &out.configs}, {&s.nodes, &out.nodes}} {
		for d := range t.from.all() {
			t.to.add(copyDef(d, instance, ids))
		}
	}
	return out
}

func copyDef(d *def, instance string, ids map[string]string) *def {
	c := *d
	c.alias, c.id, c.z = d.id, ids[d.id], instance
	if to, ok := ids[d.g]; ok {
		c.g = to
	}
	c.wires = make([][]string, len(d.wires))
	for i, w := range d.wires {
		c.wires[i] = make([]string, len(w))
		for j, id := range w {
			c.wires[i][j] = ids[id] // "" for what is not in the subflow
		}
	}
	fields := d.fields.Clone().Own()
	listens := d.typ == "complete" || d.typ == "catch" || d.typ == "status"
	for i := range fields.Len() {
		key, v := fields.At(i)
		if key == "scope" && listens && v.Is(value.Array) {
			scope := value.NewList()
			for _, id := range texts(v) {
				scope.Append(value.Str(ids[id]))
			}
			fields.Set(key, scope.Value())
		} else if to, ok := ids[link(v)]; ok && !listens {
			fields.Set(key, value.Str(to))
		}
	}
	fields.Set("id", value.Str(c.id))
	fields.Set("z", value.Str(instance))
	c.fields = fields
	return &c
}

// mergedEnv is the env of the subflow with the entries that the instance sets.
func (s *instance) mergedEnv() value.Value {
	out := value.NewList()
	at := map[string]int{}
	for _, list := range []value.Value{s.subDef.def.fields.Get("env"), s.base.def.fields.Get("env")} {
		if list.List() == nil {
			continue
		}
		for _, e := range list.List().All() {
			o := e.Map()
			if o == nil {
				continue
			}
			name := o.Get("name").Str()
			if i, ok := at[name]; ok {
				out.Set(i, e)
				continue
			}
			at[name] = out.Len()
			out.Append(e)
		}
	}
	return out.Value()
}

// credential is that of the instance, else that of the subflow.
func (s *instance) credential(name string) value.Value {
	if v := s.inner.rt.credential(s.base.def.shownID(), name); v.Defined() {
		return v
	}
	return s.inner.rt.credential(s.subDef.def.id, name)
}

// wire joins the subflow's inputs and outputs with the wires of the instance: an inner node
// that leads to output i is wired to what the instance's output i is wired to.
func (s *instance) wire(outer [][]string) {
	prefix := s.base.def.id + "-"
	var inputs [][]string
	for _, in := range listOf(s.subDef.def.fields.Get("in")) {
		var to []string
		for _, w := range listOf(in.Map().Get("wires")) {
			to = append(to, prefix+w.Map().Get("id").Str())
		}
		inputs = append(inputs, to)
	}
	changed := map[string]*def{}
	join := func(from value.Value, to []string) {
		o := from.Map()
		id, port := o.Get("id").Str(), int(o.Get("port").Num())
		if id == s.subDef.def.id { // an input straight to an output
			if port >= 0 && port < len(inputs) {
				inputs[port] = slices.Concat(inputs[port], to)
			}
			return
		}
		d := changed[prefix+id]
		if d == nil {
			inner := s.inner.sheet.nodes.get(prefix + id)
			if inner == nil {
				s.base.log(levelError, Text("Unknown node referenced inside subflow: "+id))
				return
			}
			copied := *inner
			copied.wires = s.originalWires(id)
			d = &copied
			changed[d.id] = d
		}
		for port >= len(d.wires) && port < maxOutputs {
			d.wires = append(d.wires, nil)
		}
		if port >= 0 && port < len(d.wires) {
			d.wires[port] = slices.Concat(d.wires[port], to)
		}
	}
	for i, out := range listOf(s.subDef.def.fields.Get("out")) {
		if i < len(outer) && out.Map() != nil {
			for _, w := range listOf(out.Map().Get("wires")) {
				join(w, outer[i])
			}
		}
	}
	if s.status != nil {
		for _, w := range listOf(s.subDef.def.fields.Get("status").Map().Get("wires")) {
			join(w, []string{s.status.def.id})
		}
	}
	for _, d := range changed {
		s.inner.sheet.nodes.add(d)
		if b := s.inner.byID[d.id]; b != nil {
			if nested, ok := b.node.(*instance); ok {
				nested.wire(d.wires)
			}
			b.setWires(d.wires)
		}
	}
	s.base.setWires(inputs)
}

// maxOutputs bounds the number of outputs of a node.
const maxOutputs = 10_000

// originalWires are the wires of an inner node without those of the instance.
func (s *instance) originalWires(id string) [][]string {
	d := s.subDef.nodes.get(id)
	if d == nil {
		return nil
	}
	wires := make([][]string, len(d.wires))
	for i, w := range d.wires {
		for _, to := range w {
			if s.subDef.nodes.get(to) != nil {
				wires[i] = append(wires[i], s.base.def.id+"-"+to)
			}
		}
	}
	return wires
}

func (s *instance) rewire(outer [][]string) { s.wire(outer) }

func listOf(v value.Value) []value.Value {
	l := v.List()
	if l == nil {
		return nil
	}
	out := make([]value.Value, 0, l.Len())
	for _, e := range l.All() {
		if e.Map() != nil {
			out = append(out, e)
		}
	}
	return out
}

// Receive hands a message to the inputs of the subflow.
func (s *instance) Receive(m *Msg) { s.base.Send(m) }

// Close stops the nodes of the instance.
func (s *instance) Close(removed bool, done func()) {
	s.base.Status(Status{})
	var ids []string
	for _, b := range s.inner.active {
		ids = append(ids, b.def.id)
	}
	c := newClosing()
	s.inner.stop(nil, nil, c)
	s.base.rt.running -= s.subDef.size()
	c.all()
	go func() { // ends with the closing of the nodes, each of which has its own limit
		<-c.done
		s.inner.rt.in.urgent(event{run: func() {
			for _, id := range ids {
				s.inner.rt.pub.forget(id)
			}
			done()
		}})
	}()
}

// statusSink takes what leads to the status output of a subflow.
type statusSink struct{ s *instance }

// Receive shows the message as status of the instance: a text, an object that looks like a
// status, or whatever it is as text.
func (k statusSink) Receive(m *Msg) {
	show := k.s.base.StatusValue
	payload := m.Get("payload")
	if payload.Defined() {
		if payload.Is(value.String) {
			show(value.NewMap(1).Set("text", payload))
			return
		}
		if o := payload.Map(); o != nil && (o.Has("text") || o.Has("fill") || o.Has("shape") || o.Len() == 0) {
			show(o.Clone())
			return
		}
		text := value.Inspect(payload)
		if value.Units(text) > 32 {
			text = value.Cut(text, 32) + "..."
		}
		show(value.NewMap(1).Set("text", value.Str(text)))
		return
	}
	if o := m.Get("status").Map(); o != nil {
		o = o.Clone().Own()
		if t := o.Get("text").Str(); len(t) >= 7 && t[:7] == "common." {
			o.Set("text", value.Str("node-red:"+t))
		}
		show(o)
	}
}
