package broker

import "iter"

// names is a map that costs little while it holds little: most sessions have one subscription or a few, and the smallest
// map that Go makes takes as much as ten of them. The zero value is ready and holds no memory.
type names[V any] struct {
	few  []named[V] // while there are at most fewNames
	many map[string]V
}

type named[V any] struct {
	name string
	v    V
}

const fewNames = 8

func (m *names[V]) len() int { return len(m.few) + len(m.many) }

// get is the value of a name, or the zero value.
func (m *names[V]) get(name string) (v V) {
	if m.many != nil {
		return m.many[name]
	}
	for i := range m.few {
		if m.few[i].name == name {
			return m.few[i].v
		}
	}
	return v
}

// set gives a name a value. An old one's string is replaced, too.
func (m *names[V]) set(name string, v V) {
	if m.many != nil {
		delete(m.many, name)
		m.many[name] = v
		return
	}
	for i := range m.few {
		if m.few[i].name == name {
			m.few[i] = named[V]{name, v}
			return
		}
	}
	if len(m.few) < fewNames {
		m.few = append(m.few, named[V]{name, v})
		return
	}
	m.many = make(map[string]V, 2*fewNames)
	for _, n := range m.few {
		m.many[n.name] = n.v
	}
	m.many[name], m.few = v, nil
}

// drop forgets a name. A map that has become empty is let go.
func (m *names[V]) drop(name string) {
	if m.many != nil {
		if delete(m.many, name); len(m.many) == 0 {
			m.many = nil
		}
		return
	}
	for i := range m.few {
		if m.few[i].name == name {
			last := len(m.few) - 1
			m.few[i], m.few[last] = m.few[last], named[V]{}
			if m.few = m.few[:last]; last == 0 {
				m.few = nil
			}
			return
		}
	}
}

// all are the names with their values, in no order. Meanwhile none may be changed but the one in hand, which may be
// dropped.
func (m *names[V]) all() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for i := len(m.few) - 1; i >= 0; i-- { // from the end: drop puts the last one in place of the one in hand
			if n := m.few[i]; !yield(n.name, n.v) {
				return
			}
		}
		for name, v := range m.many {
			if !yield(name, v) {
				return
			}
		}
	}
}
