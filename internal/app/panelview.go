package app

import (
	"cmp"
	"slices"

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
