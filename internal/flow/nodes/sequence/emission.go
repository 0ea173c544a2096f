package sequence

import (
	"strings"
	"unicode/utf8"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// emission is a message whose pieces are being sent.
type emission struct {
	m     *flow.Msg
	parts *value.Map // of the next message, keys in Node-RED's order
	i, n  int        // pieces sent, and of how many
	apart bool       // pieces are written to copies: the message stays as it is

	// piece is piece i; it may write to the message and to its parts.
	piece func(i int, m *flow.Msg, parts *value.Map) value.Value
	end   func() // when all are sent; nil for just done
}

// settled writes to the message what is the same for all pieces; keys that are set later are
// those of the pieces.
func (e *emission) settled() {
	e.m.Set("parts", e.parts.Clone().Value())
	e.parts = e.parts.Own()
}

// send sends pieces until there are none left, or so many that others have their turn first.
func (n *split) send() {
	e := n.run
	if e == nil {
		return
	}
	for sent := 0; e.i < e.n; sent++ {
		if sent == chunk {
			n.b.Again()
			return
		}
		n.sendPiece(e)
	}
	n.run = nil
	if e.end != nil {
		e.end()
		return
	}
	n.b.Done(e.m, nil)
}

func (n *split) sendPiece(e *emission) {
	m := e.m
	if e.apart {
		m = m.Clone()
	}
	parts := e.parts.Clone().Own()
	v := e.piece(e.i, m, parts)
	index := e.i
	if !e.apart && !parts.Has("key") {
		index = n.next
		n.next++
	}
	parts.Set("index", value.Int(index))
	e.i++
	m.Set("parts", parts.Value())
	_, _ = m.SetPath(n.path, v, v.Defined()) // the property was there
	if !e.apart {
		m = m.Clone()
	}
	n.b.Send(m)
}

// Close forgets what waits.
func (n *split) Close(_ bool, done func()) {
	n.run, n.waiting, n.pending, n.buffer, n.remainder = nil, nil, nil, nil, ""
	done()
}

// splitText sends the pieces of a text; of a stream the last waits for what comes next.
func (n *split) splitText(e *emission, text string) {
	n.b.Release(len(n.remainder))
	text = n.remainder + text
	n.remainder = ""
	e.parts.Set("type", value.Str("string"))
	if n.by == "len" {
		n.textRuns(e, text)
		return
	}
	e.parts.Set("ch", n.ch)
	e.settled()
	e.parts.Set("index", value.Int(0))
	count := strings.Count(text, n.text) + 1
	if !n.stream {
		e.parts.Set("count", value.Int(count))
	}
	e.n = count
	if n.stream {
		e.n--
	}
	e.piece = func(int, *flow.Msg, *value.Map) value.Value {
		var head string
		head, text, _ = strings.Cut(text, n.text)
		return value.Str(head)
	}
	e.end = func() {
		if !n.stream {
			n.next = 0
		} else if !n.holdText(e.m, text) {
			return
		}
		n.b.Done(e.m, nil)
	}
}

// holdText keeps the text that the next message of a stream goes on with.
func (n *split) holdText(m *flow.Msg, rest string) bool {
	if err := n.b.Keep(len(rest)); err != nil {
		n.b.Done(m, err)
		return false
	}
	n.remainder = rest
	return true
}

// textRuns sends runs of so many UTF-16 units.
func (n *split) textRuns(e *emission, text string) {
	e.parts.Set("ch", value.Str("")).Set("len", value.Int(n.length))
	total := units(text)
	count := (total + n.length - 1) / n.length
	if !n.stream {
		e.parts.Set("count", value.Int(count))
		n.next = 0
	}
	e.settled()
	e.parts.Set("index", value.Int(0))
	last := total - max(count-1, 0)*n.length
	e.n = max(count-1, 0)
	whole := !n.stream || last == n.length
	if whole {
		e.n++
	}
	e.piece = func(i int, _ *flow.Msg, _ *value.Map) value.Value {
		if i == count-1 && i > 0 {
			n.donePending()
		}
		var v string
		v, text = cutUnits(text, n.length)
		return value.Str(v)
	}
	e.end = func() {
		if count > 1 || whole {
			n.donePending()
		}
		if whole {
			n.b.Done(e.m, nil)
			return
		}
		if n.holdText(e.m, text) {
			n.await(e.m)
		}
	}
}

// units is the length of a text in UTF-16 units.
func units(s string) (n int) {
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// cutUnits cuts a text behind n UTF-16 units. A character that the cut would halve leaves a
// replacement character on both sides.
func cutUnits(s string, n int) (head, rest string) {
	at := 0
	for n > 0 && at < len(s) {
		r, size := utf8.DecodeRuneInString(s[at:])
		if r > 0xffff && n == 1 {
			return s[:at] + "\ufffd", "\ufffd" + s[at+size:]
		}
		at += size
		n--
		if r > 0xffff {
			n--
		}
	}
	return s[:at], s[at:]
}
