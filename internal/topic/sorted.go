package topic

import "slices"

// sorted is an ordered list of names with their values: a list of chunks, each an ordered list of items. An item costs
// its own size and at most as much again in spare room; finding one is a binary search over chunks and one in a chunk.
type sorted[T any] struct {
	chunks [][]item[T] // none is empty
	length int
}

type item[T any] struct {
	name string
	v    T
}

// A chunk is split when it grows over maxChunk; two neighbours are joined when both together fall below minChunk.
const (
	maxChunk = 512
	minChunk = maxChunk / 4
)

// place is a position in the list: a chunk and an index in it.
type place struct{ chunk, index int }

// seek finds the first item whose name is not before key; the place may be the end.
func seek[T any, S string | []byte](s *sorted[T], key S) (p place, found bool) {
	chunk, begins := slices.BinarySearchFunc(s.chunks, key, func(c []item[T], key S) int {
		return compare(c[0].name, key)
	})
	if begins {
		return place{chunk, 0}, true
	}
	if chunk == 0 {
		return place{}, false
	}
	return seekIn(s, place{chunk - 1, 0}, key)
}

// seekIn is seek beginning at a place of which the caller knows that it isn't behind the answer. It is quick when the
// answer stands in the same chunk.
func seekIn[T any, S string | []byte](s *sorted[T], from place, key S) (p place, found bool) {
	c := s.chunks[from.chunk]
	if compare(c[len(c)-1].name, key) < 0 {
		if next := from.chunk + 1; next == len(s.chunks) || compare(s.chunks[next][0].name, key) >= 0 {
			p = place{next, 0}
			return p, next < len(s.chunks) && compare(s.chunks[next][0].name, key) == 0
		}
		return seek(s, key)
	}
	i, found := slices.BinarySearchFunc(c[from.index:], key, func(it item[T], key S) int {
		return compare(it.name, key)
	})
	return place{from.chunk, from.index + i}, found
}

// at returns the item at p, or nil at the end.
func (s *sorted[T]) at(p place) *item[T] {
	if p.chunk == len(s.chunks) {
		return nil
	}
	return &s.chunks[p.chunk][p.index]
}

// after is the place behind p, which isn't the end.
func (s *sorted[T]) after(p place) place {
	if p.index++; p.index == len(s.chunks[p.chunk]) {
		return place{p.chunk + 1, 0}
	}
	return p
}

// insert puts it at p, where seek didn't find its name.
func (s *sorted[T]) insert(p place, it item[T]) {
	s.length++
	switch {
	case len(s.chunks) == 0:
		s.chunks = append(s.chunks, []item[T]{it})
		return
	case p.index == 0 && p.chunk > 0: // the end of the chunk before is as right, and no first name changes
		p = place{p.chunk - 1, len(s.chunks[p.chunk-1])}
	}
	c := slices.Insert(s.chunks[p.chunk], p.index, it)
	s.chunks[p.chunk] = c
	if len(c) <= maxChunk {
		return
	}
	half := len(c) / 2
	if p.index == len(c)-1 {
		half = len(c) - 1 // names that come in order fill their chunks
	}
	upper := slices.Clone(c[half:])
	clear(c[half:])
	s.chunks[p.chunk] = c[:half]
	s.chunks = slices.Insert(s.chunks, p.chunk+1, upper)
}

// remove takes out the item at p.
func (s *sorted[T]) remove(p place) {
	s.length--
	s.chunks[p.chunk] = slices.Delete(s.chunks[p.chunk], p.index, p.index+1)
	left := max(0, p.chunk-1)
	if len(s.chunks[p.chunk]) == 0 {
		s.chunks = slices.Delete(s.chunks, p.chunk, p.chunk+1)
		return
	}
	if left+1 < len(s.chunks) && len(s.chunks[left])+len(s.chunks[left+1]) < minChunk {
		s.chunks[left] = slices.Concat(s.chunks[left], s.chunks[left+1])
		s.chunks = slices.Delete(s.chunks, left+1, left+2)
	}
}

// compare orders names level by level: "/" comes before every other byte, so that everything below a level follows it
// without a gap ("a", "a/b", "a!").
func compare[S string | []byte](name string, key S) int {
	for i := range min(len(name), len(key)) {
		if a, b := name[i], key[i]; a != b {
			return rank(a) - rank(b)
		}
	}
	return len(name) - len(key)
}

func rank(b byte) int {
	if b == '/' {
		return 0
	}
	return int(b) + 1
}
