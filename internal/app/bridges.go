package app

import (
	"context"
	"fmt"
	"slices"
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
	mirror[account.Bridge]
	manager *bridge.Manager
}

// openBridges makes the manager; the part of it in parts starts the bridges.
func (c *cloud) openBridges() error {
	inner, err := config.Networks(c.cfg.BridgeAllow)
	if err != nil {
		return err
	}
	b := &bridging{}
	b.manager = bridge.New(bridge.Options{
		Broker: c.brokers.get, Find: c.brokers.find, Rights: c.innerRights(account.BridgeUser), Origin: c.accounts.Origin, Events: c.door.record, Log: c.log,
		Dial: (&outside.Dialer{Allow: inner}).DialContext, DialPlain: (&outside.Dialer{Allow: inner, Only: true}).DialContext,
	})
	b.mirror = mirror[account.Bridge]{cloud: c, name: "bridges", rows: account.Reader.Bridges, set: b.set, stop: b.manager.Stop,
		head: func(row *account.Bridge) (string, *bool) { return row.Instance, &row.Enabled },
		lost: func(instance string, err error) {
			c.log.Error("bridges of an instance can't be read", "instance", instance, "error", err)
		}}
	c.bridges = b
	c.accounts.OnChange(b.change)
	return nil
}

// change follows what is changed of an instance; it doesn't wait.
func (b *bridging) change(c account.Change) {
	switch {
	case c.Deleted:
		b.manager.Set(c.Instance, nil, func(string) bool { return true }) // the broker deletes their sessions with the rest
	case c.Bridges:
		b.follow(c.Instance)
	}
}

// set runs the bridges of an instance that are enabled, and no others.
func (b *bridging) set(instance string, rows []account.Bridge) error {
	var list []bridge.Config
	for _, row := range rows {
		if !row.Enabled {
			continue
		}
		c, err := b.config(row)
		if err != nil {
			return err
		}
		list = append(list, c)
	}
	b.manager.Set(instance, list, func(gone string) bool {
		return slices.ContainsFunc(rows, func(row account.Bridge) bool { return row.ID == gone })
	})
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
