package topic

import "strings"

// node is one level of the filters in a Tree. Trees hold hundreds of thousands of them, most with one child or none
// and one value or none, so the usual node has no map: 96 bytes with an empty list of each kind. In a large tree each
// look at a node is a look at memory that no cache holds: what Match reads stands together, in front.
type node[T comparable] struct {
	level  string
	hash   *node[T] // child "#"
	plus   *node[T] // child "+"
	values values[T]
	many   map[string]*node[T] // children by name, when they are more than fewChildren; then few is nil
	few    []*node[T]          // children by name, while there are at most fewChildren
	parent *node[T]            // nil for the root
}

const fewChildren = 8

// named finds a child that is no wildcard, or nil.
func (n *node[T]) named(level string) *node[T] {
	if n.many != nil {
		return n.many[level]
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
	c := &node[T]{parent: n}
	switch level {
	case "+":
		c.level, n.plus = "+", c
		return c
	case "#":
		c.level, n.hash = "#", c
		return c
	}
	c.level = strings.Clone(level) // its own, or it would keep the caller's whole filter (or packet) alive
	switch {
	case n.many != nil:
		n.many[c.level] = c
	case len(n.few) < fewChildren:
		n.few = append(n.few, c)
	default:
		n.many = make(map[string]*node[T], 2*fewChildren)
		for _, old := range n.few {
			n.many[old.level] = old
		}
		n.many[c.level], n.few = c, nil
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
		delete(n.many, c.level)
		if len(n.many) <= fewChildren/2 { // a map gives no memory back
			for _, left := range n.many {
				n.few = append(n.few, left)
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
