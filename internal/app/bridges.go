package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/bridge"
	"tsunagi/internal/config"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/outside"
	"tsunagi/internal/panel"
)

// bridging keeps the running bridges like the stored ones.
type bridging struct {
	*cloud
	manager *bridge.Manager

	mu      sync.Mutex // one reading at a time, so that an older one never comes last
	started bool       // guarded by mu
}

// openBridges makes the manager; the part of it in parts starts the bridges.
func (c *cloud) openBridges() error {
	inner, err := config.Networks(c.cfg.BridgeAllow)
	if err != nil {
		return err
	}
	c.bridges = &bridging{cloud: c}
	c.bridges.manager = bridge.New(bridge.Options{
		Broker: c.brokers.get, Find: c.brokers.find, Rights: c.innerRights(account.BridgeUser), Origin: c.accounts.Origin, Events: c.door.record, Log: c.log,
		Dial: (&outside.Dialer{Allow: inner}).DialContext, DialPlain: (&outside.Dialer{Allow: inner, Only: true}).DialContext,
	})
	c.accounts.OnChange(c.bridges.change)
	return nil
}

// part starts the bridges after the brokers and stops them before.
func (b *bridging) part() part {
	return part{"bridges", func(ctx context.Context) error {
		b.mu.Lock()
		b.started = true
		b.mu.Unlock()
		return b.read(ctx, "")
	}, b.manager.Stop}
}

// change follows what is changed of an instance; it doesn't wait.
func (b *bridging) change(c account.Change) {
	switch {
	case c.Deleted:
		b.manager.Set(c.Instance, nil, func(string) bool { return true }) // the broker deletes their sessions with the rest
	case c.Bridges:
		go func() { // ends when it has read once
			ctx, cancel := context.WithTimeout(context.Background(), stopTime)
			defer cancel()
			if err := b.read(ctx, c.Instance); err != nil {
				b.log.Error("bridges of an instance can't be read", "instance", c.Instance, "error", err)
			}
		}()
	}
}

// read makes the bridges of an instance, or of all (""), what the store says.
func (b *bridging) read(ctx context.Context, instance string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.started {
		return nil
	}
	var rows []account.Bridge
	err := b.kept.View(ctx, func(r account.Reader) (err error) {
		if rows, err = r.Bridges(instance); err != nil {
			return err
		}
		for i := range rows { // those of suspended accounts wait
			suspended, err := account.Suspended(r, rows[i].Instance)
			if err != nil {
				return err
			}
			rows[i].Enabled = rows[i].Enabled && !suspended
		}
		return nil
	})
	if err != nil {
		return err
	}
	byInstance := map[string][]account.Bridge{}
	if instance != "" {
		byInstance[instance] = nil
	}
	for _, row := range rows {
		byInstance[row.Instance] = append(byInstance[row.Instance], row)
	}
	for id, of := range byInstance {
		var list []bridge.Config
		for _, row := range of {
			if !row.Enabled {
				continue
			}
			config, err := b.config(row)
			if err != nil {
				return err
			}
			list = append(list, config)
		}
		b.manager.Set(id, list, func(gone string) bool {
			return slices.ContainsFunc(of, func(row account.Bridge) bool { return row.ID == gone })
		})
	}
	return nil
}

func (b *bridging) config(row account.Bridge) (bridge.Config, error) {
	password, err := b.accounts.BridgePassword(row)
	if err != nil {
		return bridge.Config{}, fmt.Errorf("bridge %s of instance %s: %w", row.ID, row.Instance, err)
	}
	c := bridge.Config{Instance: row.Instance, ID: row.ID, Name: row.Name, Address: row.Address, Roots: row.Roots, ClientID: row.ClientID,
		User: row.User, Password: password, Version: mqtt.V5, KeepAlive: time.Duration(row.KeepAlive) * time.Second}
	if row.Version == account.BridgeV311 {
		c.Version = mqtt.V311
	}
	for _, t := range row.Topics {
		c.Topics = append(c.Topics, bridge.Topic{Direction: string(t.Direction), Filter: t.Filter, Local: t.Local, Remote: t.Remote, QoS: byte(t.QoS)})
	}
	return c, nil
}

// State implements panel.Bridges.
func (b *bridging) State(instance, id string) panel.BridgeState {
	s, _ := b.manager.State(instance, id)
	return panel.BridgeState{State: s.State, Since: given(s.Since), LastError: s.LastError, LastErrorAt: given(s.LastErrorAt), NextTry: given(s.NextTry),
		Queued: s.Queued, Sent: s.Sent, Received: s.Received, Refused: s.Refused, LastRefusal: s.LastRefusal, Returned: s.Returned}
}

// Try implements panel.Bridges.
func (b *bridging) Try(ctx context.Context, row account.Bridge) ([]panel.BridgeStep, error) {
	c, err := b.config(row)
	if err != nil {
		return nil, err
	}
	var out []panel.BridgeStep
	for _, s := range b.manager.Try(ctx, c) {
		out = append(out, panel.BridgeStep{Stage: s.Stage, Problem: s.Problem, Cause: s.Cause, Filters: s.Filters})
	}
	return out, nil
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
