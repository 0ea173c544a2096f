package jsonata

import "tsunagi/internal/flow/value"

type kind uint8

const (
	kName kind = iota
	kLiteral
	kVariable
	kRegex
	kWildcard
	kDescendant
	kParent
	kOperator // a bare token: ? in a partial application, or and/or/in as names
	kEnd
	kBinary
	kUnary
	kFunction
	kPartial
	kLambda
	kCondition
	kBlock
	kTransform
	// made by resolve
	kPath
	kSort
	kBind
	kApply
)

// node is one part of an expression: first as the parser reads it, then, after resolve, with
// paths made of steps and parents found.
type node struct {
	kind  kind
	value string // operator, name or variable
	lit   value.Value
	re    *regex
	pos   int

	lhs, rhs                *node
	list                    []*node // arguments, elements, expressions of a block, steps of a path
	pairs                   [][2]*node
	terms                   []sortTerm
	proc                    *node
	cond, then, other       *node
	pattern, update, remove *node
	body                    *node
	sig                     *signature

	keepArray  bool
	keepSingle bool // path: []
	consArray  bool
	tail       bool // function call in tail position of a lambda
	predicate  []stage
	stages     []stage
	group      *group

	focus, index string // @ and #
	tuple        bool
	ancestor     *slot
	slot         *slot
	seeking      []*slot
}

type sortTerm struct {
	descending bool
	expr       *node
}

// stage is a predicate of a step, or, with an empty expr, the binding of its index.
type stage struct {
	expr  *node
	index string
	pos   int
}

type group struct {
	pairs [][2]*node
	pos   int
}

// slot is a value that % looks for, some steps up.
type slot struct {
	label string
	level int
	owner *node
}

// isLiteral says whether a literal is of a kind.
func (n *node) isLiteral(k value.Kind) bool { return n.kind == kLiteral && n.lit.Is(k) }

// height is how deep the node's parts are nested, which is the stack that it takes.
func (n *node) height() int {
	if n == nil {
		return 0
	}
	h := 0
	for _, e := range []*node{n.lhs, n.rhs, n.proc, n.cond, n.then, n.other, n.pattern, n.update, n.remove, n.body} {
		h = max(h, e.height())
	}
	for _, e := range n.list {
		h = max(h, e.height())
	}
	for _, e := range n.pairs {
		h = max(h, e[0].height(), e[1].height())
	}
	for _, e := range n.terms {
		h = max(h, e.expr.height())
	}
	for _, e := range append(n.predicate[:len(n.predicate):len(n.predicate)], n.stages...) {
		h = max(h, e.expr.height())
	}
	if n.group != nil {
		for _, e := range n.group.pairs {
			h = max(h, e[0].height(), e[1].height())
		}
	}
	return h + 1
}

// copy returns a deep copy of what the parser made.
func (n *node) copy() *node {
	if n == nil {
		return nil
	}
	c := *n
	for _, p := range []**node{&c.lhs, &c.rhs, &c.proc, &c.cond, &c.then, &c.other, &c.pattern, &c.update, &c.remove, &c.body} {
		*p = (*p).copy()
	}
	c.list = make([]*node, len(n.list))
	for i, e := range n.list {
		c.list[i] = e.copy()
	}
	c.pairs = make([][2]*node, len(n.pairs))
	for i, e := range n.pairs {
		c.pairs[i] = [2]*node{e[0].copy(), e[1].copy()}
	}
	c.terms = make([]sortTerm, len(n.terms))
	for i, e := range n.terms {
		c.terms[i] = sortTerm{e.descending, e.expr.copy()}
	}
	return &c
}
