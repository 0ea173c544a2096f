package app

import (
	"context"
	"io"

	"tsunagi/internal/account"
	"tsunagi/internal/admin"
	"tsunagi/internal/panel"
)

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
