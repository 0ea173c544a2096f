package hook

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
)

const (
	// late is how late a due time is still served, once: it came while the server was restarted, or its clock was set.
	late = 5 * time.Minute
	// look is the longest wait at a time, so that a clock that is set meanwhile is noticed.
	look = 30 * time.Second
)

// clock publishes the events of a schedule until ctx ends.
func (u *runner) clock(ctx context.Context, b *broker.Broker) {
	pause := u.o.RetryMin
	u.loadNote(b) // what was published last may have been kept after nobody waited for it any more
	for {
		wait, err := u.tick(ctx, b)
		if err != nil && ctx.Err() == nil {
			u.wrong(err)
			u.loadNote(b)
			wait, pause = pause, min(2*pause, u.o.RetryMax)
		} else {
			pause = u.o.RetryMin
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// tick fires when something is due, and says when to look again.
func (u *runner) tick(ctx context.Context, b *broker.Broker) (time.Duration, error) {
	now := u.o.Now().Round(0) // the wall's clock counts
	n, key := *u.note, u.r.Schedule+" "+u.r.Zone
	if !n.On || n.Table != key || now.Before(n.From.Add(-late)) { // new, or the clock was wrong before
		n.On, n.Table, n.From = true, key, now
		if err := u.keepNote(ctx, b, own{Time: now, Note: &n}); err != nil {
			return 0, err
		}
	}
	next := u.r.table.Next(n.From)
	u.set(func(s *State) { s.NextRun, s.LastFired, s.Fired = next, n.Last, n.Count })
	switch {
	case next.IsZero():
		return look, nil
	case next.After(now):
		return min(next.Sub(now), look), nil
	case now.Sub(next) > late:
		n.From = now.Add(-late)
		if err := u.keepNote(ctx, b, own{Time: now, Note: &n}); err != nil {
			return 0, err
		}
		u.skip(fault.New(fault.Missed, "time", next.Format(time.RFC3339)))
		return 0, nil
	}
	for after := u.r.table.Next(next); !after.IsZero() && !after.After(now); after = u.r.table.Next(next) {
		next = after // several are late: the last one stands for them
	}
	n.From, n.Last, n.Count = next, next, n.Count+1
	e := due(next, u.r.Zone, n.Count)
	e.Note = &n
	return 0, u.keepNote(ctx, b, e)
}

// loadNote has what is retained, or what is known of later times.
func (u *runner) loadNote(b *broker.Broker) {
	if n := u.readNote(b); u.note == nil || n.From.After(u.note.From) {
		u.note = n
	}
}

// readNote reads what is retained; a new note where there is none.
func (u *runner) readNote(b *broker.Broker) *note {
	var o own
	list, err := b.Browse(u.r.own, "", "", 1)
	if err != nil || len(list) == 0 || json.Unmarshal(list[0].Payload, &o) != nil || o.Note == nil {
		return &note{}
	}
	return o.Note
}

// keepNote publishes an event with its note, retained. Where the plan has no room for one more retained message the note
// is kept in memory only, and the event is published all the same.
func (u *runner) keepNote(ctx context.Context, b *broker.Broker, o own) error {
	err := u.publishOwn(ctx, b, o, true)
	if r, ok := errors.AsType[*broker.Refusal](err); ok && r.Reason == mqtt.QuotaExceeded {
		err = nil
		if o.Type != "" {
			err = u.publishOwn(ctx, b, o, false)
		}
	}
	if err == nil {
		u.note = o.Note
	}
	return err
}

// switchedOff notes that the hook doesn't run any more: what is due meanwhile is not made up for.
func (u *runner) switchedOff() {
	ctx, cancel := context.WithTimeout(context.Background(), u.o.Timeout)
	defer cancel()
	b := u.o.Find(u.r.Instance)
	if b == nil {
		return
	}
	n := *u.readNote(b)
	if n.On {
		n.On = false
		_ = u.keepNote(ctx, b, own{Time: u.o.Now(), Note: &n}) // else a time of the next minutes may be made up for
	}
}
