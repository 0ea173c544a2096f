package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"tsunagi/internal/broker"
	"tsunagi/internal/config"
	"tsunagi/internal/front"
	"tsunagi/internal/gate"
)

// serveDev runs the laptop and test mode: one broker for whoever is on this machine.
func serveDev(ctx context.Context, cfg *config.Serve, log *slog.Logger, s Streams) (err error) {
	dir := cfg.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "tsunagi-dev-"); err != nil {
			return &dataError{err}
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	c, err := newCore(ctx, reserve(dir, cfg.Store.ReserveMB), log)
	if err != nil {
		return err
	}
	c.brokers.limits = func(string) (broker.Limits, error) { return broker.Limits{}, nil }
	c.brokers.rights = func(string, string) (broker.Rights, bool) { return openRights{}, true }
	c.brokers.events = func(_ string, e broker.Event) {
		if e.Kind != "connected" && e.Kind != "disconnected" {
			log.Info("client", "kind", e.Kind, "client", e.Client, "remote", e.Remote, "topic", e.Topic, "gate", e.Gate, "cause", e.Cause)
		}
	}
	c.openGate(gate.Options{Door: openDoor{c.brokers}, Patience: cfg.Connect.Patience, PerAddress: cfg.Connect.Waiting, Waiting: cfg.Connect.Waiting,
		Refused: func(_ gate.Hello, e broker.Event) { c.brokers.events(devInstance, e) }})

	parts := []part{c.storing(), c.committing(), {name: "brokers", start: func(ctx context.Context) error {
		_, err := c.brokers.get(ctx, devInstance)
		return advise(dir, err)
	}}, c.gating(), tidying()}
	addresses := map[string]string{}
	if cfg.MQTT != config.Off {
		l, err := listen("mqtt", cfg.MQTT)
		if err != nil {
			return errors.Join(err, c.store.Close())
		}
		addresses["mqtt"] = l.Addr().String()
		parts = append(parts, c.accepting("mqtt", l, nil, true))
	}
	if cfg.HTTP != config.Off {
		l, err := listen("http", cfg.HTTP)
		if err != nil {
			return errors.Join(err, c.store.Close())
		}
		addresses["http"] = l.Addr().String()
		server := front.NewServer("http", l, nil, c.gate.WebSocket(gate.WebSocketOptions{Plain: true, Check: localPage}), log)
		parts = append(parts, part{"http", server.Start, server.Stop})
	}
	return runParts(ctx, log, parts, func() {
		fmt.Fprintf(s.Out, "Developer mode: no login, this machine only, data in %s\n", dir)
		if a := addresses["mqtt"]; a != "" {
			fmt.Fprintf(s.Out, "  MQTT        mqtt://%s\n", a)
		}
		if a := addresses["http"]; a != "" {
			fmt.Fprintf(s.Out, "  WebSocket   ws://%s/mqtt\n", a)
		}
		fmt.Fprintln(s.Out, "ready")
	}, c.failure.c)
}

// localPage refuses requests that a page from elsewhere made a browser on this machine send: a Host that isn't a
// loopback name (DNS rebinding), or an Origin that isn't one.
func localPage(r *http.Request) error {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if !config.Loopback(net.JoinHostPort(strings.Trim(host, "[]"), "0")) {
		return errors.New("developer mode answers to localhost only")
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || !config.Loopback(net.JoinHostPort(u.Hostname(), "0")) {
		return errors.New("developer mode answers to pages from this machine only")
	}
	return nil
}
