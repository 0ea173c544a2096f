package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"tsunagi/internal/mqtt"
)

// message is an accepted message that outlives the read buffer it came in. All sessions to which it is owed share it.
type message struct {
	offset uint64        // in the log, and its place in the order of messages; 0: it is in memory only
	until  int64         // the body's expires, which holds when the body is read back: what is stored is wall time
	at     atomic.Uint64 // where in the log it stands now: further back when it was carried forward
	size   int           // bytes that it is charged with in queues
	owed   atomic.Int32  // sessions that still need it; counted when it is in the log
	gone   atomic.Bool   // a retained message that has been replaced or cleared
	kept   uint64        // a retained message's place in the order of these, by Broker.retOrder; 0: since before the start
	body   atomic.Pointer[body]
}

// body is what a message says. It may be let go and read back from the log. Nobody changes it.
type body struct {
	topic     string
	publisher string // client id, for No Local; empty: the server
	user      string // who published it
	payload   []byte
	props     *mqtt.PublishProps // nil: none. Topic alias, expiry and subscription identifiers are never in here
	expires   int64              // in ms of the broker's clock; 0: never
	accepted  instant
	qos       byte
	retain    bool
}

// instant is a wall time to the millisecond, in what fits beside the other small fields of a body. The zero value is
// unknown.
type instant struct {
	seconds uint32 // since 1970
	millis  uint16
}

func instantOf(t time.Time) instant {
	return instant{uint32(t.Unix()), uint16(t.UnixMilli() % 1000)}
}

func (i instant) time() time.Time {
	if i == (instant{}) {
		return time.Time{}
	}
	return time.UnixMilli(int64(i.seconds)*1000 + int64(i.millis)).UTC()
}

// expired says whether the message's time is over at now, in ms of the broker's clock [MQTT-3.3.2-5].
func (b *body) expired(now int64) bool { return b.expires != 0 && now >= b.expires }

// clock measures time for one broker: monotonic while the process runs, wall time only in what is stored.
type clock struct {
	now   func() time.Time
	start time.Time
}

// ms is the time in milliseconds since long before the clock was made, so that what began before that is positive.
func (c *clock) ms() int64 { return c.now().Sub(c.start).Milliseconds() + clockBase }

const clockBase = 1 << 42 // ms, 139 years

// after is the point of the clock that is seconds later than now, 0 for never.
func after(now int64, seconds uint32) int64 {
	if seconds == mqtt.SessionForever {
		return 0
	}
	return now + int64(seconds)*1000
}

// left is the number of seconds from now until at, rounded up, 0 when that has passed.
func left(now, at int64) uint32 {
	if at <= now {
		return 0
	}
	return uint32(min((at-now+999)/1000, math.MaxUint32))
}

// The form of a stored message:
//
//	version 1, flags, accepted at (wall clock, ms, 8 bytes), [its first offset, 8 bytes, when it was carried forward],
//	[expiry in seconds, 4 bytes], topic, publisher, user (each with a varint length), [properties as in a PUBLISH], payload
const (
	recordVersion = 1
	recordHead    = 10 // bytes in front of what is optional
)

const (
	recQoS     = 0x03
	recRetain  = 0x04
	recExpiry  = 0x08
	recProps   = 0x10
	recCarried = 0x20
)

var errRecord = fmt.Errorf("%w: a stored message can't be read", ErrStoreCorrupt)

// newMessage copies what a client has published into memory of its own: the record, which the message's body views.
func newMessage(name string, p *mqtt.Publish, publisher, user string, wall time.Time, now int64) (*message, []byte) {
	b := &body{topic: name, publisher: publisher, user: user, accepted: instantOf(wall), qos: p.QoS, retain: p.Retain}
	props := p.Props
	props.TopicAlias, props.HasExpiry, props.Expiry, props.SubscriptionIDs = 0, false, 0, nil
	hasProps := props.Size() > 0
	flags := p.QoS & recQoS
	if p.Retain {
		flags |= recRetain
	}
	if p.Props.HasExpiry {
		flags |= recExpiry
		b.expires = now + int64(p.Props.Expiry)*1000
	}
	if hasProps {
		flags |= recProps
	}
	rec := append(make([]byte, 0, mostSize(name, publisher, user, p)), recordVersion, flags)
	rec = binary.BigEndian.AppendUint64(rec, uint64(wall.UnixMilli()))
	if p.Props.HasExpiry {
		rec = binary.BigEndian.AppendUint32(rec, p.Props.Expiry)
	}
	rec = appendString(rec, name)
	nameEnd := len(rec)
	rec = appendString(rec, publisher)
	rec = appendString(rec, user)
	if hasProps {
		at := len(rec)
		rec = props.Append(rec)
		b.props = &mqtt.PublishProps{}
		if _, err := b.props.DecodeProps(rec[at:]); err != nil {
			b.props = nil // can't be: it has just been encoded
		}
	}
	at := len(rec)
	rec = append(rec, p.Payload...)
	b.payload = rec[at:]
	b.topic = viewBytes(rec[nameEnd-len(name) : nameEnd])
	m := &message{size: len(rec) + refSize, until: b.expires}
	m.body.Store(b)
	return m, rec
}

// mostSize is how long the record of a message can be, in bytes.
func mostSize(name, publisher, user string, p *mqtt.Publish) int {
	return 32 + len(name) + len(publisher) + len(user) + p.Props.Size() + len(p.Payload)
}

// refSize is what one queued reference is charged with besides the message, in bytes.
const refSize = 64

// readRecord reads a stored message. The body views rec. Expiry is counted on from the time of acceptance, so that
// time passes while the server is away; a clock that has jumped back never makes it longer than it was.
func readRecord(rec []byte, c *clock) (*body, error) {
	b := &body{}
	r, hasProps, err := b.readHead(rec, c, func(v []byte) string { return string(v) })
	if err != nil {
		return nil, err
	}
	if hasProps {
		b.props = &mqtt.PublishProps{}
		if r, err = b.props.DecodeProps(r); err != nil {
			return nil, fmt.Errorf("%w: %w", errRecord, err)
		}
	}
	b.payload = r
	return b, nil
}

// readHead reads what comes before the properties and the payload, which are the rest. text makes strings of bytes.
func (b *body) readHead(rec []byte, c *clock, text func([]byte) string) (rest []byte, hasProps bool, err error) {
	if len(rec) < recordHead || rec[0] != recordVersion {
		return nil, false, errRecord
	}
	flags := rec[1]
	b.qos, b.retain, b.expires = flags&recQoS, flags&recRetain != 0, 0
	b.accepted = instantOf(time.UnixMilli(int64(binary.BigEndian.Uint64(rec[2:]))))
	r := rec[recordHead:]
	if flags&recCarried != 0 {
		if len(r) < 8 {
			return nil, false, errRecord
		}
		r = r[8:]
	}
	if flags&recExpiry != 0 {
		if len(r) < 4 {
			return nil, false, errRecord
		}
		accepted := time.UnixMilli(int64(binary.BigEndian.Uint64(rec[2:])))
		b.expires = resumeAt(c, accepted, binary.BigEndian.Uint32(r))
		r = r[4:]
	}
	for _, s := range []*string{&b.topic, &b.publisher, &b.user} {
		n, used := binary.Uvarint(r)
		if used <= 0 || n > uint64(len(r)-used) {
			return nil, false, errRecord
		}
		*s, r = text(r[used:][:n]), r[used:][n:]
	}
	return r, flags&recProps != 0, nil
}

// recordTopic is the topic of a stored message, without reading the rest.
func recordTopic(rec []byte) ([]byte, error) {
	if len(rec) < recordHead || rec[0] != recordVersion {
		return nil, errRecord
	}
	at := recordHead
	if rec[1]&recCarried != 0 {
		at += 8
	}
	if rec[1]&recExpiry != 0 {
		at += 4
	}
	if at > len(rec) {
		return nil, errRecord
	}
	n, used := binary.Uvarint(rec[at:])
	if used <= 0 || n > uint64(len(rec)-at-used) {
		return nil, errRecord
	}
	return rec[at+used:][:n], nil
}

// placeOf is the place of a stored message in the order of messages: its offset, or the one it had at first.
func placeOf(r Record) uint64 {
	if len(r.Message) >= recordHead+8 && r.Message[1]&recCarried != 0 {
		return binary.BigEndian.Uint64(r.Message[recordHead:])
	}
	return r.Offset
}

// carriedRecord is a record as it is written once more further back in the log.
func carriedRecord(r Record) []byte {
	if r.Message[1]&recCarried != 0 {
		return append([]byte(nil), r.Message...)
	}
	rec := append(make([]byte, 0, len(r.Message)+8), r.Message[:recordHead]...)
	rec[1] |= recCarried
	rec = binary.BigEndian.AppendUint64(rec, r.Offset)
	return append(rec, r.Message[recordHead:]...)
}

// resumeAt is the point of c's clock at which seconds, begun at the wall time began, are over.
func resumeAt(c *clock, began time.Time, seconds uint32) int64 {
	passed := max(0, c.now().Round(0).Sub(began))
	rest := max(0, time.Duration(seconds)*time.Second-passed)
	return c.ms() + rest.Milliseconds()
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

var errCut = errors.New("a stored value ends too early")

func cutString(b []byte) (string, []byte, error) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return "", nil, errCut
	}
	b = b[used:]
	return string(b[:n]), b[n:], nil
}

func cutUvarint(b []byte) (uint64, []byte, error) {
	n, used := binary.Uvarint(b)
	if used <= 0 {
		return 0, nil, errCut
	}
	return n, b[used:], nil
}
