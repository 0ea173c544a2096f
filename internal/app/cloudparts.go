package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/admin"
	"tsunagi/internal/cert"
	"tsunagi/internal/config"
	"tsunagi/internal/front"
	"tsunagi/internal/gate"
	"tsunagi/internal/metrics"
)

// listen opens every door of the settings.
func (c *cloud) listen() (err error) {
	for _, d := range []struct {
		setting, addr string
		into          *net.Listener
	}{
		{"https", c.cfg.HTTPS, &c.doors.https}, {"mqtts", c.cfg.MQTTS, &c.doors.mqtts}, {"mqtts_device", c.cfg.MQTTSDevice, &c.doors.device},
		{"mqtt", c.cfg.MQTT, &c.doors.mqtt}, {"http", c.cfg.HTTP, &c.doors.http},
		{"metrics", c.cfg.Metrics, &c.doors.metrics},
	} {
		if d.addr == config.Off {
			continue
		}
		if *d.into, err = listen(d.setting, d.addr); err != nil {
			return err
		}
	}
	return nil
}

// port is the number of a listener's port as text, "" of none.
func (doors) port(l net.Listener) string {
	if l == nil {
		return ""
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return ""
	}
	return port
}

// close closes what was opened; the process ends anyway.
func (d *doors) close() {
	for _, l := range []net.Listener{d.https, d.mqtts, d.device, d.mqtt, d.http, d.metrics} {
		if l != nil {
			_ = l.Close() // nothing was accepted yet
		}
	}
}

// parts are all parts in the order of their start: what is stopped first stands last.
func (c *cloud) parts() []part {
	list := []part{{name: "store", stop: func(context.Context) error { return c.closeStores() }}, {name: "mail", stop: func(ctx context.Context) error { c.accounts.Flush(ctx); return nil }}, c.logging(), c.committing(), c.door.tripwire.part(),
		{name: "brokers", start: func(ctx context.Context) error {
			return advise(c.cfg.Data, c.brokers.openStored(ctx, c.existsOrError))
		}},
		runs("statistics", c.statistics.Run), c.gating(), c.bridges.part(), c.hooks.part(), c.histories.part(), c.rechecking(), tidying(),
	}
	if l := c.doors.mqtts; l != nil {
		list = append(list, c.accepting("mqtts", l, c.tls("mqtt"), false))
	}
	if l := c.doors.device; l != nil {
		list = append(list, c.acceptingDevices(l))
	}
	if l := c.doors.mqtt; l != nil {
		list = append(list, c.accepting("mqtt", l, nil, c.cfg.Plain))
	}
	socket := admin.NewServer(c.cfg.Data, c.accounts, c.texts.text, c.log)
	socket.OnBackup(func(ctx context.Context, w io.Writer) error {
		return writeBackup(ctx, c.store, c.cfg.Data, c.copyAccounts, w)
	})
	socket.OnOwnerLink(c.ownerLink)
	socket.OnHistory(adminHistory{c.histories})
	socket.OnAPI(c.panel.Inside(), c.panel.EndStreams)
	list = append(list, part{socket.Name(), socket.Start, socket.Stop})
	if c.billing != nil {
		list = append(list, runs("billing", c.billing.Run))
	}
	if c.flows != nil {
		list = append(list, part{"flow servers", c.startFlows, c.flows.Close})
	}
	if c.hub != nil {
		list = append(list, part{name: "devices", stop: c.hub.Close})
	}
	pages := front.NewPlaces(max(gate.SpareFiles()/2, 16)) // the rest is the store's and the operator's
	if l := c.doors.https; l != nil {
		server := front.NewServer("https", c.gate.Listener(l), c.tls("h2", "http/1.1", "mqtt"), c.sites, c.log)
		server.Speak("mqtt", c.gate.NextProto)
		server.Bound(pages)
		if c.acme != nil { // the handshake is all that the authority wants
			server.Speak(cert.Protocol, func(*http.Server, *tls.Conn, http.Handler) {})
		}
		server.OnStop(c.gate.Recall)
		server.OnStop(c.panel.EndStreams)
		if c.hub != nil {
			server.OnStop(c.endTunnels)
		}
		list = append(list, part{"https", server.Start, server.Stop})
	}
	if l := c.doors.http; l != nil {
		handler := c.httpHandler()
		if c.acme != nil {
			handler = c.acme.Handler(handler)
		}
		server := front.NewServer("http", c.gate.Listener(l), nil, handler, c.log)
		server.Bound(pages)
		if c.cfg.BehindProxy {
			server.OnStop(c.panel.EndStreams)
			if c.hub != nil {
				server.OnStop(c.endTunnels)
			}
		}
		list = append(list, part{"http", server.Start, server.Stop})
	}
	list = append(list, c.certifying()) // behind the doors, by which an authority checks us
	if l := c.doors.metrics; l != nil {
		started := time.Now()
		server := metrics.NewServer(l, func(p *metrics.Page) {
			operatorMetrics(p, c.brokers, c.gate, c.health, started)
			certificateMetrics(p, c.certificates())
		}, ready(c.health), c.log)
		list = append(list, part{"metrics", server.Start, server.Stop})
	}
	return list
}

// httpHandler is what the plain listener serves: the way to https, or in one-port mode everything that comes through
// the proxy.
func (c *cloud) httpHandler() http.Handler {
	if c.cfg.BehindProxy {
		from, _ := config.Networks(c.cfg.ForwardedFrom) // Validate has read them
		return &front.Forwarded{From: from, Base: c.panelURL(), Ours: c.sites.Ours, Health: ready(c.health), Site: c.sites}
	}
	handler := front.Redirect(c.doors.port(c.doors.https), c.cfg.Domain, c.sites.Ours)
	if c.cfg.Plain {
		handler = c.plainHTTP(handler)
	}
	return handler
}

// plainHTTP lets MQTT over WebSocket in without TLS; everything else is shown the way to https.
func (c *cloud) plainHTTP(other http.Handler) http.Handler {
	socket := c.gate.WebSocket(gate.WebSocketOptions{Plain: true, Check: c.door.checkPage})
	mux := http.NewServeMux()
	mux.Handle("/mqtt", socket)
	mux.Handle("/mqtt/{instance}", socket)
	mux.Handle("/", other)
	return mux
}

// logging is the journal as a part: it stores what waits when it stops.
func (c *cloud) logging() part { return runs("journal", c.journal.Run) }

// runs is a part with one goroutine, which does what is left when its context ends.
func runs(name string, run func(context.Context) error) part {
	ended := make(chan error, 1)
	var cancel context.CancelFunc
	return part{
		name: name,
		start: func(ctx context.Context) error {
			ctx, cancel = context.WithCancel(ctx)
			go func() { ended <- run(ctx) }() // ends with its context
			return nil
		},
		stop: func(ctx context.Context) error {
			cancel()
			select {
			case err := <-ended:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
}

func (c *cloud) existsOrError(instance string) (bool, error) {
	_, err := c.readInstance(instance)
	if errors.Is(err, account.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// greeting is what a person sees at the start: every address, and the owner link while there is no owner.
func (c *cloud) greeting(ctx context.Context) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "Tsunagi %s, data in %s\n", Version, c.cfg.Data)
	line := func(name, format string, a ...any) { fmt.Fprintf(&b, "  %-12s %s\n", name, fmt.Sprintf(format, a...)) }
	if c.doors.https != nil || c.cfg.BehindProxy {
		line("panel", "%s/", c.panelURL())
		line("WebSocket", "wss://%s/mqtt", strings.TrimPrefix(c.panelURL(), "https://"))
	}
	if c.doors.https != nil {
		line("MQTT (ALPN)", "mqtts://%s with ALPN mqtt", net.JoinHostPort(c.cfg.Domain, c.doors.port(c.doors.https)))
	}
	if c.doors.mqtts != nil {
		line("MQTT (TLS)", "mqtts://%s:%s", c.cfg.Domain, c.doors.port(c.doors.mqtts))
	}
	if c.doors.device != nil {
		line("MQTT (small)", "mqtts://%s:%s, for small devices", c.cfg.Domain, c.doors.port(c.doors.device))
	}
	if l := c.doors.http; l != nil && c.cfg.BehindProxy {
		line("one port", "http://%s, for the proxy in front alone", l.Addr())
	} else if l != nil && c.cfg.Plain {
		line("WebSocket", "ws://%s/mqtt, without TLS", l.Addr())
	} else if l != nil {
		line("http", "port %s only shows the way to https", c.doors.port(l))
	}
	if l := c.doors.mqtt; l != nil && c.cfg.Plain {
		line("plain MQTT", "mqtt://%s, without TLS", l.Addr())
	} else if l != nil {
		line("plain MQTT", "port %s is refused with the way to TLS", c.doors.port(l))
	}
	if c.doors.metrics != nil {
		line("metrics", "http://%s/metrics", c.doors.metrics.Addr())
	}
	if c.authority != nil {
		line("authority", "%s/ca/ca.pem (clients need it: --cafile)", c.cfg.Data)
		line("", "SHA-256 %s", c.authority.Fingerprint())
	}
	if c.acme != nil {
		line("certificates", "by ACME for %s; until they are there, browsers warn", c.cfg.Domain)
	}
	link, err := c.ownerLink(ctx)
	if err != nil {
		return "", err
	}
	if link != "" {
		fmt.Fprintf(&b, "\nNobody owns this installation yet. This link works once; open it and choose e-mail and password:\n\n  %s\n\n", link)
	}
	b.WriteString("ready\n")
	return b.String(), nil
}

// ownerLink is a new single-use link with which somebody becomes the owner; "" where there is one.
func (c *cloud) ownerLink(ctx context.Context) (string, error) {
	token, err := c.accounts.OwnerToken(ctx)
	if err != nil || token == "" {
		return "", err
	}
	return c.panelURL() + "/welcome#token=" + token, nil
}
