package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/cert"
	"tsunagi/internal/dns01"
	"tsunagi/internal/metrics"
	"tsunagi/internal/panel"
)

// openCertificates opens what the TLS listeners show; without one of them there is nothing to show.
func (c *cloud) openCertificates() (err error) {
	if c.doors.device != nil {
		if c.small, err = cert.OpenDeviceAuthority(filepath.Join(c.cfg.Data, "ca", "devices"), c.ownNames()...); err != nil {
			return &dataError{err}
		}
	}
	if c.doors.https == nil && c.doors.mqtts == nil {
		return nil
	}
	if c.cfg.TLS.Cert != "" {
		c.files, err = cert.OpenFiles(c.cfg.TLS.Cert, c.cfg.TLS.Key, c.log)
		return err
	}
	dir := filepath.Join(c.cfg.Data, "ca")
	if c.cfg.TLS.ACME {
		fallback, err := cert.OpenAuthority(dir)
		if err != nil {
			return &dataError{err}
		}
		return c.openACME(fallback)
	}
	if c.authority, err = cert.OpenAuthority(dir, c.ownNames()...); err != nil {
		return &dataError{err}
	}
	return nil
}

// ownNames are those of the settings that an authority of our own may have to sign.
func (c *cloud) ownNames() []string {
	if c.cfg.Domain == "localhost" {
		return c.cfg.Names
	}
	return append([]string{c.cfg.Domain}, c.cfg.Names...)
}

// deviceDoor is what small devices are told: the port and the authority that they trust. Where the ordinary door shows
// the local authority's certificate, that will do; else there is none.
func (c *cloud) deviceDoor() panel.DeviceDoor {
	switch {
	case c.small != nil:
		return panel.DeviceDoor{Port: number(c.doors.port(c.doors.device)), Header: c.small.CArray()}
	case c.authority != nil && c.doors.mqtts != nil:
		return panel.DeviceDoor{Port: number(c.doors.port(c.doors.mqtts)), Header: c.authority.CArray()}
	}
	return panel.DeviceDoor{}
}

// openACME makes the client of the public authority.
func (c *cloud) openACME(fallback *cert.Authority) (err error) {
	o := cert.ACMEOptions{
		Dir: filepath.Join(c.cfg.Data, "acme"), Names: append([]string{c.cfg.Domain}, c.cfg.Names...),
		Zones: []string{c.cfg.Domain, "flows." + c.cfg.Domain}, Email: c.cfg.TLS.Email, Directory: c.cfg.TLS.Directory,
		KeyID: c.cfg.TLS.KeyID, Key: c.cfg.TLS.KeySecret, HTTP: address(c.doors.http), HTTPS: address(c.doors.https), Fallback: fallback, Log: c.log,
	}
	if name := c.cfg.TLS.Roots; name != "" {
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("tls.roots: %w", err)
		}
		if o.Roots = x509.NewCertPool(); !o.Roots.AppendCertsFromPEM(text) {
			return fmt.Errorf("tls.roots %s: want certificates in PEM", name)
		}
	}
	if d := c.cfg.DNS; d.Provider != "" {
		if o.Records, err = dns01.New(dns01.Options(d)); err != nil {
			return err
		}
	}
	if c.acme, err = cert.OpenACME(o); err == nil {
		ownHosts{c}.follow()
	}
	return err
}

// address is where a listener listens; nil of none.
func address(l net.Listener) net.Addr {
	if l == nil {
		return nil
	}
	return l.Addr()
}

// listenerTLS is the configuration of a TLS listener by where certificates come from.
func (c *cloud) listenerTLS(alpn []string) *tls.Config {
	switch {
	case c.files != nil:
		return c.files.TLSConfig(alpn...)
	case c.acme != nil:
		return c.acme.TLSConfig(alpn...)
	}
	return c.authority.TLSConfig(c.servesName, alpn...)
}

// acceptingDevices serves the listener for small devices until the gate stops.
func (c *cloud) acceptingDevices(l net.Listener) part {
	return part{name: "mqtts_device", start: func(context.Context) error {
		go func() { // ends when the gate closes the listener
			if err := c.gate.ServeDevices(l, c.deviceTLS()); err != nil {
				c.failure.fail(fmt.Errorf("mqtts_device: %w", err))
			}
		}()
		return nil
	}}
}

// certificates tells how every served certificate is.
func (c *cloud) certificates() []cert.State {
	switch {
	case c.files != nil:
		return c.files.State()
	case c.acme != nil:
		return c.acme.State()
	case c.authority != nil:
		return c.authority.State()
	}
	return nil
}

// panelCertificates shows them to the owner.
func (c *cloud) panelCertificates() (list []panel.Certificate) {
	now := time.Now()
	for _, s := range c.certificates() {
		list = append(list, panel.Certificate{Names: s.Names, Source: s.Source, Issuer: s.Issuer, NotBefore: moment(s.NotBefore), NotAfter: moment(s.NotAfter),
			Problem: s.Problem, Since: moment(s.Since), Missing: s.Missing, Late: s.Late(now)})
	}
	return list
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// certificateMetrics are for alarms: the end of each certificate, and whether the last attempt to renew it failed.
func certificateMetrics(p *metrics.Page, list []cert.State) {
	for _, s := range list {
		if !s.NotAfter.IsZero() {
			p.Gauge("tsunagi_certificate_end_seconds", "End of a served certificate, in seconds since 1970.", float64(s.NotAfter.Unix()), "name", s.Names[0], "source", s.Source)
		}
	}
	for _, s := range list {
		p.Gauge("tsunagi_certificate_problem", "1 while a certificate can't be had or renewed.", truth(s.Problem != ""), "name", s.Names[0], "source", s.Source)
	}
}

// How often certificates are looked at, and the owners written to.
const (
	certificateLook  = time.Hour
	certificateAgain = 3 * 24 * time.Hour
	filesLook        = time.Minute
)

// alarm writes to the owners about certificates that somebody must look after.
type alarm struct {
	states func() []cert.State
	warn   func(ctx context.Context, args ...any)
	sent   map[string]time.Time // by name
}

// check writes one letter for each certificate that is late, again after some days.
func (a *alarm) check(ctx context.Context, now time.Time) {
	for _, s := range a.states() {
		name := strings.Join(s.Names, ", ")
		if !s.Late(now) {
			delete(a.sent, name)
			continue
		}
		if last, ok := a.sent[name]; ok && now.Sub(last) < certificateAgain {
			continue
		}
		a.sent[name] = now
		end, cause := "–", s.Problem
		if !s.NotAfter.IsZero() {
			end = s.NotAfter.UTC().Format("2006-01-02 15:04 UTC")
		}
		if cause == "" {
			cause = "–"
		}
		a.warn(ctx, "name", name, "end", end, "cause", cause)
	}
}

// certifying renews certificates and looks after those that others renew.
func (c *cloud) certifying() part {
	var cancel context.CancelFunc
	var work sync.WaitGroup
	start := func(ctx context.Context) error {
		ctx, cancel = context.WithCancel(ctx)
		if c.files != nil {
			work.Go(func() { c.files.Watch(ctx, filesLook) }) // ends with ctx
		}
		a := &alarm{states: c.certificates, sent: map[string]time.Time{}, warn: func(ctx context.Context, args ...any) {
			c.log.Error("a certificate needs somebody to look after it", args...)
			c.accounts.WarnOwners(ctx, account.LetterCertificate, args...)
		}}
		work.Go(func() { // ends with ctx
			tick := time.NewTicker(certificateLook)
			defer tick.Stop()
			for {
				a.check(ctx, time.Now())
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
			}
		})
		if c.acme != nil {
			return c.acme.Start(ctx)
		}
		return nil
	}
	stop := func(ctx context.Context) error {
		cancel()
		work.Wait()
		if c.acme != nil {
			return c.acme.Stop(ctx)
		}
		return nil
	}
	return part{name: "certificates", start: start, stop: stop}
}
