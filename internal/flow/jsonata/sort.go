package jsonata

import "tsunagi/internal/flow/value"

// sorter is the ^( ) step.
type sorter struct {
	terms []struct {
		code       eval
		descending bool
	}
	pos int
}

func newSorter(n *node) *sorter {
	s := &sorter{pos: n.pos}
	for _, t := range n.terms {
		s.terms = append(s.terms, struct {
			code       eval
			descending bool
		}{compile(t.expr), t.descending})
	}
	return s
}

// keyed is an item with the values of the terms, each evaluated when it is first needed.
type keyed struct {
	tuple tuple
	env   *frame
	keys  []value.Value
	have  int
}

func (s *sorter) key(r *run, k *keyed, i int) value.Value {
	for k.have <= i {
		k.keys = append(k.keys, s.terms[k.have].code(r, k.tuple.at, k.env))
		k.have++
	}
	return k.keys[i]
}

// after says whether a comes behind b.
func (s *sorter) after(r *run, a, b *keyed) bool {
	for i := range s.terms {
		x, y := s.key(r, a, i), s.key(r, b, i)
		if !r.tick() {
			return false
		}
		switch {
		case !x.Defined() && !y.Defined():
			continue
		case !x.Defined():
			return true
		case !y.Defined():
			return false
		case !comparable(x) || !comparable(y):
			at := x
			if comparable(x) {
				at = y
			}
			r.fail(&Error{Code: "T2008", Position: s.pos, Value: at})
			return false
		case x.Kind() != y.Kind():
			r.fail(&Error{Code: "T2007", Position: s.pos, Value: x, Other: y})
			return false
		}
		if value.Same(x, y) {
			continue
		}
		less, _ := value.Less(x, y)
		return less == s.terms[i].descending
	}
	return false
}

// values sorts items; a single one is not looked at.
func (s *sorter) values(r *run, items []value.Value, env *frame) value.Value {
	if len(items) <= 1 {
		return sequence(items...)
	}
	list := make([]*keyed, len(items))
	for i, it := range items {
		list[i] = &keyed{tuple: tuple{at: it}, env: env}
	}
	list = mergeSort(list, func(a, b *keyed) bool { return s.after(r, a, b) })
	out := make([]value.Value, len(list))
	for i, k := range list {
		out[i] = k.tuple.at.Clone()
	}
	return plainArray(out)
}

func (s *sorter) tuples(r *run, ts *tuples, env *frame) *tuples {
	if len(ts.list) <= 1 {
		return ts
	}
	list := make([]*keyed, len(ts.list))
	for i := range ts.list {
		list[i] = &keyed{tuple: ts.list[i], env: ts.list[i].frame(env)}
	}
	list = mergeSort(list, func(a, b *keyed) bool { return s.after(r, a, b) })
	out := &tuples{list: make([]tuple, len(list))}
	for i, k := range list {
		out.list[i] = k.tuple
	}
	return out
}

// mergeSort sorts stably. It asks after(a, b) only with a before b in the input, as the
// original does, and stands any answer.
func mergeSort[T any](list []T, after func(a, b T) bool) []T {
	if len(list) <= 1 {
		return list
	}
	mid := len(list) / 2
	left, right := mergeSort(list[:mid], after), mergeSort(list[mid:], after)
	out := make([]T, 0, len(list))
	for len(left) > 0 && len(right) > 0 {
		if after(left[0], right[0]) {
			out, right = append(out, right[0]), right[1:]
		} else {
			out, left = append(out, left[0]), left[1:]
		}
	}
	return append(append(out, left...), right...)
}
