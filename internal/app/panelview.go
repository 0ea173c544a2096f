package app

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/panel"
)

// panelBrokers shows the running brokers to the panel.
type panelBrokers struct{ *brokers }

func (p panelBrokers) Stats(instance string) panel.Stats {
	b := p.find(instance)
	if b == nil {
		return panel.Stats{}
	}
	s := b.Stats()
	return panel.Stats{
		Connections: s.Clients, WebConnections: s.WebClients, Sessions: s.Sessions, Subscriptions: s.Subscriptions,
		Retained: s.Retained, MessagesIn: s.MessagesIn, MessagesOut: s.MessagesOut, Dropped: s.Dropped,
	}
}

func (p panelBrokers) Connections(instance string) []panel.Connection {
	b := p.find(instance)
	if b == nil {
		return nil
	}
	var list []panel.Connection
	for _, c := range b.Clients() {
		if !c.Connected {
			continue
		}
		list = append(list, panel.Connection{
			ClientID: c.ID, User: c.User, Remote: c.Remote, Via: c.Via, Version: versionName(c.Version), ConnectedAt: c.Since,
			KeepAlive: c.KeepAlive, Subscriptions: len(c.Subscriptions), Queue: c.Queued,
		})
	}
	slices.SortFunc(list, func(a, b panel.Connection) int {
		return cmp.Or(a.ConnectedAt.Compare(b.ConnectedAt), cmp.Compare(a.ClientID, b.ClientID))
	})
	return list
}

func (p panelBrokers) Kick(instance, clientID string) bool {
	b := p.find(instance)
	return b != nil && b.Kick(clientID, "disconnected by the instance's people in the panel")
}

func (p panelBrokers) Sessions(instance string) []panel.Session {
	b := p.find(instance)
	if b == nil {
		return nil
	}
	var list []panel.Session
	for _, c := range b.Clients() {
		s := panel.Session{ClientID: c.ID, User: c.User, Connected: c.Connected, Web: c.Web, Since: c.Since, Expiry: int64(c.SessionExpiry),
			Subscriptions: c.Subscriptions, Queue: c.Queued, MessagesIn: c.MessagesIn, MessagesOut: c.MessagesOut, Dropped: c.Dropped}
		if c.SessionExpiry == mqtt.SessionForever {
			s.Expiry = -1
		}
		list = append(list, s)
	}
	return list
}

func (p panelBrokers) Forget(instance, clientID string) bool {
	b := p.find(instance)
	return b != nil && b.Forget(clientID, "session ended by the instance's people in the panel")
}

func (p panelBrokers) Retained(instance string, q panel.RetainedQuery) ([]panel.Retained, error) {
	b := p.find(instance)
	if b == nil {
		return nil, nil
	}
	found, err := b.Browse(q.Filter, q.Contains, q.After, q.Limit)
	list := make([]panel.Retained, 0, len(found))
	for _, m := range found {
		list = append(list, panel.Retained(m))
	}
	return list, err
}

func (p panelBrokers) CountRetained(instance, filter string) (int, error) {
	b := p.find(instance)
	if b == nil {
		return 0, nil
	}
	return b.CountRetained(filter, 1_000_000)
}

func (p panelBrokers) ClearRetained(ctx context.Context, instance, filter string) (int, error) {
	b := p.find(instance)
	if b == nil {
		return 0, nil
	}
	return b.ClearRetained(ctx, filter, 10_000)
}

func (p panelBrokers) Publish(ctx context.Context, instance string, m panel.Message) error {
	b, err := p.get(ctx, instance)
	if err != nil {
		return err
	}
	err = b.Publish(ctx, m.Topic, m.Payload, m.QoS, m.Retain)
	if refused, ok := errors.AsType[*broker.Refusal](err); ok {
		return &panel.Refused{Cause: refused.Words}
	}
	return err
}

func (p panelBrokers) Restart(ctx context.Context, instance string) error {
	return p.restart(ctx, instance, false)
}

func (p panelBrokers) Reset(ctx context.Context, instance string) error {
	return p.restart(ctx, instance, true)
}

func versionName(v mqtt.Version) string {
	switch v {
	case mqtt.V31:
		return "3.1"
	case mqtt.V311:
		return "3.1.1"
	default:
		return "5.0"
	}
}
