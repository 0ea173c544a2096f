package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/config"
	"tsunagi/internal/fault"
	"tsunagi/internal/filling"
	"tsunagi/internal/hook"
	"tsunagi/internal/mail"
	"tsunagi/internal/outside"
	"tsunagi/internal/panel"
)

// hooking keeps the running hooks like the stored ones.
type hooking struct {
	mirror[account.Hook]
	manager *hook.Manager
}

// openHooks makes the manager; the part of it in parts starts the hooks.
func (c *cloud) openHooks() error {
	inner, err := config.Networks(c.cfg.HookAllow)
	if err != nil {
		return err
	}
	h := &hooking{}
	h.manager = hook.New(hook.Options{
		Broker: c.brokers.get, Find: c.brokers.find, Rights: c.innerRights(account.HookUser), Events: c.door.record, Log: c.log,
		Dial: (&outside.Dialer{Allow: inner}).DialContext, DialPlain: (&outside.Dialer{Allow: inner, Only: true}).DialContext,
		Mail: h.mail, Keep: c.accounts.KeepDeadLetter, Calls: h.calls,
	})
	h.mirror = mirror[account.Hook]{cloud: c, name: "hooks", rows: account.Reader.Hooks, set: h.set, stop: h.manager.Stop,
		head: func(row *account.Hook) (string, *bool) { return row.Instance, &row.Enabled },
		lost: func(instance string, err error) {
			c.log.Error("hooks of an instance can't be read", "instance", instance, "error", err)
		}}
	c.hooks = h
	c.brokers.events = func(instance string, e broker.Event) {
		c.door.record(instance, e)
		h.manager.Tell(instance, e)
	}
	c.accounts.OnChange(h.change)
	return nil
}

// innerRights are those of a part of this server on an instance.
func (c *cloud) innerRights(user string) func(ctx context.Context, instance string) (broker.Rights, error) {
	return func(ctx context.Context, instance string) (broker.Rights, error) {
		r, _, err := c.accounts.Directory().RightsOf(ctx, instance, user)
		if err == nil && r == nil {
			err = errors.New("there is no such instance")
		}
		if err != nil {
			return nil, err
		}
		return rights{r}, nil
	}
}

// change follows what is changed of an instance; it doesn't wait.
func (h *hooking) change(c account.Change) {
	switch {
	case c.Deleted:
		_ = h.manager.Set(c.Instance, nil, func(string) bool { return true }) // the broker deletes their sessions with the rest
	case c.DeadLetters:
		h.manager.Room(c.Instance)
	case c.Hooks:
		h.follow(c.Instance)
	}
}

// set runs the hooks of an instance that are enabled, and no others.
func (h *hooking) set(instance string, rows []account.Hook) error {
	var errs []error
	var list []hook.Config
	for _, row := range rows {
		if !row.Enabled {
			continue
		}
		c, err := h.config(row)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, c)
	}
	exists := func(hook string) bool {
		return slices.ContainsFunc(rows, func(row account.Hook) bool { return row.ID == hook })
	}
	if err := h.manager.Set(instance, list, exists); err != nil {
		errs = append(errs, fmt.Errorf("hooks of instance %s: %w", instance, err))
	}
	h.manager.Tidy(instance, exists)
	return errors.Join(errs...)
}

func (h *hooking) config(row account.Hook) (hook.Config, error) {
	secrets, err := h.accounts.HookSecrets(row)
	return hook.Config{Hook: row, Secrets: secrets}, err
}

// calls are those that the plan of an instance allows a minute.
func (h *hooking) calls(instance string) int {
	in, err := h.readInstance(instance)
	if err != nil {
		return 1 // deleted, or the store fails: little is enough
	}
	return h.accounts.Plan(in.Plan).HookCalls
}

// mail writes to the readers of a hook. Where one of several can't be written to, all are tried again: a mail may come
// twice.
func (h *hooking) mail(ctx context.Context, row account.Hook, list []*filling.Message, more int) error {
	in, err := h.readInstance(row.Instance)
	if err != nil {
		return err
	}
	readers, err := h.accounts.HookReaders(ctx, row)
	if err != nil {
		return err
	}
	if len(readers) == 0 {
		return fault.New(fault.Readers)
	}
	m := mail.HookMail{Instance: in.ID, InstanceName: in.Name, Hook: row.Name, More: more}
	template, err := filling.Parse(row.Template)
	if err != nil {
		return err
	}
	for _, e := range list {
		line := mail.HookLine{Time: e.Time, Type: account.HookEvent(e.Type), Topic: e.Topic, Payload: e.Payload, Client: e.Client, Cause: e.Cause}
		if q := (hook.Quota{}); line.Type == account.HookQuota && json.Unmarshal(e.Payload, &q) == nil {
			line.Quota, line.Level, line.Used, line.Limit = quotaTexts[q.Quota], q.Level, q.Used, q.Limit
		}
		if row.Template != "" {
			if line.Text, err = template.Fill(e, mail.MaxHookText); err != nil {
				line.Text = "" // it lacks a value, or is long: the usual line says what it was
			}
		}
		m.Lines = append(m.Lines, line)
	}
	for _, a := range readers {
		m.To, m.Language = a.Email, a.Language
		if err := h.post.Hook(ctx, m); err != nil {
			return fault.Wrap(fault.Mail, err)
		}
	}
	return nil
}

// State implements panel.Hooks.
func (h *hooking) State(instance, id string) panel.HookState {
	s, _ := h.manager.State(instance, id)
	return panel.HookState{State: s.State, Since: given(s.Since), LastError: s.LastError, LastErrorAt: given(s.LastErrorAt), LastDone: given(s.LastDone),
		LastSkip: s.LastSkip, NextRun: given(s.NextRun), LastFired: given(s.LastFired), Fired: s.Fired, Held: s.Held, Watched: s.Watched, Silent: s.Silent, Queued: s.Queued, Delivered: s.Delivered, Retries: s.Retries, Skipped: s.Skipped, Buried: s.Buried}
}

// Try implements panel.Hooks.
func (h *hooking) Try(ctx context.Context, row account.Hook, e panel.HookSample) (panel.HookTried, error) {
	c, err := h.config(row)
	if err != nil {
		return panel.HookTried{}, err
	}
	m := &filling.Message{ID: "msg_test_" + e.ID, Type: e.Type, Time: e.Time, Instance: row.Instance, Topic: e.Topic, Payload: e.Payload, Client: e.Client}
	if own, ok := hook.Sample(row, account.HookEvent(e.Type), e.Topic, e.Time); ok {
		m.Time, m.Topic, m.Payload = own.Time, own.Topic, own.Payload
	}
	if m.Type == string(account.HookQuota) && len(m.Payload) == 0 {
		m.Payload = []byte(`{"quota":"connections","level":75,"used":75,"limit":100}`)
	}
	t := h.manager.Try(ctx, c, m)
	return panel.HookTried{Done: t.Done, Cause: t.Cause, Took: t.Took.Milliseconds(), Topic: t.Topic, Body: t.Body}, nil
}

// Again implements panel.Hooks.
func (h *hooking) Again(ctx context.Context, row account.Hook, d account.DeadLetter) error {
	c, err := h.config(row)
	if err != nil {
		return err
	}
	return h.manager.Again(ctx, c, d)
}
