package flow

import (
	"strings"

	"tsunagi/internal/flow/value"
)

// def is one entry of a flow file as the runtime sees it. It is not changed once made.
type def struct {
	id, typ, z, g, name string
	alias               string     // in a copy for a subflow instance: the id in the subflow
	fields              *value.Map // all fields, credentials aside; read only
	wires               [][]string
	off                 bool // "d": disabled
	placed              bool // has x and y: a node, not a config node
	submitted           bool // came with new credentials
}

const subflowPrefix = "subflow:"

// subflow returns the id of the subflow that the node is an instance of.
func (d *def) subflow() (string, bool) { return strings.CutPrefix(d.typ, subflowPrefix) }

// link returns the value of a field as JavaScript would use it for a key: a string, or an
// array of one. Node-RED recognises references to config nodes this way.
func link(v value.Value) string {
	switch v.Kind() {
	case value.String:
		return v.Str()
	case value.Array:
		if v.List().Len() == 1 {
			return v.List().At(0).Str()
		}
	}
	return ""
}

// table keeps definitions by id in the order of the file.
type table struct {
	byID  map[string]*def
	order []string
}

func (t *table) add(d *def) {
	if t.byID == nil {
		t.byID = map[string]*def{}
	}
	if _, again := t.byID[d.id]; !again {
		t.order = append(t.order, d.id)
	}
	t.byID[d.id] = d
}

func (t *table) get(id string) *def { return t.byID[id] }

func (t *table) all() func(func(*def) bool) {
	return func(yield func(*def) bool) {
		for _, id := range t.order {
			if !yield(t.byID[id]) {
				return
			}
		}
	}
}

// sheet is what one tab, one subflow or the global set holds.
type sheet struct {
	def                    *def // nil for the global set
	nodes, configs, groups table
	instances              []*def // of a subflow
}

// size is the number of nodes that can run.
func (s *sheet) size() int { return len(s.nodes.order) + len(s.configs.order) }

func (s *sheet) disabled() bool { return s.def != nil && s.def.fields.Get("disabled").Truthy() }

// graph is a flow file sorted out.
type graph struct {
	all      table
	tabs     map[string]*sheet
	tabOrder []string
	subflows map[string]*sheet
	global   *sheet   // config nodes without a tab
	missing  []string // types that nobody knows
	rev      string
}

// newGraph sorts the nodes of a file as Node-RED's parseConfig does.
func newGraph(f *File, known func(string) bool) *graph {
	g := &graph{tabs: map[string]*sheet{}, subflows: map[string]*sheet{}, global: &sheet{}, rev: f.Rev()}
	defs := make([]*def, 0, len(f.Nodes))
	for i := range f.Nodes {
		d := newDef(&f.Nodes[i])
		defs = append(defs, d)
		g.all.add(d)
		switch d.typ {
		case "tab":
			g.addTab(d)
		case "subflow":
			g.subflows[d.id] = &sheet{def: d}
		}
	}
	links := linkTargets(defs)
	for _, d := range defs {
		g.place(d, links, known)
	}
	return g
}

func newDef(n *RawNode) *def {
	fields := n.fields()
	d := &def{
		id: n.ID, typ: n.Type, z: n.Z,
		g:         fields.Get("g").Str(),
		name:      fields.Get("name").Str(),
		fields:    fields,
		wires:     wiresOf(fields.Get("wires")),
		off:       fields.Get("d").Bool(),
		placed:    fields.Has("x") && fields.Has("y"),
		submitted: n.Credentials != nil,
	}
	return d
}

func wiresOf(v value.Value) [][]string {
	outputs := v.List()
	if outputs == nil {
		return nil
	}
	wires := make([][]string, outputs.Len())
	for i, o := range outputs.All() {
		wires[i] = texts(o)
	}
	return wires
}

// texts are the strings of an array.
func texts(v value.Value) []string {
	l := v.List()
	if l == nil {
		return nil
	}
	out := make([]string, 0, l.Len())
	for _, e := range l.All() {
		out = append(out, e.Str())
	}
	return out
}

func (g *graph) addTab(d *def) *sheet {
	if _, again := g.tabs[d.id]; !again {
		g.tabOrder = append(g.tabOrder, d.id)
	}
	s := &sheet{def: d}
	g.tabs[d.id] = s
	return s
}

// linkTargets merges what link in and link out nodes say of each other: link out → link in.
func linkTargets(defs []*def) map[string][]string {
	links := map[string][]string{}
	add := func(from, to string) {
		for _, have := range links[from] {
			if have == to {
				return
			}
		}
		links[from] = append(links[from], to)
	}
	for _, d := range defs {
		for _, id := range texts(d.fields.Get("links")) {
			switch d.typ {
			case "link in":
				add(id, d.id)
			case "link out":
				add(d.id, id)
			}
		}
	}
	return links
}

// place puts a definition into its sheet. A tab that is named by a node and by nothing else
// is made, as old files need it.
func (g *graph) place(d *def, links map[string][]string, known func(string) bool) {
	if d.typ == "tab" || d.typ == "subflow" {
		return
	}
	holder := g.tabs[d.z]
	if holder == nil {
		holder = g.subflows[d.z]
	}
	if d.typ == "group" {
		if holder != nil {
			holder.groups.add(d)
		}
		return
	}
	id, instance := d.subflow()
	if instance && g.subflows[id] == nil || !instance && !known(d.typ) {
		g.miss(d.typ)
	}
	if d.typ == "link out" && d.fields.Get("links").List() != nil {
		wired := *d
		wired.wires = [][]string{links[d.id]}
		d = &wired
	}
	if holder == nil && d.z != "" {
		holder = g.addTab(&def{id: d.z, typ: "tab", fields: value.NewMap(0)})
	}
	switch {
	case d.placed && holder != nil:
		holder.nodes.add(d)
		if sub := g.subflows[id]; instance && sub != nil {
			sub.instances = append(sub.instances, d)
		}
	case d.placed:
	case holder != nil:
		holder.configs.add(d)
	default:
		g.global.configs.add(d)
	}
}

func (g *graph) miss(typ string) {
	for _, m := range g.missing {
		if m == typ {
			return
		}
	}
	g.missing = append(g.missing, typ)
}
