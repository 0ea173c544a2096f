package topic

import "slices"

// values are the values of one filter in the order of their Add. Most filters have one, which stands in the node itself.
type values[T comparable] struct {
	one  T // when lone
	lone bool
	more *several[T] // two or more, or what is left of them; nil when lone
}

// several are a plain list while they are few, and a crowd when a hundred thousand clients subscribe to the same filter
// and each of them may leave at any time.
type several[T comparable] struct {
	few   []T
	crowd *crowd[T] // when not nil, few is nil
}

const fewValues = 32

// crowd has an index for add and remove in constant time. Removed values leave holes that are closed when they are
// half of all.
type crowd[T comparable] struct {
	seats []seat[T]
	at    map[T]int // value -> its seat
}

type seat[T comparable] struct {
	v     T
	taken bool
}

func (s *values[T]) add(v T) bool {
	switch {
	case s.more != nil:
		return s.more.add(v)
	case !s.lone:
		s.one, s.lone = v, true
		return true
	case s.one == v:
		return false
	}
	s.more = &several[T]{few: []T{s.one, v}}
	s.drop()
	return true
}

// drop forgets the lone value.
func (s *values[T]) drop() {
	var zero T
	s.one, s.lone = zero, false
}

func (s *values[T]) remove(v T) bool {
	if s.more == nil {
		found := s.lone && s.one == v
		if found {
			s.drop()
		}
		return found
	}
	found := s.more.remove(v)
	if s.more.empty() {
		s.more = nil
	}
	return found
}

func (s *values[T]) empty() bool { return !s.lone && s.more == nil }

func (s *values[T]) appendTo(dst []T) []T {
	if s.lone {
		return append(dst, s.one)
	}
	if s.more != nil {
		return s.more.appendTo(dst)
	}
	return dst
}

func (s *several[T]) add(v T) bool {
	if s.crowd != nil {
		return s.crowd.add(v)
	}
	if slices.Contains(s.few, v) {
		return false
	}
	if len(s.few) < fewValues {
		s.few = append(s.few, v)
		return true
	}
	s.crowd = &crowd[T]{at: make(map[T]int, 2*fewValues)}
	for _, old := range s.few {
		s.crowd.add(old)
	}
	s.few = nil
	return s.crowd.add(v)
}

func (s *several[T]) remove(v T) bool {
	if s.crowd == nil {
		i := slices.Index(s.few, v)
		if i < 0 {
			return false
		}
		if s.few = slices.Delete(s.few, i, i+1); len(s.few) == 0 {
			s.few = nil
		}
		return true
	}
	if !s.crowd.remove(v) {
		return false
	}
	if len(s.crowd.at) <= fewValues/2 {
		s.few, s.crowd = s.crowd.appendTo(nil), nil
	}
	return true
}

func (s *several[T]) empty() bool { return len(s.few) == 0 && s.crowd == nil }

func (s *several[T]) appendTo(dst []T) []T {
	if s.crowd != nil {
		return s.crowd.appendTo(dst)
	}
	return append(dst, s.few...)
}

func (c *crowd[T]) add(v T) bool {
	if _, ok := c.at[v]; ok {
		return false
	}
	c.at[v] = len(c.seats)
	c.seats = append(c.seats, seat[T]{v, true})
	return true
}

func (c *crowd[T]) remove(v T) bool {
	i, ok := c.at[v]
	if !ok {
		return false
	}
	delete(c.at, v)
	c.seats[i] = seat[T]{}
	if len(c.seats) < 2*len(c.at) || len(c.seats) < fewValues {
		return true
	}
	kept := make([]seat[T], 0, 2*len(c.at))
	for _, s := range c.seats {
		if s.taken {
			c.at[s.v] = len(kept)
			kept = append(kept, s)
		}
	}
	c.seats = kept
	return true
}

func (c *crowd[T]) appendTo(dst []T) []T {
	for i := range c.seats {
		if c.seats[i].taken {
			dst = append(dst, c.seats[i].v)
		}
	}
	return dst
}
