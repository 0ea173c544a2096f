package app

import (
	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/panel"
)

var (
	clientOrders = map[string]broker.ClientOrder{
		"client_id": broker.ByID, "since": broker.BySince, "queue": broker.ByQueue, "traffic": broker.ByTraffic, "lost": broker.ByLost,
	}
	clientStates = map[string]broker.ClientState{"": broker.AnyState, "connected": broker.OnlyConnected, "away": broker.OnlyAway}
)

func (p panelBrokers) Connections(instance string, q panel.ClientQuery) panel.Clients[panel.Connection] {
	q.State = "connected"
	return clientsOf(p, instance, q, showConnection)
}

func (p panelBrokers) Sessions(instance string, q panel.ClientQuery) panel.Clients[panel.Session] {
	return clientsOf(p, instance, q, showSession)
}

func (p panelBrokers) Session(instance, clientID, user string) (panel.Session, bool) {
	b := p.find(instance)
	if b == nil {
		return panel.Session{}, false
	}
	if clientID != "" {
		c, ok := b.Session(clientID)
		return showSession(c), ok
	}
	for _, state := range []broker.ClientState{broker.OnlyConnected, broker.OnlyAway} {
		if found := b.Page(broker.ClientQuery{State: state, User: user, Limit: 1}); user != "" && found.Total > 0 {
			return showSession(found.Clients[0]), true
		}
	}
	return panel.Session{}, false
}

func clientsOf[T any](p panelBrokers, instance string, q panel.ClientQuery, show func(broker.ClientInfo) T) panel.Clients[T] {
	b := p.find(instance)
	if b == nil {
		return panel.Clients[T]{}
	}
	found := b.Page(broker.ClientQuery{State: clientStates[q.State], Contains: q.Contains, Order: clientOrders[q.Sort], Down: q.Down,
		After: (*broker.ClientMark)(q.After), Skip: q.Skip, Limit: q.Limit})
	out := panel.Clients[T]{Total: found.Total, Next: (*panel.ClientMark)(found.Next), Items: make([]T, 0, len(found.Clients))}
	for _, c := range found.Clients {
		out.Items = append(out.Items, show(c))
	}
	return out
}

func showConnection(c broker.ClientInfo) panel.Connection {
	return panel.Connection{
		ClientID: c.ID, User: c.User, Remote: c.Remote, Via: c.Via, Version: versionName(c.Version), ConnectedAt: c.Since,
		KeepAlive: c.KeepAlive, Subscriptions: len(c.Subscriptions), Queue: c.Queued, QueueBytes: c.QueuedBytes, Inflight: c.Inflight,
		TLS: c.TLS, Expiry: expiry(c.SessionExpiry), Web: c.Web, MessagesIn: c.MessagesIn, MessagesOut: c.MessagesOut,
		BytesIn: c.BytesIn, BytesOut: c.BytesOut, Lost: c.Lost,
	}
}

func showSession(c broker.ClientInfo) panel.Session {
	out := panel.Session{ClientID: c.ID, User: c.User, Connected: c.Connected, Web: c.Web, Since: c.Since,
		Expiry: expiry(c.SessionExpiry), Subscriptions: append([]string{}, c.Subscriptions...), Queue: c.Queued, QueueBytes: c.QueuedBytes, Inflight: c.Inflight,
		MessagesIn: c.MessagesIn, MessagesOut: c.MessagesOut, Dropped: c.Dropped, Lost: c.Lost}
	if c.Connected {
		out.Remote, out.Via, out.Version, out.TLS, out.KeepAlive = c.Remote, c.Via, versionName(c.Version), c.TLS, c.KeepAlive
	}
	return out
}

// expiry is a session's as the API shows it.
func expiry(seconds uint32) int64 {
	if seconds == mqtt.SessionForever {
		return -1
	}
	return int64(seconds)
}
