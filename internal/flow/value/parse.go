package value

import (
	"strconv"
	"unsafe"
)

// MaxDepth bounds how deep arrays and objects of JSON text may be nested.
const MaxDepth = 1000

// keepText is the length in bytes up to which the strings of a parsed text share its memory.
// A string out of a longer text is copied, so that it doesn't keep all of the text alive.
const keepText = 4096

// Parse reads JSON text as JSON.parse does: the last of equal keys counts, numbers are
// doubles, and errors speak as V8's do. It doesn't keep text.
func Parse(text []byte) (Value, error) { return ParseString(string(text)) }

// ParseString is Parse of a string.
func ParseString(text string) (Value, error) {
	p := parser{text: text, build: true, keys: keyCaches.Get().(*keyCache)}
	v, err := p.document()
	keyCaches.Put(p.keys)
	return v, err
}

// CheckJSON says what Parse would find wrong with a text, without building anything.
func CheckJSON(text string) error {
	p := parser{text: text}
	_, err := p.document()
	return err
}

// checker finds out whether text is JSON, without building it.
type checker struct {
	text      []byte
	canonical bool // out: printing the value would give the same text
}

func (c *checker) check() (Kind, error) {
	p := parser{text: unsafe.String(unsafe.SliceData(c.text), len(c.text)), canonical: true}
	v, err := p.document()
	c.canonical = p.canonical
	return v.Kind(), err
}

// parser reads one JSON text. Without build it only checks, and returns empty values of the
// right kinds.
type parser struct {
	text      string
	pos       int
	depth     int
	build     bool
	canonical bool
	keys      *keyCache
}

func (p *parser) document() (Value, error) {
	p.space()
	v, err := p.value()
	if err != nil {
		return Value{}, err
	}
	p.space()
	if p.pos < len(p.text) {
		return Value{}, p.after()
	}
	return v, nil
}

func (p *parser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
			p.canonical = false
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *parser) value() (Value, error) {
	switch c := p.peek(); {
	case c == '{':
		return p.nested(p.object)
	case c == '[':
		return p.nested(p.array)
	case c == '"':
		s, err := p.str(false)
		return Str(s), err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == 't':
		return Of(true), p.literal("true")
	case c == 'f':
		return Of(false), p.literal("false")
	case c == 'n':
		return Nil(), p.literal("null")
	}
	return Value{}, p.unexpected()
}

func (p *parser) nested(read func() (Value, error)) (Value, error) {
	if p.depth++; p.depth > MaxDepth {
		return Value{}, p.fault("More than " + strconv.Itoa(MaxDepth) + " levels of nesting")
	}
	v, err := read()
	p.depth--
	return v, err
}

func (p *parser) literal(word string) error {
	for i := range len(word) {
		if p.peek() != word[i] {
			return p.unexpected()
		}
		p.pos++
	}
	return nil
}

func (p *parser) array() (Value, error) {
	p.pos++
	l := &List{}
	p.space()
	if p.peek() == ']' {
		p.pos++
		return l.Value(), nil
	}
	for {
		p.space()
		v, err := p.value()
		if err != nil {
			return Value{}, err
		}
		if p.build {
			l.a = append(l.a, v)
		}
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return l.Value(), nil
		default:
			return Value{}, p.fault("Expected ',' or ']' after array element")
		}
	}
}

func (p *parser) object() (Value, error) {
	p.pos++
	p.space()
	if p.peek() == '}' {
		p.pos++
		return Value{ref: &Map{}}, nil
	}
	if !p.build {
		return p.checkObject()
	}
	o := &Map{}
	if err := p.members(func(key string, v Value) {
		if o.m == nil {
			if n := p.keys.size(key); n > 0 {
				o.m = make([]member, 0, n+1) // flows often add a key
			}
		}
		o.Set(key, v)
	}); err != nil {
		return Value{}, err
	}
	p.keys.learn(o.m[0].key, len(o.m))
	if n := len(o.m); cap(o.m) > 2*n+2 { // it was no object like the one before
		o.m = append(make([]member, 0, n+1), o.m...)
	}
	return o.Value(), nil
}

// checkObject is object for who builds nothing.
func (p *parser) checkObject() (Value, error) {
	var seen [16]string
	keys := seen[:0]
	if err := p.members(func(key string, _ Value) {
		if p.canonical {
			keys = p.judgeKey(keys, key)
		}
	}); err != nil {
		return Value{}, err
	}
	return emptyObject, nil
}

// emptyObject stands for objects of texts that are only checked; nobody gets it to write.
var emptyObject = (&Map{}).Value()

// members reads the rest of an object that isn't empty.
func (p *parser) members(each func(key string, v Value)) error {
	for first := true; ; first = false {
		p.space()
		if p.peek() != '"' {
			if first {
				return p.fault("Expected property name or '}'")
			}
			return p.fault("Expected double-quoted property name")
		}
		key, err := p.str(true)
		if err != nil {
			return err
		}
		p.space()
		if p.peek() != ':' {
			return p.fault("Expected ':' after property name")
		}
		p.pos++
		p.space()
		v, err := p.value()
		if err != nil {
			return err
		}
		each(key, v)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return nil
		default:
			return p.fault("Expected ',' or '}' after property value")
		}
	}
}

// judgeKey finds keys that JavaScript would print at another place, and gives up on objects
// with more keys than are looked through at no cost.
func (p *parser) judgeKey(keys []string, key string) []string {
	if len(key) > 0 && key[0] >= '0' && key[0] <= '9' || len(keys) == cap(keys) {
		p.canonical = false
		return keys
	}
	for _, k := range keys {
		if k == key {
			p.canonical = false
		}
	}
	return append(keys, key)
}
