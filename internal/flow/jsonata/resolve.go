package jsonata

import (
	"strconv"

	"tsunagi/internal/flow/value"
)

// resolver turns what the parser read into paths of steps and finds the step whose value
// each % means. It panics with *Error, as the parser does.
type resolver struct{ labels int }

func (r *resolver) resolve(n *node) *node {
	out := r.byKind(n)
	if n.keepArray {
		out.keepArray = true
	}
	return out
}

func (r *resolver) byKind(n *node) *node {
	switch n.kind {
	case kBinary:
		return r.binary(n)
	case kUnary:
		return r.unary(n)
	case kName:
		return &node{kind: kPath, list: []*node{n}, keepSingle: n.keepArray}
	case kParent:
		n.pos = 0 // paths and parents have none in the original
		n.slot = &slot{label: "!" + strconv.Itoa(r.labels), level: 1, owner: n}
		r.labels++
	case kFunction, kPartial:
		for i, a := range n.list {
			n.list[i] = r.resolve(a)
			n.seekAlso(n.list[i])
		}
		n.proc = r.resolve(n.proc)
	case kLambda:
		n.body = markTail(r.resolve(n.body))
	case kCondition:
		n.cond = r.resolve(n.cond)
		n.seekAlso(n.cond)
		n.then = r.resolve(n.then)
		n.seekAlso(n.then)
		if n.other != nil {
			n.other = r.resolve(n.other)
			n.seekAlso(n.other)
		}
	case kTransform:
		n.pattern, n.update = r.resolve(n.pattern), r.resolve(n.update)
		if n.remove != nil {
			n.remove = r.resolve(n.remove)
		}
	case kBlock:
		for i, e := range n.list {
			e = r.resolve(e)
			n.list[i] = e
			n.seekAlso(e)
			if e.consArray || e.kind == kPath && e.list[0].consArray {
				n.consArray = true
			}
		}
	case kOperator:
		switch n.value {
		case "and", "or", "in":
			n.kind = kName
			return r.resolve(n)
		case "?":
		default:
			panic(&Error{Code: "S0201", Position: n.pos, Token: n.value})
		}
	case kEnd:
		panic(&Error{Code: "S0207", Position: n.pos, Token: n.value})
	}
	return n
}

func (r *resolver) unary(n *node) *node {
	switch n.value {
	case "[":
		for i, e := range n.list {
			n.list[i] = r.resolve(e)
			n.seekAlso(n.list[i])
		}
	case "{":
		r.pairs(n.pairs, n)
	default:
		n.lhs = r.resolve(n.lhs)
		if n.lhs.isLiteral(value.Number) {
			lit := n.lhs
			lit.lit = value.Num(-lit.lit.Num())
			return lit
		}
		n.seekAlso(n.lhs)
	}
	return n
}

// pairs resolves keys and values; owner, if any, takes over what they seek.
func (r *resolver) pairs(pairs [][2]*node, owner *node) {
	for i := range pairs {
		for j := range pairs[i] {
			pairs[i][j] = r.resolve(pairs[i][j])
			if owner != nil {
				owner.seekAlso(pairs[i][j])
			}
		}
	}
}

func (r *resolver) binary(n *node) *node {
	switch n.value {
	case ".":
		return r.path(n)
	case "[":
		return r.predicate(n)
	case "{":
		out := r.resolve(n.lhs)
		if out.group != nil {
			panic(&Error{Code: "S0210", Position: n.pos})
		}
		r.pairs(n.pairs, nil)
		out.group = &group{n.pairs, n.pos}
		return out
	case "^":
		return r.order(n)
	case ":=":
		n.kind = kBind
		n.rhs = r.resolve(n.rhs)
		n.seekAlso(n.rhs)
		return n
	case "@":
		return r.focus(n)
	case "#":
		return r.position(n)
	case "~>":
		n.kind = kApply
		n.lhs, n.rhs = r.resolve(n.lhs), r.resolve(n.rhs)
		n.keepArray = n.keepArray || n.lhs.keepArray || n.rhs.keepArray
		return n
	}
	n.lhs, n.rhs = r.resolve(n.lhs), r.resolve(n.rhs)
	n.seekAlso(n.lhs)
	n.seekAlso(n.rhs)
	return n
}

func (r *resolver) path(n *node) *node {
	out := r.resolve(n.lhs)
	if out.kind != kPath {
		first := out
		out = &node{kind: kPath, list: []*node{first}}
		if first.kind == kParent {
			out.seeking = []*slot{first.slot}
		}
	}
	rest := r.resolve(n.rhs)
	if rest.kind == kPath {
		out.list = append(out.list, rest.list...)
	} else {
		if rest.predicate != nil {
			rest.stages, rest.predicate = rest.predicate, nil
		}
		out.list = append(out.list, rest)
	}
	for _, s := range out.list {
		if s.kind == kLiteral {
			if !s.lit.Is(value.String) {
				panic(&Error{Code: "S0213", Position: s.pos, Value: s.lit})
			}
			s.kind, s.value = kName, s.lit.Str()
		}
		out.keepSingle = out.keepSingle || s.keepArray
	}
	for _, s := range []*node{out.list[0], out.last()} {
		if s.kind == kUnary && s.value == "[" {
			s.consArray = true
		}
	}
	r.ancestry(out)
	return out
}

func (n *node) last() *node { return n.list[len(n.list)-1] }

// step is the node itself or the last step of a path.
func (n *node) step() *node {
	if n.kind == kPath {
		return n.last()
	}
	return n
}

func (r *resolver) predicate(n *node) *node {
	out := r.resolve(n.lhs)
	step := out.step()
	if step.group != nil || out.group != nil && out == step {
		panic(&Error{Code: "S0209", Position: n.pos})
	}
	pred := r.resolve(n.rhs)
	if len(pred.seeking) > 0 {
		for _, s := range pred.seeking {
			if s.level == 1 {
				seek(step, s)
			} else {
				s.level--
			}
		}
		step.seekAlso(pred)
	}
	st := stage{expr: pred, pos: n.pos}
	if out.kind == kPath {
		step.stages = append(step.stages, st)
	} else {
		step.predicate = append(step.predicate, st)
	}
	return out
}

func (r *resolver) order(n *node) *node {
	out := r.resolve(n.lhs)
	if out.kind != kPath {
		out = &node{kind: kPath, list: []*node{out}}
	}
	s := &node{kind: kSort, pos: n.pos, terms: n.terms}
	for i := range s.terms {
		s.terms[i].expr = r.resolve(s.terms[i].expr)
		s.seekAlso(s.terms[i].expr)
	}
	out.list = append(out.list, s)
	r.ancestry(out)
	return out
}

func (r *resolver) focus(n *node) *node {
	out := r.resolve(n.lhs)
	step := out.step()
	switch {
	case step.stages != nil || step.predicate != nil:
		panic(&Error{Code: "S0215", Position: n.pos})
	case step.kind == kSort:
		panic(&Error{Code: "S0216", Position: n.pos})
	}
	step.keepArray = step.keepArray || n.keepArray
	step.focus, step.tuple = n.rhs.value, true
	return out
}

func (r *resolver) position(n *node) *node {
	out := r.resolve(n.lhs)
	step := out.step()
	if out.kind != kPath {
		out = &node{kind: kPath, list: []*node{out}}
		step.stages, step.predicate = step.predicate, nil
	}
	if step.stages == nil {
		step.index = n.rhs.value
	} else {
		step.stages = append(step.stages, stage{index: n.rhs.value, pos: n.pos})
	}
	step.tuple = true
	return out
}

// markTail finds the calls in tail position, which need no stack of their own.
func markTail(n *node) *node {
	if n.predicate != nil || n.group != nil {
		return n
	}
	switch n.kind {
	case kFunction:
		n.tail = true
	case kCondition:
		markTail(n.then)
		if n.other != nil {
			markTail(n.other)
		}
	case kBlock:
		if len(n.list) > 0 {
			markTail(n.last())
		}
	}
	return n
}
