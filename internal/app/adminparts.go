package app

import (
	"context"
	"io"

	"tsunagi/internal/account"
	"tsunagi/internal/admin"
	"tsunagi/internal/broker"
	"tsunagi/internal/panel"
)

// adminBrokers are the running brokers as `tsunagi admin` sees them.
type adminBrokers struct{ *brokers }

// Clients implements admin.Brokers.
func (a adminBrokers) Clients(instance, contains string, away bool, limit int) ([]admin.Client, int) {
	q := panel.ClientQuery{Contains: contains, State: "connected", Sort: "client_id", Limit: limit}
	if away {
		q.State = ""
	}
	found := clientsOf(panelBrokers(a), instance, q, func(c broker.ClientInfo) admin.Client {
		return admin.Client{ClientID: c.ID, User: c.User, Connected: c.Connected, Since: c.Since, Remote: c.Remote, Via: c.Via, Version: versionName(c.Version),
			TLS: c.TLS, KeepAlive: c.KeepAlive, Expiry: expiry(c.SessionExpiry), Subscriptions: append([]string{}, c.Subscriptions...), Queue: c.Queued, QueueBytes: c.QueuedBytes,
			Inflight: c.Inflight, Lost: c.Lost}
	})
	return found.Items, found.Total
}

// Kick implements admin.Brokers.
func (a adminBrokers) Kick(instance, clientID string) bool {
	b := a.find(instance)
	return b != nil && b.Kick(clientID, "disconnected by who runs the server")
}

// Forget implements admin.Brokers.
func (a adminBrokers) Forget(instance, clientID string) bool {
	b := a.find(instance)
	return b != nil && b.Forget(clientID, "session ended by who runs the server")
}

// Restart implements admin.Brokers.
func (a adminBrokers) Restart(ctx context.Context, instance string) error {
	return a.restart(ctx, instance, false)
}

// adminHooks are the running hooks as `tsunagi admin` sees them.
type adminHooks struct{ *hooking }

// State implements admin.Hooks.
func (a adminHooks) State(instance, id string) admin.HookState {
	s := a.hooking.State(instance, id)
	return admin.HookState{State: s.State, Queued: s.Queued, LastError: s.LastError}
}

// Try implements admin.Hooks.
func (a adminHooks) Try(ctx context.Context, row account.Hook, e admin.HookSample) (admin.HookTried, error) {
	t, err := a.hooking.Try(ctx, row, panel.HookSample(e))
	return admin.HookTried(t), err
}

// adminHistory are the histories as `tsunagi admin` sees them.
type adminHistory struct{ *histories }

// Use implements admin.Histories.
func (a adminHistory) Use(ctx context.Context, instance string) (map[string]admin.HistoryUse, error) {
	found, err := a.histories.Use(ctx, instance)
	all := map[string]admin.HistoryUse{}
	for filter, u := range found {
		all[filter] = admin.HistoryUse(u)
	}
	return all, err
}

// Write implements admin.Histories.
func (a adminHistory) Write(ctx context.Context, instance string, w admin.HistoryWish, to io.Writer) error {
	return panel.WriteHistory(ctx, a.histories, instance, panel.HistoryQuery{Filter: w.Filter, From: w.From, To: w.To}, to)
}
