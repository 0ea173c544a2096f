package jsonata

import (
	"math"

	"tsunagi/internal/flow/value"
)

// path is a compiled path. Steps up to plain are bare names, which an object without arrays
// on the way answers without making a sequence.
type path struct {
	steps    []*step
	plain    int
	variable bool // the first step is a variable: an array is its context as a whole
	tuple    bool // the path around wants the tuples, for its %
	keep     bool
	group    *grouping
}

// step is one step of a path.
type step struct {
	code   eval
	name   string // of a bare name
	sort   *sorter
	stages []compiledStage
	tuple  bool
	cons   bool

	focus, index string
	ancestor     *slot
}

type compiledStage struct {
	filter *filter // nil: bind the index
	index  string
}

func compilePath(n *node) eval {
	p := &path{tuple: n.tuple, keep: n.keepSingle, variable: n.list[0].kind == kVariable}
	for _, s := range n.list {
		p.steps = append(p.steps, compileStep(s))
	}
	for p.plain < len(p.steps) && p.steps[p.plain].name != "" {
		p.plain++
	}
	if n.group != nil {
		p.group = newGrouping(n.group.pairs, n.group.pos)
	}
	if p.plain == 1 && len(p.steps) == 1 && !p.keep && p.group == nil {
		return p.field(p.steps[0].name)
	}
	return p.eval
}

// field is a path of one name.
func (p *path) field(name string) eval {
	return func(r *run, in value.Value, env *frame) value.Value {
		if in.Is(value.Object) {
			return in.Map().Get(name)
		}
		return p.eval(r, in, env)
	}
}

func compileStep(n *node) *step {
	s := &step{tuple: n.tuple, cons: n.consArray, focus: n.focus, index: n.index, ancestor: n.ancestor}
	for _, st := range n.stages {
		c := compiledStage{index: st.index}
		if st.expr != nil {
			c.filter = newFilter(st.expr)
		}
		s.stages = append(s.stages, c)
	}
	if n.kind == kSort {
		s.sort = newSorter(n)
		return s
	}
	s.code = compile(n)
	if n.kind == kName && !n.tuple && !n.keepArray && n.value != "" && n.stages == nil && n.predicate == nil && n.group == nil {
		s.name = n.value
	}
	return s
}

func (p *path) eval(r *run, in value.Value, env *frame) value.Value {
	cur := in
	i := 0
	if !in.Is(value.Array) {
		for i < p.plain && !cur.Is(value.Array) {
			cur = r.lookup(cur, p.steps[i].name)
			if !cur.Defined() {
				break
			}
			i++
		}
		if i == len(p.steps) || i < p.plain && !cur.Defined() {
			return p.finish(r, cur, nil, env)
		}
	}
	items := []value.Value{cur}
	if l := cur.List(); l != nil && (i > 0 || !p.variable) {
		items = itemsOf(cur)
	}
	return p.walk(r, i, items, env)
}

// walk takes the steps from number i on.
func (p *path) walk(r *run, i int, items []value.Value, env *frame) value.Value {
	var ts *tuples
	var out value.Value
	streaming := false
	for ; i < len(p.steps); i++ {
		s := p.steps[i]
		streaming = streaming || s.tuple
		switch {
		case i == 0 && s.cons:
			out = s.code(r, plainArray(items), env)
		case streaming:
			ts = s.stream(r, items, ts, env)
		default:
			out = s.apply(r, items, env, i == len(p.steps)-1)
		}
		if !r.tick() {
			return value.Value{}
		}
		if streaming && (ts != nil || s.focus != "") {
			continue
		}
		l := out.List()
		if !streaming && !out.Defined() || l != nil && l.Len() == 0 {
			break
		}
		items = itemsOf(out)
		if l == nil && i+1 < len(p.steps) && p.steps[i+1].sort == nil {
			// Of an array literal: the original walks the characters of a string, and nothing else.
			items = characters(out)
		}
	}
	return p.finish(r, out, ts, env)
}

func characters(v value.Value) (out []value.Value) {
	for _, c := range v.Str() {
		out = append(out, value.Str(string(c)))
	}
	return out
}

func (p *path) finish(r *run, out value.Value, ts *tuples, env *frame) value.Value {
	if ts != nil && !p.tuple {
		out = ts.values(r)
	}
	if ts != nil && p.tuple {
		out = value.Opaque(ts)
	} else if p.keep {
		out = kept(out)
	}
	if p.group == nil {
		return out
	}
	if ts != nil {
		return p.group.tuples(r, ts, env)
	}
	return p.group.apply(r, out, env)
}

// kept makes of what [] stands behind a sequence that stays an array.
func kept(v value.Value) value.Value {
	l := v.List()
	if l == nil {
		if v.Defined() {
			return marked([]value.Value{v}, markSequence|markKeep)
		}
		return v
	}
	if m := l.Mark(); m&markCons != 0 && m&markSequence == 0 {
		return marked([]value.Value{v}, markSequence|markKeep)
	} else if m&markSequence != 0 {
		l.SetMark(m | markKeep)
	}
	return v
}

// apply takes one step for each item and flattens the answers.
func (s *step) apply(r *run, items []value.Value, env *frame, last bool) value.Value {
	if s.sort != nil {
		out := s.sort.values(r, items, env)
		for _, st := range s.stages {
			out = st.filter.apply(r, out, env)
		}
		return out
	}
	out := make([]value.Value, 0, len(items))
	var first value.Value
	answers := 0
	for _, it := range items {
		var v value.Value
		if s.name != "" && it.Is(value.Object) {
			v = it.Map().Get(s.name)
		} else {
			v = s.code(r, it, env)
		}
		for i := range s.stages {
			v = s.stages[i].filter.apply(r, v, env)
		}
		if !r.tick() {
			return value.Value{}
		}
		if !v.Defined() {
			continue
		}
		if answers++; answers == 1 {
			first = v
		}
		if l := v.List(); l == nil || l.Mark()&markCons != 0 {
			out = r.push(out, v)
		} else {
			out = r.pushAll(out, l)
		}
	}
	if last && answers == 1 {
		if l := first.List(); l != nil && l.Mark()&markSequence == 0 {
			return first
		}
	}
	return sequence(out...)
}

// filter is a compiled predicate.
type filter struct {
	code    eval
	literal bool
	index   float64
}

func newFilter(n *node) *filter {
	if n.isLiteral(value.Number) {
		return &filter{literal: true, index: math.Floor(n.lit.Num())}
	}
	return &filter{code: compile(n)}
}

func (f *filter) apply(r *run, in value.Value, env *frame) value.Value {
	if ts := tuplesOf(in); ts != nil {
		return value.Opaque(f.tuples(r, ts, env))
	}
	if f.literal {
		return f.pick(in)
	}
	if r.err != nil {
		return value.Value{}
	}
	var out []value.Value
	list := in.List()
	n := 1
	if list != nil {
		n = list.Len()
	}
	for i := range n {
		it := in
		if list != nil {
			it = list.At(i)
		}
		for range f.hits(r, it, i, n, env) {
			out = r.push(out, it)
		}
		if !r.tick() {
			return value.Value{}
		}
	}
	return sequence(out...)
}

func (f *filter) pick(in value.Value) value.Value {
	l := in.List()
	if l == nil {
		if in.Defined() && (f.index == 0 || f.index == -1) {
			return sequence(in.Clone())
		}
		return sequence()
	}
	i := f.index
	if i < 0 {
		i += float64(l.Len())
	}
	if i < 0 || i >= float64(l.Len()) {
		return sequence()
	}
	v := l.At(int(i))
	switch {
	case v.Is(value.Array):
		return v
	case v.Defined():
		return sequence(v.Clone())
	}
	return sequence()
}

// hits says how often item i of n is chosen: numbers choose by index, all else by truth.
func (f *filter) hits(r *run, it value.Value, i, n int, env *frame) int {
	v := f.code(r, it, env)
	if r.err != nil {
		return 0
	}
	if r.numeric(v) {
		return hit(v.Num(), i, n)
	}
	if l := v.List(); l != nil && l.Len() > 0 {
		count := 0
		for _, e := range l.All() {
			if !r.numeric(e) {
				return asCount(r.truth(v))
			}
			count += hit(e.Num(), i, n)
		}
		return count
	}
	return asCount(!v.Is(value.Array) && r.truth(v))
}

func hit(index float64, i, n int) int {
	index = math.Floor(index)
	if index < 0 {
		index += float64(n)
	}
	return asCount(index == float64(i))
}

func asCount(b bool) int {
	if b {
		return 1
	}
	return 0
}
