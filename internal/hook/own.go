package hook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/filling"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/timetable"
)

// ownTopic is where a hook's clock and watcher publish what is for it alone: by its own session's queue an event of
// theirs is as sure to be delivered as every other one. What the clock published last is retained there, so that an
// event and the note that it has been made go to disk together.
func ownTopic(id string) string { return broker.EventTopics + "hook/" + id }

// own is what is published there. But for Note it is the payload of the event as well, and its members are places.
type own struct {
	Type    account.HookEvent `json:"type,omitempty"`    // "": a note alone
	Time    time.Time         `json:"time"`              // that was due, or at which it was noticed
	Local   string            `json:"local,omitempty"`   // of schedule: Time on the clock of Zone
	Zone    string            `json:"zone,omitempty"`    // of schedule
	Count   uint64            `json:"count,omitempty"`   // of schedule: how often it has fired, this time included
	Topic   string            `json:"topic,omitempty"`   // that is silent or back; a filter whose topics count as one
	Since   *time.Time        `json:"since,omitempty"`   // the last message before the silence, or when watching began
	Seconds int64             `json:"seconds,omitempty"` // that have passed since
	Note    *note             `json:"note,omitempty"`
}

// note is what a clock has to know when it starts.
type note struct {
	Table string    `json:"table"` // schedule and zone that it is about
	On    bool      `json:"on"`    // it went on until the end; a hook that is switched on anew begins anew
	From  time.Time `json:"from"`  // times until here have been served
	Last  time.Time `json:"last"`  // that was fired; zero: none
	Count uint64    `json:"count"`
}

// id is the same for a due time whenever it is told.
func (o *own) id(instance, hook string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "schedule %s %s %d", instance, hook, o.Time.Unix()))
	return "msg_" + hex.EncodeToString(sum[:12])
}

// ownOf reads what was published; false: it is no event.
func (r *rule) ownOf(m *filling.Message) bool {
	var o own
	if json.Unmarshal(m.Payload, &o) != nil || o.Type == "" {
		return false
	}
	o.Note = nil
	o.into(m)
	if o.Type == account.HookSchedule {
		m.ID = o.id(m.Instance, r.ID)
	}
	return true
}

// into makes a message of an event.
func (o *own) into(m *filling.Message) {
	m.Type, m.Time, m.Topic = string(o.Type), o.Time, o.Topic
	m.Payload, _ = json.Marshal(o) // never fails
	m.QoS, m.Retain = 0, false
}

// due is the event of a due time.
func due(at time.Time, zone string, count uint64) own {
	if zone == "" {
		zone = "UTC"
	}
	return own{Type: account.HookSchedule, Time: at.UTC(), Local: at.Format(time.RFC3339), Zone: zone, Count: count}
}

// isOwn says whether events of a type come by a hook's own topic.
func isOwn(e account.HookEvent) bool {
	return e == account.HookSchedule || e == account.HookSilence || e == account.HookBack
}

// Sample makes an event of a type up, for a test; nothing when it isn't a clock's or watcher's.
func Sample(h account.Hook, e account.HookEvent, topic string, now time.Time) (m filling.Message, ok bool) {
	if !isOwn(e) {
		return m, false
	}
	o := own{Type: e, Time: now.UTC(), Topic: topic, Seconds: int64(h.Silence)}
	if e == account.HookSchedule {
		at := now.UTC()
		if t, err := timetable.Parse(h.Schedule, h.Zone); err == nil {
			at = now.In(t.Zone())
		}
		o = due(at, h.Zone, 1)
	} else {
		since := now.UTC().Add(-time.Duration(h.Silence) * time.Second)
		o.Since = &since
	}
	o.into(&m)
	return m, true
}

// publishOwn puts an event into the hook's own queue.
func (u *runner) publishOwn(ctx context.Context, b *broker.Broker, o own, retain bool) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return b.PublishPacket(ctx, &mqtt.Publish{QoS: 1, Retain: retain, Topic: []byte(u.r.own), Payload: body})
}
