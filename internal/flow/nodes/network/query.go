package network

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"tsunagi/internal/flow/value"
)

// formLimits bound a query or a form, as the qs module takes them.
type formLimits struct {
	params int // pairs that are read; what is on top is left out
	depth  int // brackets in a key
	list   int // largest index in brackets that makes an array
}

var (
	queryLimits = formLimits{params: 1000, depth: 5, list: 999}
	formBounds  = formLimits{params: 1000, depth: 32, list: 100}
)

// tree is a value in the making: a text, an array with holes, or an object.
type tree struct {
	text  string
	list  []*tree // not nil for an array
	keys  []string
	items map[string]*tree // not nil for an object
}

func (t *tree) isText() bool { return t.list == nil && t.items == nil }

func (t *tree) put(key string, v *tree) {
	if _, again := t.items[key]; !again {
		t.keys = append(t.keys, key)
	}
	t.items[key] = v
}

func newObject() *tree { return &tree{items: map[string]*tree{}} }

// parseForm reads a=1&b[c]=2 as the qs module does.
func parseForm(text string, limits formLimits) *value.Map {
	if text == "" {
		return value.NewMap(0)
	}
	if o := flatForm(text, limits); o != nil {
		return o
	}
	pairs := newObject()
	n := 0
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		if n++; n > limits.params {
			break
		}
		at := strings.Index(part, "]=")
		if at < 0 {
			at = strings.Index(part, "=")
		} else {
			at++
		}
		key, val := part, ""
		if at >= 0 {
			key, val = part[:at], part[at+1:]
		}
		leaf := &tree{text: unplus(val)}
		key = unplus(key)
		if old := pairs.items[key]; old != nil {
			if old.list == nil {
				old = &tree{list: []*tree{old}}
			}
			old.list = append(old.list, leaf)
			leaf = old
		}
		pairs.put(key, leaf)
	}
	root := newObject()
	for _, key := range pairs.keys {
		if built := nest(key, pairs.items[key], limits); built != nil {
			root = merge(root, built)
		}
	}
	return root.value().Map()
}

// flatForm reads what most queries are, names without brackets that occur once; nil for others.
func flatForm(text string, limits formLimits) *value.Map {
	if strings.Contains(text, "[") || strings.Contains(text, "%5") || strings.Count(text, "&") >= limits.params {
		return nil
	}
	o := value.NewMap(1 + strings.Count(text, "&"))
	for part := range strings.SplitSeq(text, "&") {
		key, val, _ := strings.Cut(part, "=")
		key = unplus(key)
		if o.Has(key) {
			return nil
		}
		if key != "" {
			o.Set(key, value.Str(unplus(val)))
		}
	}
	return o
}

// unplus decodes a part of a form; what is broken stays as it is.
func unplus(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	s = strings.ReplaceAll(s, "+", " ")
	if text, err := url.PathUnescape(s); err == nil && utf8.ValidString(text) {
		return text
	}
	return s
}

// nest makes a[b][]: v into objects and arrays.
func nest(key string, v *tree, limits formLimits) *tree {
	if key == "" {
		return nil
	}
	chain := chainOf(key, limits.depth)
	for i := len(chain) - 1; i >= 0; i-- {
		step := chain[i]
		name := step
		if len(step) > 1 && step[0] == '[' && step[len(step)-1] == ']' {
			name = step[1 : len(step)-1]
		}
		n, err := strconv.Atoi(name)
		switch {
		case step == "[]":
			if v.list == nil {
				v = &tree{list: []*tree{v}}
			}
		case i > 0 && name != step && err == nil && n >= 0 && strconv.Itoa(n) == name && n <= limits.list:
			list := make([]*tree, n+1)
			list[n] = v
			v = &tree{list: list}
		default:
			o := newObject()
			o.put(name, v)
			v = o
		}
	}
	return v
}

// chainOf cuts a key: a[b][c] is a, [b], [c]. What is deeper than depth stays one piece.
func chainOf(key string, depth int) []string {
	open := strings.IndexByte(key, '[')
	if open < 0 {
		return []string{key}
	}
	var chain []string
	if open > 0 {
		chain = append(chain, key[:open])
	}
	rest := key[open:]
	for n := 0; n < depth; n++ {
		end := strings.IndexByte(rest, ']')
		if len(rest) == 0 || rest[0] != '[' || end < 0 {
			break
		}
		chain = append(chain, rest[:end+1])
		rest = rest[end+1:]
		if next := strings.IndexByte(rest, '['); next > 0 {
			rest = rest[next:]
		}
	}
	if strings.HasPrefix(rest, "[") {
		if len(chain) == 0 {
			return []string{key}
		}
		chain = append(chain, "["+rest+"]")
	}
	return chain
}

// merge puts what b has into a.
func merge(a, b *tree) *tree {
	switch {
	case a == nil:
		return b
	case b.isText():
		switch {
		case a.list != nil:
			a.list = append(a.list, b)
		case a.items != nil:
			a.put(b.text, &tree{text: "true"})
		default:
			return &tree{list: []*tree{a, b}}
		}
		return a
	case a.isText():
		if b.list != nil {
			return &tree{list: append([]*tree{a}, b.list...)}
		}
		return &tree{list: []*tree{a, b}}
	case a.list != nil && b.list != nil:
		return mergeLists(a, b)
	}
	a, b = a.object(), b.object()
	for _, key := range b.keys {
		v := b.items[key]
		if old := a.items[key]; old != nil {
			v = merge(old, v)
		}
		a.put(key, v)
	}
	return a
}

func mergeLists(a, b *tree) *tree {
	for i, v := range b.list {
		switch {
		case v == nil:
		case i >= len(a.list):
			for len(a.list) < i {
				a.list = append(a.list, nil)
			}
			a.list = append(a.list, v)
		case a.list[i] == nil:
			a.list[i] = v
		case !a.list[i].isText() && !v.isText():
			a.list[i] = merge(a.list[i], v)
		default:
			a.list = append(a.list, v)
		}
	}
	return a
}

// object makes an object of an array.
func (t *tree) object() *tree {
	if t.list == nil {
		return t
	}
	o := newObject()
	for i, v := range t.list {
		if v != nil {
			o.put(strconv.Itoa(i), v)
		}
	}
	return o
}

// value makes the flow's value; holes are left out.
func (t *tree) value() value.Value {
	switch {
	case t.list != nil:
		l := value.NewList()
		for _, v := range t.list {
			if v != nil {
				l.Append(v.value())
			}
		}
		return l.Value()
	case t.items != nil:
		o := value.NewMap(len(t.keys))
		for _, key := range t.keys {
			o.Set(key, t.items[key].value())
		}
		return o.Value()
	}
	return value.Str(t.text)
}
