package rows

import (
	"database/sql"
	"fmt"

	"tsunagi/internal/account"
)

var (
	hooks = entity[account.Hook]{"hook",
		[]string{"instance", "id", "name", "enabled", "events", "filter", "client", "condition", "action", "url", "sealed", "topic", "template",
			"qos", "retain", "mail_to", "created_at", "edge", "rearm", "quiet", "together", "silence", "schedule", "zone"}, 2,
		func(h *account.Hook) []any {
			return []any{&h.Instance, &h.ID, &h.Name, &h.Enabled, list[account.HookEvent]{&h.Events}, &h.Filter, &h.Client, &h.Condition, &h.Action,
				&h.URL, &h.Sealed, &h.Topic, &h.Template, &h.QoS, &h.Retain, list[string]{&h.MailTo}, stamp{&h.CreatedAt},
				&h.Edge, &h.Rearm, &h.Quiet, &h.Together, &h.Silence, &h.Schedule, &h.Zone}
		}}
	deadLetters = entity[account.DeadLetter]{"dead_letter",
		[]string{"instance", "id", "hook", "event", "topic", "body", "cause", "attempts", "created_at"}, 2,
		func(d *account.DeadLetter) []any {
			return []any{&d.Instance, &d.ID, &d.Hook, &d.Event, &d.Topic, &d.Body, &d.Cause, &d.Attempts, stamp{&d.CreatedAt}}
		}}
)

func (r reader) Hook(instance, id string) (account.Hook, error) {
	return hooks.one(r.c, "instance, id", instance, id)
}

func (r reader) Hooks(instance string) ([]account.Hook, error) {
	if instance == "" {
		return hooks.all(r.c, "order by instance, created_at, id")
	}
	return hooks.all(r.c, "where instance = ? "+byAge, instance)
}

func (r reader) DeadLetter(instance string, id int64) (account.DeadLetter, error) {
	return deadLetters.one(r.c, "instance, id", instance, id)
}

func (r reader) DeadLetters(q account.DeadLetterQuery) ([]account.DeadLetter, error) {
	where, args := "where instance = ?", []any{q.Instance}
	if q.Hook != "" {
		where, args = where+" and hook = ?", append(args, q.Hook)
	}
	if q.Before != 0 {
		where, args = where+" and id < ?", append(args, q.Before)
	}
	return deadLetters.all(r.c, where+" order by id desc limit ?", append(args, max(q.Limit, 0))...)
}

func (r reader) CountDeadLetters(instance, hook string) (n, bytes int, err error) {
	text, args := "select count(*), coalesce(sum(length(body)), 0) from dead_letter where instance = ?", []any{instance}
	if hook != "" {
		text, args = text+" and hook = ?", append(args, hook)
	}
	err = r.c.Rows(text, args, func(r *sql.Rows) (bool, error) { return false, r.Scan(&n, &bytes) })
	if err != nil {
		return 0, 0, fmt.Errorf("count dead letters: %w", err)
	}
	return n, bytes, nil
}
