package jsonata

import "tsunagi/internal/flow/value"

// tuples is the stream of a path that binds variables (@, #) or that % looks into: each
// item with what was bound on the way to it.
type tuples struct{ list []tuple }

type tuple struct {
	at   value.Value
	vars []variable
}

func tuplesOf(v value.Value) *tuples {
	if !v.Is(value.Handle) {
		return nil
	}
	ts, _ := v.Handle().(*tuples)
	return ts
}

// values drops what was bound.
func (ts *tuples) values(r *run) value.Value {
	var out []value.Value
	for _, t := range ts.list {
		out = r.push(out, t.at)
	}
	return sequence(out...)
}

// frame makes the variables of the tuple visible.
func (t *tuple) frame(up *frame) *frame {
	f := newFrame(up)
	f.vars = append(f.vars, t.vars...)
	return f
}

func (t *tuple) with(vars ...variable) tuple {
	c := tuple{at: t.at, vars: make([]variable, len(t.vars), len(t.vars)+len(vars))}
	copy(c.vars, t.vars)
	for _, v := range vars {
		c.set(v.name, v.val)
	}
	return c
}

func (t *tuple) set(name string, v value.Value) {
	for i := range t.vars {
		if t.vars[i].name == name {
			t.vars[i].val = v
			return
		}
	}
	t.vars = append(t.vars, variable{name, v})
}

// stream takes one step for each tuple, or for each item when none was made yet.
func (s *step) stream(r *run, items []value.Value, in *tuples, env *frame) *tuples {
	if s.sort != nil {
		return s.staged(r, s.sortStream(r, items, in, env), env)
	}
	if in == nil {
		in = &tuples{}
		for _, it := range items {
			in.list = append(in.list, tuple{at: it})
		}
	}
	out := &tuples{}
	for i := range in.list {
		t := &in.list[i]
		v := s.code(r, t.at, t.frame(env))
		if !r.tick() {
			return out
		}
		if v.Defined() {
			s.extend(r, out, t, v)
		}
	}
	return s.staged(r, out, env)
}

// extend adds the tuples that a step made of t.
func (s *step) extend(r *run, out *tuples, t *tuple, v value.Value) {
	if inner := tuplesOf(v); inner != nil {
		for _, x := range inner.list {
			c := t.with(x.vars...)
			c.at = x.at
			out.add(r, c)
		}
		return
	}
	for i, x := range itemsOf(v) {
		c := t.with()
		if s.focus != "" {
			c.set(s.focus, x)
		} else {
			c.at = x
		}
		if s.index != "" {
			c.set(s.index, value.Int(i))
		}
		if s.ancestor != nil {
			c.set(s.ancestor.label, t.at)
		}
		if !out.add(r, c) {
			return
		}
	}
}

func (ts *tuples) add(r *run, t tuple) bool {
	if len(ts.list) >= r.limits.Sequence {
		r.fail(&Error{Code: "D2015", Value: value.Int(r.limits.Sequence)})
		return false
	}
	t.at = t.at.Clone()
	ts.list = append(ts.list, t)
	return r.tick()
}

func (s *step) sortStream(r *run, items []value.Value, in *tuples, env *frame) *tuples {
	if in != nil {
		return s.sort.tuples(r, in, env)
	}
	out := &tuples{}
	sorted := s.sort.values(r, items, env)
	for i, v := range itemsOf(sorted) {
		t := tuple{at: v}
		if s.index != "" {
			t.set(s.index, value.Int(i))
		}
		out.list = append(out.list, t)
	}
	return out
}

// staged applies the predicates and index bindings of a step to a stream.
func (s *step) staged(r *run, ts *tuples, env *frame) *tuples {
	for _, st := range s.stages {
		if st.filter != nil {
			ts = st.filter.tuples(r, ts, env)
			continue
		}
		for i := range ts.list {
			ts.list[i] = ts.list[i].with(variable{st.index, value.Int(i)})
		}
	}
	return ts
}

func (f *filter) tuples(r *run, ts *tuples, env *frame) *tuples {
	out := &tuples{}
	n := len(ts.list)
	if f.literal {
		i := f.index
		if i < 0 {
			i += float64(n)
		}
		if i >= 0 && i < float64(n) {
			out.list = append(out.list, ts.list[int(i)])
		}
		return out
	}
	for i := range ts.list {
		t := &ts.list[i]
		for range f.hits(r, t.at, i, n, t.frame(env)) {
			out.list = append(out.list, *t)
		}
		if !r.tick() {
			break
		}
	}
	return out
}
