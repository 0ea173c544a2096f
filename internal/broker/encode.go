package broker

import (
	"unsafe"

	"tsunagi/internal/mqtt"
)

// wire is the form of PUBLISH packets that a client speaks: 3.1 and 3.1.1 share one.
type wire byte

const (
	wire3 wire = iota
	wire5
)

func wireOf(v mqtt.Version) wire {
	if v == mqtt.V5 {
		return wire5
	}
	return wire3
}

func (w wire) version() mqtt.Version {
	if w == wire5 {
		return mqtt.V5
	}
	return mqtt.V311
}

// form is one encoded variant of a message. All receivers of the same kind share it.
type form struct {
	wire   wire
	qos    byte
	retain bool
	ids    *uint32 // the first of the subscription identifiers: receivers that share a list share the form
	enc    []byte
	pid    int  // where the packet identifier stands in enc; 0 at QoS 0
	shared bool // nobody changes enc any more: it can be lent
}

// outgoing is one accepted message on its way to its receivers, with its encoded variants. It is reused from message
// to message; what it views belongs to the read buffer or to a body.
type outgoing struct {
	match   *match
	pub     mqtt.Publish // with the real topic, without alias and subscription identifiers
	from    *Session     // who published it; nil: the server
	user    string
	expires int64    // in ms of the broker's clock; 0: never
	raw     []byte   // the frame as it came, when it can be forwarded unchanged to its own kind; else nil
	rawWire wire     // the kind
	m       *message // what sessions queue; made when the first one needs it
	lifted  lifted
	forms   []form
	scratch []byte // encoded small variants
}

// reset prepares for the next message.
func (o *outgoing) reset() {
	o.forms, o.scratch = o.forms[:0], o.scratch[:0]
	o.match, o.from, o.user, o.expires, o.raw, o.m, o.lifted = nil, nil, "", 0, nil, nil, liftedNot
}

// forget lets go of everything that would keep memory alive between turns.
func (o *outgoing) forget() {
	clear(o.forms[:cap(o.forms)])
	if cap(o.scratch) > largeChunk {
		o.scratch = nil
	}
	o.reset()
	o.pub = mqtt.Publish{}
}

// fromBody fills o from a message that is in memory already.
func (o *outgoing) fromBody(m *message, b *body, e *match, from *Session) {
	o.reset()
	o.match, o.from, o.user, o.expires, o.m = e, from, b.user, b.expires, m
	o.pub = b.publish()
}

// publish is the body as a packet, without expiry.
func (b *body) publish() mqtt.Publish {
	p := mqtt.Publish{QoS: b.qos, Retain: b.retain, Topic: viewString(b.topic), Payload: b.payload}
	if b.props != nil {
		p.Props = *b.props
	}
	return p
}

// viewString is s as bytes that nobody may change.
func viewString(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// viewBytes is a string on bytes that are not changed while it is in use.
func viewBytes(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// find is the variant for a receiver: encoded once, then shared. It is valid until the next call.
func (o *outgoing) find(b *Broker, w wire, qos byte, retain bool, ids []uint32) *form {
	var first *uint32
	if w == wire5 && len(ids) > 0 {
		first = &ids[0]
	}
	for i := range o.forms {
		if f := &o.forms[i]; f.wire == w && f.qos == qos && f.retain == retain && f.ids == first {
			return f
		}
	}
	o.forms = append(o.forms, form{wire: w, qos: qos, retain: retain, ids: first})
	f := &o.forms[len(o.forms)-1]
	if o.raw != nil && w == o.rawWire && qos == o.pub.QoS && retain == o.pub.Retain && first == nil {
		f.enc = o.raw
		if len(o.raw) >= shareFrom && len(o.match.receivers) > 1 {
			f.enc, f.shared = append([]byte(nil), o.raw...), true
		}
	} else {
		o.encode(b, f, ids)
	}
	if qos > 0 {
		f.pid = packetIDAt(f.enc)
	}
	return f
}

func (o *outgoing) encode(b *Broker, f *form, ids []uint32) {
	p := o.pub
	p.Dup, p.QoS, p.Retain, p.PacketID = false, f.qos, f.retain, 0
	if f.wire == wire5 {
		if f.ids != nil {
			p.Props.SubscriptionIDs = ids
		}
		if p.Props.HasExpiry = o.expires != 0; p.Props.HasExpiry {
			p.Props.Expiry = left(b.clock.ms(), o.expires) // [MQTT-3.3.2-6]
		}
	}
	if size := len(p.Payload); size >= shareFrom {
		f.enc, f.shared = p.Append(make([]byte, 0, p.Size(f.wire.version())), f.wire.version()), true
		return
	}
	at := len(o.scratch)
	o.scratch = p.Append(o.scratch, f.wire.version())
	f.enc = o.scratch[at:len(o.scratch):len(o.scratch)]
}

// packetIDAt is where the packet identifier stands in an encoded PUBLISH of QoS 1 or 2.
func packetIDAt(enc []byte) int {
	i := 1
	for enc[i] >= 0x80 {
		i++
	}
	i++
	return i + 2 + int(enc[i])<<8 + int(enc[i+1])
}

// keep is the message in memory of its own, made once for all sessions that have to queue it.
func (o *outgoing) keep(b *Broker) *message {
	if o.m == nil {
		publisher := ""
		if o.from != nil {
			publisher = o.from.id
		}
		p := o.pub
		m, _ := newMessage(o.match.topic, &p, publisher, o.user, b.clock.now(), 0)
		m.body.Load().expires = o.expires
		o.m = m
	}
	return o.m
}
