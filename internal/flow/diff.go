package flow

import (
	"slices"

	"tsunagi/internal/flow/value"
)

// set is a set of node ids that remembers in which order they came.
type set struct {
	has   map[string]bool
	order []string
}

func (s *set) add(id string) bool {
	if s.has[id] {
		return false
	}
	if s.has == nil {
		s.has = map[string]bool{}
	}
	s.has[id] = true
	s.order = append(s.order, id)
	return true
}

func (s *set) remove(id string) {
	if s.has[id] {
		delete(s.has, id)
		s.order = slices.DeleteFunc(s.order, func(x string) bool { return x == id })
	}
}

// diff says what a deploy changes: ids of nodes and of what holds them.
type diff struct {
	added, changed, removed, rewired, linked set
	flowChanged                              set // tabs whose env changed
	globalChanged                            bool

	subflows set // changed subflows
	links    map[string][]string
	old, new *graph
}

// newDiff compares two graphs as Node-RED's diffConfigs does. old is nil at the first deploy.
func newDiff(old, now *graph) *diff {
	if old == nil {
		old = &graph{}
	}
	d := &diff{old: old, new: now, links: map[string][]string{}}
	d.tabs()
	for n := range old.all.all() {
		d.oldNode(n)
	}
	for n := range now.all.all() {
		d.newNode(n)
	}
	d.followReferences()
	for n := range now.all.all() {
		if h := now.all.get(n.z); h != nil && h.typ == "subflow" {
			d.changed.remove(n.id)
		}
	}
	d.followGroups()
	d.followSubflows()
	d.followLinks()
	return d
}

func (d *diff) tabs() {
	for _, id := range d.old.tabOrder {
		now := d.new.tabs[id]
		switch was := d.old.tabs[id]; {
		case now == nil:
			d.removed.add(id)
		case was.disabled() && !now.disabled():
			d.added.add(id)
		case !was.disabled() && now.disabled():
			d.removed.add(id)
		}
	}
}

// connect notes a node's wires in both directions.
func (d *diff) connect(n *def, in *graph) {
	for _, output := range n.wires {
		for _, to := range output {
			d.links[n.id] = append(d.links[n.id], to)
			if in.all.get(to) != nil {
				d.links[to] = append(d.links[to], n.id)
			}
		}
	}
}

// holder marks what holds a node as changed and says whether that is a subflow.
func (d *diff) holder(z string) bool {
	h := d.new.all.get(z)
	if h == nil {
		return false
	}
	d.changed.add(z)
	if h.typ == "subflow" {
		d.subflows.add(z)
		return true
	}
	return false
}

func (d *diff) oldNode(was *def) {
	now := d.new.all.get(was.id)
	if was.typ == "tab" {
		if now != nil && !d.removed.has[was.id] && value.JSON(was.fields.Get("env")) != value.JSON(now.fields.Get("env")) {
			d.flowChanged.add(was.id)
		}
		return
	}
	d.connect(was, d.old)
	switch {
	case d.removed.has[was.z] || now == nil:
		d.removed.add(was.id)
		if !d.removed.has[was.z] {
			d.holder(was.z)
		}
	case d.added.has[was.z]:
		d.added.add(was.id)
	default:
		d.keptNode(was, now)
	}
}

func (d *diff) keptNode(was, now *def) {
	if !was.off && now.off {
		d.removed.add(was.id)
	}
	if differs(was, now) || now.submitted {
		d.changed.add(now.id)
		if now.typ == "subflow" {
			d.subflows.add(now.id)
		}
		if d.holder(now.z) {
			d.changed.remove(now.id)
		}
		if now.typ == "global-config" {
			d.globalChanged = true
		}
	}
	if !value.Equal(was.fields.Get("wires"), now.fields.Get("wires")) {
		d.rewired.add(now.id)
		if d.holder(now.z) {
			d.rewired.remove(now.id)
		}
	}
}

// differs says whether a node changed in anything but its place and its wires.
func differs(was, now *def) bool {
	skip := func(key string) bool {
		switch key {
		case "x", "y", "wires":
			return true
		case "nodes", "style", "w", "h":
			return now.typ == "group"
		}
		return false
	}
	count := func(d *def) (n int) {
		for key := range d.fields.All() {
			if !skip(key) {
				n++
			}
		}
		return n
	}
	if count(was) != count(now) {
		return true
	}
	for key, v := range now.fields.All() {
		if !skip(key) && !value.Equal(was.fields.Get(key), v) {
			return true
		}
	}
	return false
}

func (d *diff) newNode(n *def) {
	if n.typ == "group" && d.changed.has[n.id] {
		for _, member := range texts(n.fields.Get("nodes")) {
			d.changed.add(member)
		}
	}
	d.connect(n, d.new)
	if d.old.all.get(n.id) == nil {
		d.added.add(n.id)
		if d.holder(n.z) {
			d.added.remove(n.id)
		}
	}
}

// stopList is what a deploy of the type stops of a container that stays; nil means all.
func (d *diff) stopList(t DeployType) []string {
	switch t {
	case DeployNodes:
		return slices.Concat(d.changed.order, d.removed.order)
	case DeployFlows:
		return slices.Concat(d.changed.order, d.removed.order, d.linked.order, d.rewired.order)
	}
	return nil
}
