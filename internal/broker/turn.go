package broker

import "tsunagi/internal/mqtt"

// Turn collects the clients whose outboxes were touched, so that each is written to once. It belongs to one goroutine:
// the caller of Handle, or the committer's for a batch. Its zero value is ready.
type Turn struct {
	touched []*Client
	out     outgoing     // the message in hand, reused
	match   match        // of a topic that isn't cached, reused
	pub     mqtt.Publish // the packet in hand, reused
	ack     mqtt.Ack     // the same
	small   []byte       // room for encoding an answer
	run     []byte       // room for a run as the other kind of receivers sees it
	misses  int          // topics of late that a full cache didn't know
	skipped uint         // topics that it wasn't asked about
	warmed  int          // of the coming messages, those that were looked at already
	sum     byte         // keeps the compiler from leaving those looks out
}

// Touched are the clients that wait for a flush. A client is in at most one turn's list at a time; its mark is cleared
// when Outbox.Flush begins, so whoever takes the list must flush all that is on it.
func (t *Turn) Touched() []*Client { return t.touched }

// Reset forgets the clients. It keeps room for as many again, within reason.
func (t *Turn) Reset() {
	clear(t.touched)
	if t.touched = t.touched[:0]; cap(t.touched) > maxTouchedKept {
		t.touched = nil
	}
	t.out.forget()
	t.match.forget()
	if cap(t.run) > 2*largeChunk {
		t.run = nil
	}
}

const maxTouchedKept = 4096

// Flush asks the link of each touched client to write, and resets the turn. A client whose outbox has never been flushed
// is passed over: its Connect may not have returned yet, and whoever called that flushes first of all.
func (t *Turn) Flush() {
	for _, c := range t.touched {
		c.flush()
	}
	t.Reset()
}

func (c *Client) flush() {
	if c.outbox.begun.Load() {
		c.link.Flush()
	}
}

// touch puts c on the list. Callers hold the outbox's lock and have set its mark.
func (t *Turn) touch(c *Client) { t.touched = append(t.touched, c) }
