package jsonata

import "tsunagi/internal/flow/value"

// grouping is an object constructor: over the items of a sequence, keys that are equal
// gather their items before the value is evaluated.
type grouping struct {
	pairs []pair
	pos   int
	fixed bool // all keys are literals and differ
}

type pair struct {
	key, val eval
	name     string // literal key
}

func newGrouping(pairs [][2]*node, pos int) *grouping {
	g := &grouping{pos: pos, fixed: true}
	seen := map[string]bool{}
	for _, p := range pairs {
		c := pair{key: compile(p[0]), val: compile(p[1])}
		if p[0].isLiteral(value.String) && p[0].predicate == nil && p[0].group == nil {
			c.name = p[0].lit.Str()
			if seen[c.name] || reserved(c.name) {
				g.fixed = false
			}
			seen[c.name] = true
		} else {
			g.fixed = false
		}
		g.pairs = append(g.pairs, c)
	}
	return g
}

func reserved(key string) bool { return key == "_jsonata_lambda" || key == "_jsonata_function" }

// bucket is one key and the items that gave it.
type bucket struct {
	key   string
	pair  int
	data  value.Value
	items []tuple
}

func (g *grouping) apply(r *run, in value.Value, env *frame) value.Value {
	if r.made++; !r.tick() {
		return value.Value{}
	}
	if ts := tuplesOf(in); ts != nil {
		return g.tuples(r, ts, env)
	}
	l := in.List()
	if g.fixed && (l == nil || l.Len() <= 1) {
		if l != nil {
			in = l.At(0)
		}
		return g.one(r, in, env)
	}
	b := buckets{r: r, g: g}
	items := itemsOf(in)
	if len(items) == 0 {
		items = append(items, value.Value{})
	}
	for _, it := range items {
		b.add(tuple{at: it}, env)
	}
	out := value.NewMap(len(b.list))
	for _, k := range b.sorted() {
		if r.err != nil {
			break
		}
		if v := g.pairs[k.pair].val(r, k.data, env); v.Defined() {
			out.Set(k.key, v.Clone())
		}
	}
	return out.Value()
}

// one makes the object of a single item.
func (g *grouping) one(r *run, in value.Value, env *frame) value.Value {
	out := value.NewMap(len(g.pairs))
	for i := range g.pairs {
		v := g.pairs[i].val(r, in, env)
		if r.err != nil {
			break
		}
		if v.Defined() {
			out.Set(g.pairs[i].name, v.Clone())
		}
	}
	return out.Value()
}

func (g *grouping) tuples(r *run, ts *tuples, env *frame) value.Value {
	b := buckets{r: r, g: g, stream: true}
	for i := range ts.list {
		b.add(ts.list[i], ts.list[i].frame(env))
	}
	out := value.NewMap(len(b.list))
	for _, k := range b.sorted() {
		if r.err != nil {
			break
		}
		t := merged(r, k.items)
		if v := g.pairs[k.pair].val(r, t.at, t.frame(env)); v.Defined() {
			out.Set(k.key, v.Clone())
		}
	}
	return out.Value()
}

// merged makes one tuple of many: each variable holds all its values.
func merged(r *run, list []tuple) tuple {
	t := list[0].with()
	if len(list) == 1 {
		return t
	}
	gather := func(first value.Value, get func(tuple) value.Value) value.Value {
		var out []value.Value
		if first.Defined() {
			out = r.spread(out, first)
		}
		for _, x := range list[1:] {
			if v := get(x); v.Defined() {
				out = r.spread(out, v)
			}
		}
		return plainArray(out)
	}
	t.at = gather(t.at, func(x tuple) value.Value { return x.at })
	for i := range t.vars {
		name := t.vars[i].name
		t.vars[i].val = gather(t.vars[i].val, func(x tuple) value.Value {
			for _, v := range x.vars {
				if v.name == name {
					return v.val
				}
			}
			return value.Value{}
		})
	}
	return t
}

type buckets struct {
	r      *run
	g      *grouping
	list   []bucket
	index  map[string]int
	stream bool
}

// add evaluates the keys for one item.
func (b *buckets) add(t tuple, env *frame) {
	for i := range b.g.pairs {
		k := b.g.pairs[i].key(b.r, t.at, env)
		if !b.r.tick() {
			return
		}
		if !k.Defined() {
			continue
		}
		if !k.Is(value.String) {
			b.r.fail(&Error{Code: "T1003", Position: b.g.pos, Value: k})
			return
		}
		if reserved(k.Str()) {
			b.r.fail(&Error{Code: "D1013", Position: b.g.pos, Value: k})
			return
		}
		b.put(k, i, t)
	}
}

func (b *buckets) put(k value.Value, pair int, t tuple) {
	key := k.Str()
	at, ok := b.index[key]
	if !ok {
		if b.index == nil {
			b.index = make(map[string]int)
		}
		b.index[key] = len(b.list)
		b.list = append(b.list, bucket{key: key, pair: pair, data: t.at, items: []tuple{t}})
		return
	}
	have := &b.list[at]
	if have.pair != pair {
		b.r.fail(&Error{Code: "D1009", Position: b.g.pos, Value: k})
		return
	}
	have.items = append(have.items, t)
}

// sorted gives the buckets in the order of JavaScript's keys, with their items as data.
func (b *buckets) sorted() []bucket {
	order := value.NewMap(len(b.list))
	for i := range b.list {
		k := &b.list[i]
		if !b.stream && len(k.items) > 1 {
			var all []value.Value
			for _, t := range k.items {
				if t.at.Defined() {
					all = b.r.spread(all, t.at)
				}
			}
			k.data = plainArray(all)
		}
		order.Set(k.key, value.Int(i))
	}
	out := make([]bucket, 0, len(b.list))
	for _, i := range order.All() {
		out = append(out, b.list[int(i.Num())])
	}
	return out
}
