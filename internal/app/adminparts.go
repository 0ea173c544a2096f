package app

import (
	"context"
	"io"

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
