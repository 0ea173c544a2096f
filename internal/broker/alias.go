package broker

import (
	"encoding/binary"

	"tsunagi/internal/mqtt"
)

// Topic aliases towards clients that allow them: the first topics that a connection is sent are replaced by numbers,
// which stay until it ends.
const (
	maxAliasesOut  = 64  // aliases that are made for one connection, whatever it allows
	minAliasedName = 4   // bytes of a topic name from which on an alias, which takes 3, is shorter
	maxAliasedName = 256 // and to which it is kept: the table of one connection stays below 20 KB
	propTopicAlias = 0x23
)

// aliasTable is what a connection has been told [MQTT-3.3.2-11]. It is guarded by the outbox's mu.
type aliasTable struct {
	max   int // never more than the client's Topic Alias Maximum [MQTT-3.1.2-26]
	names map[string]uint16
}

// newAliasTable is nil for a client that allows none [MQTT-3.1.2-27].
func newAliasTable(p *mqtt.Connect) *aliasTable {
	if p.Version != mqtt.V5 || p.TopicAliasMax == 0 {
		return nil
	}
	return &aliasTable{max: min(int(p.TopicAliasMax), maxAliasesOut)}
}

// find is the alias of a name, 0 when it has none; fresh says that it is to be told with this message.
func (a *aliasTable) find(name []byte) (alias uint16, fresh bool) {
	if len(name) < minAliasedName || len(name) > maxAliasedName {
		return 0, false
	}
	if n := a.names[string(name)]; n != 0 {
		return n, false
	}
	if len(a.names) == a.max {
		return 0, false
	}
	return uint16(len(a.names) + 1), true
}

// aliased appends an encoded PUBLISH of 5.0 with an alias in place of its topic, or beside it the first time. id is the
// packet identifier, 0 where it stands in enc already. It answers false, and has done nothing, when there is no alias
// for the topic. Callers hold mu.
func (o *Outbox) aliased(enc []byte, shared bool, id uint16) bool {
	size, head := frameSize(enc)
	n := head + 2 + (int(enc[head])<<8 | int(enc[head+1]))
	name := enc[head+2 : n]
	alias, fresh := o.aliases.find(name)
	if alias == 0 {
		return false
	}
	var room [maxAliasedName + 16]byte // of the variable header, up to the other properties
	b := room[:0]
	if fresh {
		b = append(b, enc[head:n]...)
	} else {
		b = append(b, 0, 0)
	}
	if enc[0]&0x06 != 0 {
		if id == 0 {
			id = binary.BigEndian.Uint16(enc[n:])
		}
		b = binary.BigEndian.AppendUint16(b, id)
		n += 2
	}
	props, used := binary.Uvarint(enc[n:]) // variable byte integers are written like these
	b = binary.AppendUvarint(b, props+3)
	b = binary.BigEndian.AppendUint16(append(b, propTopicAlias), alias)
	rest := enc[n+used : size]
	var start [5]byte
	first := binary.AppendUvarint(append(start[:0], enc[0]), uint64(len(b)+len(rest)))
	if len(first)+len(b)+len(rest) > int(o.client.maxOut) { // the first time it is longer than without [MQTT-3.1.2-24]
		return false
	}
	if fresh {
		if o.aliases.names == nil {
			o.aliases.names = map[string]uint16{}
		}
		o.aliases.names[string(name)] = alias
	}
	o.copyIn(first)
	o.copyIn(b)
	if shared {
		o.lend(rest)
	} else {
		o.copyIn(rest)
	}
	return true
}

// message appends an encoded PUBLISH. Callers hold mu.
func (o *Outbox) message(enc []byte, shared bool) {
	switch {
	case o.aliases != nil && o.aliased(enc, shared, 0):
	case shared:
		o.lend(enc)
	default:
		o.copyIn(enc)
	}
}
