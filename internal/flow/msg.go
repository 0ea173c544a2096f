package flow

import (
	"math/rand/v2"

	"tsunagi/internal/flow/value"
)

// Msg is a message on its way through a flow. Like everything of a flow it belongs to the
// event loop: a goroutine of a node that makes one gives it away with Base.Emit.
//
// A node that has sent a Msg may keep reading it, but the next node may already have written
// to it: whoever needs it as it was takes a Clone first.
type Msg struct {
	o     *value.Map
	named bool // the message has an id; false says nothing
}

// NewMsg returns a message with keys and values in turn, as value.From takes them.
func NewMsg(kv ...any) *Msg {
	o := value.NewMap(len(kv)/2 + 2)
	for i := 0; i+1 < len(kv); i += 2 {
		o.Set(kv[i].(string), value.From(kv[i+1]))
	}
	return &Msg{o: o}
}

// EmptyMsg returns a message without properties, with room for those that most messages have, in one piece of memory.
func EmptyMsg() *Msg {
	m := &struct {
		Msg
		room value.Room
	}{}
	m.o = m.room.Map()
	return &m.Msg
}

// MsgOf returns a message with the properties of o, which it may share.
func MsgOf(o *value.Map) *Msg { return &Msg{o: o} }

// Root is the message as an object, to read.
func (m *Msg) Root() *value.Map { return m.o }

// Get returns a property, undefined when there is none.
func (m *Msg) Get(key string) value.Value { return m.o.Get(key) }

// Has says whether the message has the property.
func (m *Msg) Has(key string) bool { return m.o.Has(key) }

// Set sets a property.
func (m *Msg) Set(key string, v value.Value) {
	m.o = m.o.Own()
	m.named = m.named && key != keyID
	m.o.Set(key, v)
}

// Delete removes a property.
func (m *Msg) Delete(key string) {
	if m.o.Has(key) {
		m.o = m.o.Own()
		m.named = m.named && key != keyID
		m.o.Delete(key)
	}
}

// GetPath returns what a path leads to.
func (m *Msg) GetPath(p *value.Path) (value.Value, error) {
	if key, ok := p.Key(); ok {
		return m.o.Get(key), nil
	}
	return p.Get(m.o.Value(), m.o)
}

// OwnPath is GetPath for a value that is to be seen from a second place: who writes to it
// writes to both.
func (m *Msg) OwnPath(p *value.Path) (value.Value, error) {
	m.o = m.o.Own()
	return p.Own(m.o, m.o)
}

// SetPath sets what a path leads to, making missing parents when create is given. It says
// whether it could.
func (m *Msg) SetPath(p *value.Path, v value.Value, create bool) (bool, error) {
	m.o = m.o.Own()
	m.named = false
	return p.Set(m.o, v, create, m.o)
}

// Clone returns a message that stays as m is now. It costs next to nothing until one of the
// two is written.
func (m *Msg) Clone() *Msg { return &Msg{o: m.o.Clone(), named: m.named} }

const keyID = "_msgid"

// identify gives the message an id if it has none.
func (m *Msg) identify() {
	if m.named {
		return
	}
	if !m.o.Get(keyID).Truthy() {
		m.Set(keyID, value.Str(NewID()))
	}
	m.named = true
}

// NewID returns 16 random hex digits, as Node-RED's generateId does. It is no secret.
func NewID() string {
	const digits = "0123456789abcdef"
	n := rand.Uint64() //nolint:gosec // an id, not a secret
	var b [16]byte
	for i := range b {
		b[i] = digits[n&15]
		n >>= 4
	}
	return string(b[:])
}

// Size is about how many bytes of memory the message takes.
func (m *Msg) Size() int { return value.Size(m.o.Value()) }
