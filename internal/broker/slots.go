package broker

// ref is one message owed to one session: a reference to what all share and what is the session's own.
type ref struct {
	m    *message
	b    *body    // holds a body that was read back, until it is sent
	ids  []uint32 // subscription identifiers, shared and never changed
	g    *group   // whose it is, when it comes of a shared subscription
	qos  byte
	flag refFlag
}

type refFlag byte

const (
	refRetain refFlag = 1 << iota // goes out with the retain flag
	refDup                        // may have been sent before
	refFresh                      // has not been sent, although it has an identifier
	refListed                     // is an exception in the cursor although it waits in the queue: it was sent before a crash
)

// slotState says how far a QoS 1 or 2 delivery is.
type slotState byte

const (
	slotFree      slotState = iota
	slotStoring             // QoS 2 to a persistent session: identifier and message become durable, then it is sent
	slotWaiting             // has been sent on an earlier connection, waits to be sent again
	slotSent1               // QoS 1 sent, PUBACK awaited
	slotSent2               // QoS 2 sent, PUBREC awaited
	slotReleasing           // PUBREC has come and becomes durable, then PUBREL is sent
	slotReleased            // PUBREL sent, PUBCOMP awaited
	slotClosing             // PUBCOMP has come; the identifier is free once that is durable
)

// slot is one packet identifier that we chose.
type slot struct {
	ref   ref
	order uint64 // of sending: what is sent again keeps it [MQTT-4.6.0-1]
	next  uint16 // the next free slot
	state slotState
	open  bool // counted in the window of the present connection
}

// slotTable gives out packet identifiers: identifier n is slot n-1. Free ones are used again in the order in which they
// became free. The zero value is ready and holds no memory.
type slotTable struct {
	slots []slot
	order uint64
	used  int32
	first uint16 // of the free ones, 0: none
	last  uint16
}

// take gives out an identifier, or 0 when limit are in use.
func (t *slotTable) take(limit int, state slotState) (uint16, *slot) {
	if int(t.used) >= limit {
		return 0, nil
	}
	if t.first == 0 {
		t.grow(len(t.slots) + 1)
	}
	id := t.first
	s := &t.slots[id-1]
	if t.first = s.next; t.first == 0 {
		t.last = 0
	}
	t.used++
	t.order++
	*s = slot{order: t.order, state: state}
	return id, s
}

// at is the slot of id, nil when it isn't in use.
func (t *slotTable) at(id uint16) *slot {
	if id == 0 || int(id) > len(t.slots) || t.slots[id-1].state == slotFree {
		return nil
	}
	return &t.slots[id-1]
}

// free ends the use of id.
func (t *slotTable) free(id uint16) {
	t.slots[id-1] = slot{}
	t.used--
	if t.last == 0 {
		t.first = id
	} else {
		t.slots[t.last-1].next = id
	}
	t.last = id
}

// claim takes one certain identifier, when a session is restored.
func (t *slotTable) claim(id uint16, state slotState) *slot {
	t.grow(int(id))
	t.used++
	t.order++
	s := &t.slots[id-1]
	*s = slot{order: t.order, state: state}
	t.first, t.last = 0, 0
	for i := range t.slots {
		if t.slots[i].state == slotFree {
			t.slots[i].next = 0
			t.link(uint16(i + 1))
		}
	}
	return s
}

// grow makes room for n slots. The largest table has 65,535.
func (t *slotTable) grow(n int) {
	old := len(t.slots)
	if n <= old {
		return
	}
	size := max(4, old)
	for size < n {
		size *= 2
	}
	size = min(size, 0xFFFF)
	slots := make([]slot, size)
	copy(slots, t.slots)
	t.slots = slots
	for id := old + 1; id <= size; id++ {
		t.link(uint16(id))
	}
}

// link puts a free slot at the end of the free ones.
func (t *slotTable) link(id uint16) {
	if t.last == 0 {
		t.first = id
	} else {
		t.slots[t.last-1].next = id
	}
	t.last = id
}
