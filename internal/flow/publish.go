package flow

import (
	"encoding/json"
	"strconv"
	"time"

	"tsunagi/internal/flow/value"
)

// How much goes to browsers: one status of a node in statusEvery, the last of which is never
// left out; debugRate debug messages a second, with debugBurst at once. Of a debug node that
// sends more the last message is kept and shown as soon as there is room, with the number of
// those that were not.
const (
	statusEvery = 50 * time.Millisecond
	debugRate   = 500
	debugBurst  = 1000
)

// publisher turns what nodes show into events. It belongs to the loop.
type publisher struct {
	rt       *Runtime
	statuses map[string]*shown
	tokens   float64
	filled   time.Time
	held     map[string]*held
	heldIDs  []string
	flushing bool
}

// shown is the status of one node.
type shown struct {
	next     []byte // waits for its time; nil if none
	clear    bool   // next is that there is none any more
	cooling  bool   // one was sent less than statusEvery ago
	retained bool
}

// held is what waits of one debug node.
type held struct {
	last    *value.Map
	skipped int
}

func newPublisher(rt *Runtime) *publisher {
	return &publisher{rt: rt, statuses: map[string]*shown{}, tokens: debugBurst, held: map[string]*held{}}
}

// status shows a status; one without text, fill and shape removes it.
func (p *publisher) status(id string, s *value.Map) {
	st := p.statuses[id]
	if st == nil {
		st = &shown{}
		p.statuses[id] = st
	}
	if !s.Get("text").Truthy() && !s.Get("fill").Truthy() && !s.Get("shape").Truthy() {
		st.next, st.clear = nil, true
	} else {
		picked := value.NewMap(3)
		for _, key := range []string{"text", "fill", "shape"} {
			if v := s.Get(key); v.Defined() {
				picked.Set(key, v)
			}
		}
		st.next, st.clear = value.Append(nil, picked.Value()), false
	}
	if !st.cooling {
		p.showStatus(id, st)
	}
}

// showStatus sends what waits and begins the time in which the next has to wait.
func (p *publisher) showStatus(id string, st *shown) {
	topic := "status/" + id
	switch {
	case st.clear && st.retained:
		p.rt.emit(Event{Topic: topic, Data: json.RawMessage("{}")})
	case st.next != nil:
		p.rt.emit(Event{Topic: topic, Data: json.RawMessage(st.next), Retain: true})
		st.retained = true
	}
	if st.clear {
		st.retained = false
	}
	sent := st.next != nil || st.clear
	st.next, st.clear = nil, false
	if !sent {
		st.cooling = false
		return
	}
	st.cooling = true
	p.rt.later(statusEvery, func() {
		if p.statuses[id] == st {
			p.showStatus(id, st)
		}
	})
}

// forget drops the retained status of a node that is gone.
func (p *publisher) forget(id string) {
	if st := p.statuses[id]; st != nil && st.retained {
		p.rt.emit(Event{Topic: "status/" + id, Data: json.RawMessage("{}")})
	}
	delete(p.statuses, id)
}

// show shows a value in the sidebar; o is the rest of the debug message.
func (p *publisher) show(id string, o *value.Map, v value.Value) {
	if p.room(id) {
		p.send(withValue(o, v))
		return
	}
	p.hold(id, o.Set("msg", v.Clone())) // encoded only if it is shown
}

func withValue(o *value.Map, v value.Value) *value.Map {
	format, msg := Encode(v)
	return o.Set("msg", value.Str(msg)).Set("format", value.Str(format))
}

// debug shows an encoded debug message of a node.
func (p *publisher) debug(id string, o *value.Map) {
	if p.room(id) {
		p.send(o)
		return
	}
	p.hold(id, o)
}

// room takes a token if there is one and nothing of the node waits.
func (p *publisher) room(id string) bool {
	p.refill()
	if p.tokens < 1 || p.held[id] != nil {
		return false
	}
	p.tokens--
	return true
}

func (p *publisher) hold(id string, o *value.Map) {
	h := p.held[id]
	if h == nil {
		h = &held{}
		p.held[id] = h
		p.heldIDs = append(p.heldIDs, id)
	} else {
		h.skipped++
	}
	h.last = o
	if !p.flushing {
		p.flushing = true
		p.rt.later(time.Second/4, p.flush)
	}
}

func (p *publisher) refill() {
	now := time.Now()
	p.tokens = min(debugBurst, p.tokens+now.Sub(p.filled).Seconds()*debugRate)
	p.filled = now
}

func (p *publisher) flush() {
	p.refill()
	left := p.heldIDs[:0]
	for _, id := range p.heldIDs {
		h := p.held[id]
		if p.tokens < 2 {
			left = append(left, id)
			continue
		}
		p.tokens--
		if h.skipped > 0 {
			p.tokens--
			p.send(skippedNote(h))
		}
		if !h.last.Has("format") {
			h.last = withValue(h.last, h.last.Get("msg"))
		}
		p.send(h.last)
		delete(p.held, id)
	}
	p.heldIDs = left
	if p.flushing = len(left) > 0; p.flushing {
		p.rt.later(time.Second/4, p.flush)
	}
}

// skippedNote is a warning in the sidebar about what it was not sent.
func skippedNote(h *held) *value.Map {
	o := value.NewMap(8)
	for _, key := range []string{"id", "z", "_alias", "path", "name"} {
		if v := h.last.Get(key); v.Defined() {
			o.Set(key, v)
		}
	}
	text := strconv.Itoa(h.skipped) + " messages were not shown: more than " + strconv.Itoa(debugRate) + " a second"
	format, msg := encodeText(text)
	return o.Set("level", value.Int(int(levelWarn))).Set("format", value.Str(format)).Set("msg", value.Str(msg)).
		Set("timestamp", value.Num(float64(time.Now().UnixMilli())))
}

func (p *publisher) send(o *value.Map) {
	p.rt.emit(Event{Topic: "debug", Data: json.RawMessage(value.Append(nil, o.Value()))})
}
