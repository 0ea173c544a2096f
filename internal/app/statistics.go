package app

import (
	"context"
	"errors"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/hook"
	"tsunagi/internal/stats"
)

// openStatistics makes the collector of the instances' numbers.
func (c *cloud) openStatistics() {
	c.statistics = stats.New(stats.Options{
		Store: c.kept, Read: c.brokers.readings, Quotas: c.quotas, Alarms: []stats.Alarm{c.warn}, Owed: c.tellHooks, Log: c.log,
	})
}

// readings are those of all running brokers.
func (b *brokers) readings() map[string]stats.Reading {
	all := map[string]stats.Reading{}
	for instance, running := range b.running() {
		all[instance] = reading(running.Stats())
	}
	return all
}

func reading(s broker.Stats) stats.Reading {
	r := stats.Reading{Since: s.Since,
		Gauges: stats.Gauges{Connections: int64(s.Clients), WebConnections: int64(s.WebClients), Sessions: int64(s.Sessions),
			Subscriptions: int64(s.Subscriptions), Retained: int64(s.Retained), RetainedBytes: int64(s.RetainedBytes),
			Queued: int64(s.Queued), QueuedBytes: int64(s.QueuedBytes)},
		Counts: stats.Counts{MessagesIn: int64(s.MessagesIn), MessagesOut: int64(s.MessagesOut), BytesIn: int64(s.BytesIn),
			BytesOut: int64(s.BytesOut), Connects: int64(s.Connects)},
	}
	for cause, n := range s.Lost {
		r.Lost[cause] = int64(n)
	}
	return r
}

// quotas are the limits of an instance's plan with what is used of them.
func (c *cloud) quotas(ctx context.Context, instance string) ([]stats.Quota, error) {
	var in account.Instance
	var users, bridges, hooks int
	err := c.kept.View(ctx, func(r account.Reader) (err error) {
		if in, err = r.Instance(instance); err != nil {
			return err
		}
		if users, err = r.CountUsers(account.UserQuery{Instance: instance}); err != nil {
			return err
		}
		list, err := r.Bridges(instance)
		if err != nil {
			return err
		}
		rules, err := r.Hooks(instance)
		bridges, hooks = len(list), len(rules)
		return err
	})
	if errors.Is(err, account.ErrNotFound) {
		return nil, stats.ErrGone
	}
	if err != nil {
		return nil, err
	}
	var s broker.Stats
	if b := c.brokers.find(instance); b != nil {
		s = b.Stats()
	}
	p := c.accounts.Plan(in.Plan)
	of := func(name string, used, limit int) stats.Quota {
		return stats.Quota{Name: name, Used: int64(used), Limit: int64(limit)}
	}
	bytes := func(q stats.Quota) stats.Quota { q.Bytes = true; return q }
	most := func(name string, l broker.Largest, limit int) stats.Quota {
		return stats.Quota{Name: name, Used: int64(l.N), Limit: int64(limit), Of: l.Client}
	}
	return []stats.Quota{
		of("connections", s.Clients, p.Connections),
		of("web_connections", s.WebClients, p.WebConnections),
		of("sessions", s.Sessions, p.Sessions),
		of("all_subscriptions", s.Subscriptions, p.AllSubscriptions),
		most("subscriptions", s.MostFilters, p.Subscriptions),
		of("retained_messages", s.Retained, p.RetainedMessages),
		bytes(of("retained_bytes", s.RetainedBytes, p.RetainedBytes)),
		most("queue_messages", s.MostQueued, p.QueueMessages),
		bytes(most("queue_bytes", s.MostBytes, p.QueueBytes)),
		of("users", users, p.Users),
		of("bridges", bridges, p.Bridges),
		of("hooks", hooks, p.Hooks),
	}, nil
}

// quotaTexts are the names of quotas in the catalogue.
var quotaTexts = map[string]account.TextKey{
	"connections": "api.quota.connections", "web_connections": "api.quota.web_connections", "sessions": "api.quota.sessions",
	"all_subscriptions": "api.quota.all_subscriptions", "subscriptions": "api.quota.subscriptions",
	"retained_messages": "api.quota.retained_messages", "retained_bytes": "api.quota.retained_bytes",
	"queue_messages": "api.quota.queue_messages", "queue_bytes": "api.quota.queue_bytes",
	"users": "api.quota.users", "bridges": "api.quota.bridges", "hooks": "api.quota.hooks",
}

// tellHooks hands a crossing to the rules that listen to limits.
func (c *cloud) tellHooks(ctx context.Context, x stats.Crossing) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	return c.hooks.manager.TellQuota(ctx, x.Instance, hook.Quota{Quota: x.Quota.Name, Level: x.Level, Used: x.Quota.Used, Limit: x.Quota.Limit,
		Client: x.Quota.Of, Time: x.At.UTC()})
}

// warn mails a crossing to the instance's owner.
func (c *cloud) warn(ctx context.Context, x stats.Crossing) {
	q := x.Quota
	c.accounts.WarnInstance(ctx, x.Instance, account.LetterQuota, "/statistics",
		"quota", quotaTexts[q.Name], "percent", x.Level, "used", q.Used, "limit", q.Limit)
}
