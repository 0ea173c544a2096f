package sequence

import (
	"math"
	"slices"
	"sort"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes/function"
	"tsunagi/internal/flow/value"
)

// sorter sorts the elements of an array, or the messages of a sequence.
type sorter struct {
	flow.Emitter
	b       *flow.Base
	array   bool // elements of an array are sorted
	target  *value.Path
	err     error           // the target is no path
	exp     flow.Expression // what to sort by; nil for the element, or key
	key     *value.Path
	down    bool
	numbers bool
	groups  map[string]*unsorted
	pending int
	order   uint64
}

// unsorted is a sequence that is not complete.
type unsorted struct {
	count value.Value
	msgs  []*flow.Msg
	kept  int
	order uint64
}

// Sort sorts arrays and sequences.
func Sort() flow.Type {
	return flow.Type{Name: "sort", New: newSort, Fields: []string{"order", "as_num", "target", "targetType", "msgKey", "msgKeyType", "seqKey", "seqKeyType"}}
}

func newSort(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &sorter{b: b, array: c.Str("targetType") == "msg", down: c.StrOr("order", "ascending") != "ascending",
		numbers: c.Get("as_num").Truthy(), groups: map[string]*unsorted{}}
	n.Base, n.Handle = b, n.message
	n.target, n.err = value.ParseMessagePath(c.StrOr("target", "payload"))
	n.key, _ = value.ParseMessagePath(c.StrOr("seqKey", "payload")) // what is no path fails when it is used
	key, typ := c.Str("seqKey"), c.Str("seqKeyType")
	if n.array {
		key, typ = c.Str("msgKey"), c.Str("msgKeyType")
	}
	if typ == "jsonata" {
		var err error
		if n.exp, err = b.Expression(key); err != nil {
			b.Error(invalid(err), nil)
			return deaf{}, nil
		}
	}
	return n, nil
}

func invalid(err error) error {
	return flow.Text("Invalid JSONata expression in sort node: " + function.Thrown(err).Error())
}

func (n *sorter) message(m *flow.Msg) {
	if n.array {
		n.sortArray(m)
		return
	}
	parts := m.Get("parts")
	if !has(parts, "id") || !has(parts, "index") {
		n.b.Done(m, nil)
		return
	}
	size := m.Size()
	if err := n.b.Keep(size); err != nil {
		n.b.Done(m, err)
		return
	}
	id := property(parts, "id").Text()
	g := n.groups[id]
	if g == nil {
		g = &unsorted{order: n.order}
		n.order++
		n.groups[id] = g
	}
	g.msgs = append(g.msgs, m)
	g.kept += size
	n.pending++
	if has(parts, "count") {
		g.count = property(parts, "count")
	}
	if g.count.Is(value.Number) && g.count.Num() == float64(len(g.msgs)) {
		n.pending -= len(g.msgs)
		n.b.Release(g.kept)
		delete(n.groups, id)
		n.sortGroup(g, m)
	} else if limit := n.b.Options().MaxBuffered; limit > 0 && n.pending > limit {
		n.dropOldest()
	}
}

// sortArray sorts the elements of an array; a message without one goes no further.
func (n *sorter) sortArray(m *flow.Msg) {
	v, ok := n.b.At(m, n.target, n.err)
	if !ok {
		return
	}
	l := v.List()
	if l == nil {
		n.b.Done(m, nil)
		return
	}
	items, keys := make([]value.Value, 0, l.Len()), make([]value.Value, 0, l.Len())
	for _, e := range l.All() {
		key := e
		if n.exp != nil {
			var err error
			if key, err = n.exp.(flow.ValueExpression).EvalOn(e); err != nil {
				n.b.Done(m, invalid(err))
				return
			}
		}
		items, keys = append(items, e), append(keys, key)
	}
	sorted := make([]value.Value, len(items))
	for i, from := range n.sorted(keys) {
		sorted[i] = items[from]
	}
	_, _ = m.SetPath(n.target, value.NewList(sorted...).Value(), true) // it was there
	n.b.Send(m)
	n.b.Done(m, nil)
}

// sortGroup sends the messages of a sequence in order; last is the one that completed it.
func (n *sorter) sortGroup(g *unsorted, last *flow.Msg) {
	keys := make([]value.Value, len(g.msgs))
	for i, m := range g.msgs {
		var err error
		switch {
		case n.exp != nil:
			if keys[i], err = n.exp.Eval(m, nil); err != nil {
				n.b.Done(last, invalid(err))
				for _, m := range g.msgs[:len(g.msgs)-1] {
					n.b.Done(m, nil)
				}
				return
			}
		case n.key == nil:
			err = typeError("")
		default:
			keys[i], err = m.GetPath(n.key)
		}
		if err != nil && len(g.msgs) > 1 { // what Node-RED says of it
			n.b.Error(typeError("Cannot read properties of undefined (reading 'catch')"), last)
			return
		}
	}
	order := n.sorted(keys)
	var sent *flow.Msg
	next := func(i int) *flow.Msg {
		if sent != nil {
			n.b.Done(sent, nil)
		}
		m := g.msgs[order[i]]
		sent = m
		m.Set("parts", m.Get("parts").Own().Map().Set("index", value.Int(i)).Value())
		return m
	}
	n.Emit(len(order), next, func() { n.b.Done(sent, nil) })
}

// dropOldest gives the oldest sequence up.
func (n *sorter) dropOldest() {
	var (
		oldest *unsorted
		key    string
	)
	for id, g := range n.groups {
		if oldest == nil || g.order < oldest.order {
			oldest, key = g, id
		}
	}
	if oldest == nil {
		return
	}
	last := len(oldest.msgs) - 1
	n.b.Done(oldest.msgs[last], flow.Text("Too many pending messages in sort node"))
	for _, m := range oldest.msgs[:last] {
		n.b.Done(m, nil)
	}
	delete(n.groups, key)
	n.b.Release(oldest.kept)
	n.pending -= len(oldest.msgs)
}

// Close forgets what is kept.
func (n *sorter) Close(_ bool, done func()) {
	for _, g := range n.groups {
		n.b.Log("clear pending message in sort node")
		for _, m := range g.msgs {
			n.b.Done(m, nil)
		}
	}
	n.groups = map[string]*unsorted{}
	n.Stop()
	done()
}

// sorted returns the indexes of keys in their order.
func (n *sorter) sorted(keys []value.Value) []int {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
		if n.numbers {
			keys[i] = value.Num(keys[i].ToNumber())
		}
	}
	cmp := func(i, j int) int { return n.compare(keys[i], keys[j]) }
	if len(order) < shortSort {
		insertionSort(order, cmp)
	} else {
		sort.SliceStable(order, func(i, j int) bool { return cmp(order[i], order[j]) < 0 })
	}
	return order
}

// compare is Node-RED's: what is neither the same nor more is less, so that for values that
// can't be compared the algorithm decides.
func (n *sorter) compare(a, b value.Value) int {
	dir := 1
	if n.down {
		dir = -1
	}
	if value.Same(a, b) && !math.IsNaN(a.Num()) {
		return 0
	}
	if less, ok := value.Less(b, a); ok && less {
		return dir
	}
	return -dir
}

// shortSort is the length below which V8 sorts by binary insertion.
const shortSort = 33

// insertionSort is what V8 does to a short array: it takes the run at the beginning and puts
// the others in by binary search. It shows where comparisons contradict each other.
func insertionSort(a []int, cmp func(i, j int) int) {
	if len(a) < 2 {
		return
	}
	run := 2
	if down := cmp(a[1], a[0]) < 0; down {
		for run < len(a) && cmp(a[run], a[run-1]) < 0 {
			run++
		}
		slices.Reverse(a[:run])
	} else {
		for run < len(a) && cmp(a[run], a[run-1]) >= 0 {
			run++
		}
	}
	for i := run; i < len(a); i++ {
		pivot, low, high := a[i], 0, i
		for low < high {
			mid := low + (high-low)/2
			if cmp(pivot, a[mid]) < 0 {
				high = mid
			} else {
				low = mid + 1
			}
		}
		copy(a[low+1:i+1], a[low:i])
		a[low] = pivot
	}
}
