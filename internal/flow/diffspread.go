package flow

import "slices"

// followReferences marks nodes that name a changed or removed node in one of their fields,
// as users of a config node do, until nothing new is found.
func (d *diff) followReferences() {
	for again := true; again; {
		again = false
		for n := range d.new.all.all() {
			if !d.changed.has[n.id] && d.refersToChange(n) {
				again = true
				d.changed.add(n.id)
				d.holder(n.z)
			}
		}
	}
}

func (d *diff) refersToChange(n *def) bool {
	for key, v := range n.fields.All() {
		if key == "z" || key == "id" || key == "wires" {
			continue
		}
		id := link(v)
		if id == "" || !d.changed.has[id] && !d.removed.has[id] {
			continue
		}
		if key == "g" && d.changed.has[id] {
			if h := d.new.all.get(id); h != nil && h.typ == "group" {
				if old := d.old.all.get(n.id); old != nil && old.g == n.g {
					continue // the group changed, not who is in it
				}
			}
		}
		return true
	}
	return false
}

// followGroups marks what is in changed groups, at every depth.
func (d *diff) followGroups() {
	for again := true; again; {
		again = false
		for g := range d.new.all.all() {
			if g.typ != "group" || g.g == "" {
				continue
			}
			if d.changed.has[g.g] && d.changed.add(g.id) {
				again = true
			}
			if d.changed.has[g.id] {
				for _, member := range texts(g.fields.Get("nodes")) {
					again = d.changed.add(member) || again
				}
			}
		}
	}
}

// followSubflows marks the instances of changed subflows, and what holds them.
func (d *diff) followSubflows() {
	stack := slices.Clone(d.subflows.order)
	for len(stack) > 0 {
		typ := subflowPrefix + stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for n := range d.new.all.all() {
			if n.typ != typ || !d.changed.add(n.id) {
				continue
			}
			h := d.new.all.get(n.z)
			if h == nil || !d.changed.add(n.z) {
				continue
			}
			if h.typ == "subflow" {
				stack = append(stack, n.z)
				d.changed.remove(n.id)
			}
		}
	}
}

// followLinks finds what is connected to anything that changed.
func (d *diff) followLinks() {
	stack := slices.Concat(d.added.order, d.changed.order, d.removed.order, d.rewired.order)
	visited := map[string]bool{}
	for len(stack) > 0 {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if visited[id] || d.links[id] == nil {
			visited[id] = true
			continue
		}
		visited[id] = true
		if !d.changed.has[id] && !d.added.has[id] && !d.removed.has[id] && !d.rewired.has[id] {
			d.linked.add(id)
		}
		stack = append(stack, d.links[id]...)
	}
}
