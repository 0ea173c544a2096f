package broker

import (
	"encoding/binary"
	"fmt"
	"time"

	"tsunagi/internal/mqtt"
)

// stateVersion begins everything that the broker stores, but for messages.
const stateVersion = 1

var errState = fmt.Errorf("%w: stored session state can't be read", ErrStoreCorrupt)

// The form of a session record:
//
//	version, flags, protocol version, session expiry (4 bytes), away since (wall clock, ms, 8 bytes), user,
//	[will: delay (4 bytes), expiry (4 bytes), message as in the log]
const (
	sesConnected  = 0x01 // was connected when this was written: after a crash it is not known what was sent
	sesWill       = 0x02
	sesWillExpiry = 0x04
)

// encode is the session record. Callers hold s.mu.
func (s *Session) encode() []byte {
	flags := byte(0)
	if s.awayAt == 0 {
		flags |= sesConnected
	}
	w := s.will
	if w != nil {
		flags |= sesWill
		if w.pub.Props.HasExpiry {
			flags |= sesWillExpiry
		}
	}
	st := []byte{stateVersion, flags, byte(s.version)}
	st = binary.BigEndian.AppendUint32(st, s.expiry)
	away := s.b.clock.now()
	if s.awayAt != 0 {
		away = away.Add(time.Duration(s.awayAt-s.b.clock.ms()) * time.Millisecond)
	}
	st = binary.BigEndian.AppendUint64(st, uint64(away.UnixMilli()))
	st = appendString(st, s.user)
	if w != nil {
		st = binary.BigEndian.AppendUint32(st, w.delay)
		st = binary.BigEndian.AppendUint32(st, w.pub.Props.Expiry)
		p := w.pub
		p.Props.HasExpiry = false
		_, rec := newMessage(string(p.Topic), &p, s.id, s.user, time.UnixMilli(0), 0)
		st = append(st, rec...)
	}
	return st
}

// decode reads a session record. Callers hold s.mu, or nobody else knows s yet.
func (s *Session) decode(st []byte) (connected bool, away time.Time, err error) {
	if len(st) < 15 || st[0] != stateVersion {
		return false, away, errState
	}
	flags := st[1]
	s.version = mqtt.Version(st[2])
	s.expiry = binary.BigEndian.Uint32(st[3:])
	away = time.UnixMilli(int64(binary.BigEndian.Uint64(st[7:])))
	r := st[15:]
	if s.user, r, err = cutString(r); err != nil {
		return false, away, errState
	}
	if flags&sesWill != 0 {
		if len(r) < 8 {
			return false, away, errState
		}
		w := &will{delay: binary.BigEndian.Uint32(r)}
		expiry := binary.BigEndian.Uint32(r[4:])
		b, err := readRecord(append([]byte(nil), r[8:]...), &s.b.clock)
		if err != nil {
			return false, away, errState
		}
		w.pub = b.publish()
		w.pub.Props.HasExpiry, w.pub.Props.Expiry = flags&sesWillExpiry != 0, expiry
		s.will = w
	}
	return flags&sesConnected != 0, away, nil
}

// The form of a subscription: version, options (1 byte), identifier (varint), start (varint).
const (
	optQoS     = 0x03
	optNoLocal = 0x04
	optRAP     = 0x08
)

func (sub *subscription) encode(start uint64) []byte {
	o := sub.qos
	if sub.noLocal {
		o |= optNoLocal
	}
	if sub.rap {
		o |= optRAP
	}
	return binary.AppendUvarint(binary.AppendUvarint([]byte{stateVersion, o}, uint64(sub.id)), start)
}

func (sub *subscription) decode(st []byte) error {
	if len(st) < 2 || st[0] != stateVersion {
		return errState
	}
	o := st[1]
	sub.qos, sub.noLocal, sub.rap = o&optQoS, o&optNoLocal != 0, o&optRAP != 0
	id, r, err := cutUvarint(st[2:])
	if err != nil {
		return errState
	}
	sub.id = uint32(id)
	if sub.start, _, err = cutUvarint(r); err != nil {
		return errState
	}
	return nil
}

// The form of a packet state: version, state (1 byte), for outgoing ones that are sent: flags (1 byte), offset (varint;
// 0: the message was in memory only), [the shared subscription that it is of].
const (
	packetReceived = 1 // incoming QoS 2, PUBREL awaited
	packetSent     = 2 // outgoing QoS 2, PUBREC awaited
	packetReleased = 3 // outgoing QoS 2, PUBCOMP awaited
)

func sentPacket(r ref) []byte {
	st := binary.AppendUvarint([]byte{stateVersion, packetSent, byte(r.flag & refRetain)}, r.m.offset)
	if r.g != nil {
		st = append(st, r.g.full...)
	}
	return st
}

// packetState is a packet state as it was read.
type packetState struct {
	state  byte
	flag   refFlag
	offset uint64
	group  string // empty: of no shared subscription
}

func readPacket(st []byte) (p packetState, err error) {
	if len(st) < 2 || st[0] != stateVersion {
		return p, errState
	}
	p.state = st[1]
	if p.state == packetSent {
		if len(st) < 3 {
			return p, errState
		}
		p.flag = refFlag(st[2])
		var rest []byte
		if p.offset, rest, err = cutUvarint(st[3:]); err != nil {
			return p, errState
		}
		p.group = string(rest)
	}
	return p, nil
}
