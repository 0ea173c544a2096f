package app

import (
	"context"
	"errors"
	"path/filepath"
	"sync"

	"tsunagi/internal/account"
	"tsunagi/internal/history"
	"tsunagi/internal/panel"
)

// histories keep what the instances' people chose.
type histories struct {
	*cloud
	manager *history.Manager

	mu      sync.Mutex // one reading at a time, so that an older one never comes last
	started bool       // guarded by mu
}

// openHistories makes the manager; the part of it in parts starts it.
func (c *cloud) openHistories() {
	h := &histories{cloud: c}
	h.manager = history.New(history.Options{Dir: filepath.Join(c.cfg.Data, historyName), Broker: c.brokers.get, Find: c.brokers.find,
		Rights: c.innerRights(account.HistoryUser), Log: c.log})
	c.histories = h
	c.accounts.OnChange(h.change)
}

// part starts the histories after the brokers and stops them before.
func (h *histories) part() part {
	return part{"history", func(ctx context.Context) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.started = true
		all, rests, err := h.accounts.Histories(ctx)
		for instance, list := range all {
			h.set(instance, list, rests[instance])
		}
		return err
	}, h.manager.Stop}
}

// change follows what is changed of an instance; it doesn't wait.
func (h *histories) change(c account.Change) {
	switch {
	case c.Deleted:
		h.manager.Set(c.Instance, nil)
	case c.History:
		go func() { // ends when it has read once
			h.mu.Lock()
			defer h.mu.Unlock()
			ctx, cancel := context.WithTimeout(context.Background(), stopTime)
			defer cancel()
			all, rests, err := h.accounts.Histories(ctx)
			if err != nil {
				h.log.Error("histories can't be read", "error", err)
			} else if h.started {
				h.set(c.Instance, all[c.Instance], rests[c.Instance])
			}
		}()
	}
}

func (h *histories) set(instance string, list []account.HistoryFilter, rests bool) {
	if rests {
		h.manager.Rest(instance, list)
	} else {
		h.manager.Set(instance, list)
	}
}

// none makes an empty history of an instance that keeps nothing.
func none(err error) error {
	if errors.Is(err, history.ErrOff) {
		return nil
	}
	return err
}

// Read implements panel.Histories.
func (h *histories) Read(ctx context.Context, instance string, q panel.HistoryQuery) ([]panel.HistoryMessage, int64, error) {
	found, next, err := h.manager.Read(ctx, instance, history.Query(q))
	list := make([]panel.HistoryMessage, 0, len(found))
	for _, m := range found {
		list = append(list, panel.HistoryMessage{ID: m.ID, Time: m.Time, Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain, Client: m.Client})
	}
	return list, next, none(err)
}

// Topics implements panel.Histories.
func (h *histories) Topics(ctx context.Context, instance string, limit int) (list []panel.HistoryTopic, err error) {
	found, err := h.manager.Topics(ctx, instance, limit)
	for _, t := range found {
		list = append(list, panel.HistoryTopic(t))
	}
	return list, none(err)
}

// Use implements panel.Histories.
func (h *histories) Use(ctx context.Context, instance string) (map[string]panel.HistoryUse, error) {
	found, err := h.manager.Use(ctx, instance)
	all := map[string]panel.HistoryUse{}
	for filter, u := range found {
		all[filter] = panel.HistoryUse(u)
	}
	return all, none(err)
}
