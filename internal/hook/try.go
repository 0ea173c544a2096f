package hook

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/fault"
	"tsunagi/internal/filling"
	"tsunagi/internal/mqtt"
)

// Tried is how a single attempt went.
type Tried struct {
	Done  bool
	Cause string // why not, in words
	Took  time.Duration
	Topic string // that a rule published to
	Body  string // that was sent
}

// errBusy says that the plan's calls of this minute are used up.
var errBusy = fault.New(fault.CallsUsedUp)

// Try carries a hook out once with a made-up or kept event. The condition isn't looked at.
func (m *Manager) Try(ctx context.Context, c Config, msg *filling.Message) Tried {
	r, err := compile(c)
	if err != nil {
		return Tried{Cause: err.Error()}
	}
	if m.o.Calls != nil {
		if calls := m.o.Calls(c.Instance); calls > 0 && !m.rate(c.Instance, calls).Allow() {
			return Tried{Cause: errBusy.Error()}
		}
	}
	out, began := Tried{}, time.Now()
	var o outcome
	switch c.Action {
	case account.HookPost:
		body, _, _ := r.body(msg)
		out.Body = string(body)
		o = m.caller.post(ctx, r, msg, 1, m.o.Now())
	case account.HookPublish:
		b, err := m.o.Broker(ctx, c.Instance)
		if err != nil {
			o = outcome{err: fault.Wrap(fault.NoBroker, err), kind: again}
			break
		}
		name, body, _ := r.rewrite(msg)
		out.Topic, out.Body = name, string(body)
		o = r.publish(ctx, b, msg, &mqtt.PublishProps{})
	default:
		if err := m.o.Mail(ctx, c.Hook, []*filling.Message{msg}, 0); err != nil {
			o = outcome{err: err, kind: again}
		}
	}
	out.Took = time.Since(began)
	if out.Done = o.kind == done; !out.Done {
		out.Cause = o.err.Error()
	}
	return out
}

// Again tries a dead letter once more.
func (m *Manager) Again(ctx context.Context, c Config, d account.DeadLetter) error {
	var e Event
	if err := json.Unmarshal(d.Body, &e); err != nil {
		return fault.Wrap(fault.LetterUnusable, err)
	}
	msg, err := e.message()
	if err != nil {
		return err
	}
	if t := m.Try(ctx, c, msg); !t.Done {
		return errors.New(t.Cause)
	}
	return nil
}
