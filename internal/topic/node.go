package topic

import (
	"strings"
	"unsafe"
)

// node is one level of the filters in a Tree. Trees hold hundreds of thousands of them, most with one child or none
// and one value or none, so the usual node has no table: 96 bytes with an empty list of each kind. In a large tree each
// look at a node is a look at memory that no cache holds: what Match reads stands together, in front.
type node[T comparable] struct {
	level  string
	hash   *node[T] // child "#"
	plus   *node[T] // child "+"
	values values[T]
	many   *wide[T]   // children by name, when they are more than fewChildren; then few is nil
	few    []*node[T] // children by name, while there are at most fewChildren
	own    [8]byte    // holds a short level: another look less
}

const fewChildren = 8

// setLevel keeps a copy of level, which would keep the caller's whole filter (or packet) alive.
func (n *node[T]) setLevel(level string) {
	if level == "" || len(level) > len(n.own) {
		n.level = strings.Clone(level)
		return
	}
	n.level = unsafe.String(&n.own[0], copy(n.own[:], level)) // never written to again
}

// named finds a child that is no wildcard, or nil.
func (n *node[T]) named(level string) *node[T] {
	if n.many != nil {
		return n.many.get(level)
	}
	for _, c := range n.few {
		if c.level == level {
			return c
		}
	}
	return nil
}

// child finds the child for a level of a filter, or nil.
func (n *node[T]) child(level string) *node[T] {
	switch level {
	case "+":
		return n.plus
	case "#":
		return n.hash
	}
	return n.named(level)
}

// childOrNew is child, but makes it where it is missing.
func (n *node[T]) childOrNew(level string) *node[T] {
	if c := n.child(level); c != nil {
		return c
	}
	c := &node[T]{}
	switch level {
	case "+":
		c.level, n.plus = "+", c
		return c
	case "#":
		c.level, n.hash = "#", c
		return c
	}
	c.setLevel(level)
	switch {
	case n.many != nil:
		n.many.add(c)
	case len(n.few) < fewChildren:
		n.few = append(n.few, c)
	default:
		n.many = newWide[T]()
		for _, old := range n.few {
			n.many.add(old)
		}
		n.many.add(c)
		n.few = nil
	}
	return c
}

// drop forgets a child.
func (n *node[T]) drop(c *node[T]) {
	switch {
	case c == n.plus:
		n.plus = nil
	case c == n.hash:
		n.hash = nil
	case n.many != nil:
		n.many.remove(c)
		if n.many.count <= fewChildren/2 {
			for _, left := range n.many.slots {
				if left.n != nil {
					n.few = append(n.few, left.n)
				}
			}
			n.many = nil
		}
	default:
		for i, old := range n.few {
			if old == c {
				last := len(n.few) - 1
				n.few[i], n.few[last] = n.few[last], nil
				n.few = n.few[:last]
				break
			}
		}
		if len(n.few) == 0 {
			n.few = nil
		}
	}
}

// empty says whether nothing is left that the node would be needed for.
func (n *node[T]) empty() bool {
	return n.values.empty() && n.plus == nil && n.hash == nil && len(n.few) == 0 && n.many == nil
}
