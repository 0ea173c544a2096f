package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"tsunagi/internal/config"
	"tsunagi/internal/editor"
	"tsunagi/internal/front"
	"tsunagi/internal/home"
	"tsunagi/internal/link"
)

// openLAN makes what a machine without screen shows in its own network: the page of its first owner, beside the editor
// on one port, and what is announced of it. It returns the listener that the editor has then. alone: it is not paired.
func openLAN(cfg *config.Flow, l net.Listener, login *editor.Login, alone bool, failed *failure, log *slog.Logger) (net.Listener, home.Service, []part) {
	tls, plain := front.Split(l)
	_, port, _ := net.SplitHostPort(l.Addr().String()) // of a listener: it has one
	page := &home.First{Title: cfg.Title, Port: port, Log: log,
		Code: func() string {
			if !alone {
				return "" // the owner is the platform's
			}
			return login.OwnerCode()
		},
		Pair: func(r *http.Request, platform, code, pin string) error {
			var ca []byte
			if cfg.CA != "" {
				var err error
				if ca, err = os.ReadFile(cfg.CA); err != nil {
					return err
				}
			}
			if _, err := link.Pair(r.Context(), link.Ask{Dir: cfg.Data, URL: platform, Code: code, Pin: pin, CA: ca, Version: Version}); err != nil {
				return err
			}
			log.Info("this device is paired", "platform", platform, "remote", r.RemoteAddr)
			time.AfterFunc(200*time.Millisecond, func() { failed.fail(errRestart) }) // the answer goes out before
			return nil
		}}
	first := front.NewServer("first", plain, nil, page, log)
	here := home.Service{Type: "_tsunagi._tcp", Port: number(port), Text: []string{"version=" + Version}}
	return tls, here, []part{{first.Name(), first.Start, first.Stop}}
}

// announcing answers mDNS questions for what this machine offers.
func announcing(services []home.Service, log *slog.Logger) part {
	stop := func() error { return nil }
	return part{name: "mdns", start: func(context.Context) error {
		end, err := home.Announce(services, log)
		if err != nil { // without it the machine works, and is found by its address
			log.Warn("not announced", "error", err)
			return nil
		}
		stop = end
		return nil
	}, stop: func(context.Context) error { return stop() }}
}
