package app

import (
	"context"
	"io"

	"tsunagi/internal/admin"
	"tsunagi/internal/panel"
)

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
