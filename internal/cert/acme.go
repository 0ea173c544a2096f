package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Protocol is what the authority speaks while it checks a name by TLS-ALPN-01 (RFC 8737).
const Protocol = "acme-tls/1"

// ACMEOptions of OpenACME. Dir, Names and Email must be set.
type ACMEOptions struct {
	Dir        string         // where account and certificates are kept
	Names      []string       // that the authority checks over the network; the first is for clients that name none
	Zones      []string       // domains whose direct sub-names get a wildcard certificate; they need Records
	Email      string         // whom the authority writes to
	Directory  string         // of the authority; "" is Let's Encrypt's
	Roots      *x509.CertPool // of the directory's own certificate; nil: the system's
	KeyID, Key string         // external account binding, where the authority wants one
	HTTP       net.Addr       // our listeners, which the authority must reach as port 80 and 443; nil closes that way
	HTTPS      net.Addr
	Records    Records // nil: no wildcards
	Fallback   *Authority
	Log        *slog.Logger
}

// Records sets and removes TXT records of the public DNS. Set returns when the record can be seen.
type Records interface {
	Set(ctx context.Context, name, value string) error
	Remove(ctx context.Context, name, value string) error
}

// ACME keeps certificates of a public authority (RFC 8555) fresh. A name without one yet, and addresses, are served by
// the fallback. Renewal begins when a third of the life is left; connections that stand keep what they began with.
type ACME struct {
	o       ACMEOptions
	cache   *certmagic.Cache
	config  *certmagic.Config
	issuer  *certmagic.ACMEIssuer
	managed []string
	cancel  context.CancelFunc

	ownConfig *certmagic.Config // of customers' names, see SetOwn
	own       owns

	mu     sync.Mutex
	faults map[string]Fault // by managed name, of the last attempt
}

// Fault is a failure to get or renew a certificate.
type Fault struct {
	Cause string
	Since time.Time // first of the attempts that failed in a row
}

// OpenACME reads what is kept. It asks nobody before Start.
func OpenACME(o ACMEOptions) (*ACME, error) {
	o.Log = discard(o.Log)
	names, err := cleanNames(o.Names)
	if err != nil {
		return nil, err
	}
	a := &ACME{o: o, faults: map[string]Fault{}}
	for _, n := range names {
		if net.ParseIP(n) == nil {
			a.managed = append(a.managed, n)
		}
	}
	if len(a.managed) == 0 {
		return nil, errors.New("certificates by ACME need a public name: set domain")
	}
	if o.Records != nil {
		for _, z := range o.Zones {
			a.managed = append(a.managed, "*."+cleanName(z))
		}
	}
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "message", SkipLineEnding: true}),
		zapcore.AddSync(warnings{o.Log}), zap.WarnLevel))
	a.cache = certmagic.NewCache(certmagic.CacheOptions{Logger: log, GetConfigForCert: a.configOf})
	open := func(template certmagic.ACMEIssuer) (*certmagic.Config, *certmagic.ACMEIssuer) {
		config := certmagic.New(a.cache, certmagic.Config{
			Storage: &certmagic.FileStorage{Path: filepath.Clean(o.Dir)}, DefaultServerName: a.managed[0], Logger: log, OnEvent: a.event,
			KeySource: certmagic.StandardKeyGenerator{KeyType: certmagic.P256}, OCSP: certmagic.OCSPConfig{DisableStapling: true},
		})
		issuer := certmagic.NewACMEIssuer(config, template)
		config.Issuers = []certmagic.Issuer{issuer}
		return config, issuer
	}
	a.config, a.issuer = open(a.template(log))
	own := a.template(log)
	own.DNS01Solver = nil // their zones aren't ours, and with a solver the other ways are closed
	a.ownConfig, _ = open(own)
	return a, nil
}

// configOf renews a certificate in the way it was obtained.
func (a *ACME) configOf(c certmagic.Certificate) (*certmagic.Config, error) {
	if len(c.Names) > 0 && !slices.Contains(a.managed, c.Names[0]) {
		return a.ownConfig, nil
	}
	return a.config, nil
}

func (a *ACME) template(log *zap.Logger) certmagic.ACMEIssuer {
	t := certmagic.ACMEIssuer{CA: a.o.Directory, Email: a.o.Email, Agreed: true, TrustedRoots: a.o.Roots, Logger: log,
		DisableHTTPChallenge: a.o.HTTP == nil, DisableTLSALPNChallenge: a.o.HTTPS == nil}
	if t.CA == "" {
		t.CA = certmagic.LetsEncryptProductionCA
	}
	if a.o.KeyID != "" {
		t.ExternalAccount = &acme.EAB{KeyID: a.o.KeyID, MACKey: a.o.Key}
	}
	if tcp, ok := a.o.HTTP.(*net.TCPAddr); ok { // in use by us: the library then leaves the answer to ServeHTTP
		t.AltHTTPPort, t.ListenHost = tcp.Port, listenHost(tcp)
	}
	if tcp, ok := a.o.HTTPS.(*net.TCPAddr); ok {
		t.AltTLSALPNPort = tcp.Port
	}
	if a.o.Records != nil {
		t.DNS01Solver = solver{a.o.Records}
	}
	return t
}

func listenHost(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return ""
	}
	return a.IP.String()
}

// Start begins to get and renew; Stop ends it. Failures are tried again, more and more seldom, for weeks.
func (a *ACME) Start(ctx context.Context) error {
	ctx, a.cancel = context.WithCancel(ctx)
	a.beginOwn(ctx)
	var wanted []string
	for _, name := range a.managed {
		if strings.HasPrefix(name, "*.") || a.o.HTTP != nil || a.o.HTTPS != nil || a.o.Records != nil {
			wanted = append(wanted, name)
		}
	}
	return a.config.ManageAsync(ctx, wanted)
}

// Stop ends what is under way.
func (a *ACME) Stop(context.Context) error {
	if a.cancel != nil {
		a.cancel()
	}
	a.own.work.Wait()
	a.cache.Stop()
	return nil
}

// event notes how attempts end.
func (a *ACME) event(ctx context.Context, event string, data map[string]any) error {
	name, _ := data["identifier"].(string)
	level := slog.LevelError
	if !slices.Contains(a.managed, name) {
		level = slog.LevelInfo // a customer's own, whose records are the customer's to put right
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch event {
	case "cert_obtained":
		delete(a.faults, name)
		a.o.Log.Info("certificate obtained", "name", name)
	case "cert_failed":
		f := a.faults[name]
		if f.Since.IsZero() {
			f.Since = time.Now()
		}
		if err, ok := data["error"].(error); ok {
			f.Cause = causeOf(err)
		}
		a.faults[name] = f
		a.o.Log.Log(ctx, level, "certificate not obtained, it is tried again", "name", name, "error", f.Cause)
	}
	return nil
}

// causeOf is what the authority says, without the steps that led there.
func causeOf(err error) string {
	var p acme.Problem
	if errors.As(err, &p) {
		text := p.Detail
		for _, sub := range p.Subproblems {
			text += "; " + sub.Detail
		}
		return clip(strings.TrimPrefix(p.Type, acme.ProblemTypeNamespace)+": "+text, maxCause)
	}
	return clip(err.Error(), maxCause)
}

// maxCause bounds the texts of failures, in bytes.
const maxCause = 500

func clip(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// Handler answers the authority's questions over plain HTTP (HTTP-01) and leaves all else to next.
func (a *ACME) Handler(next http.Handler) http.Handler { return a.issuer.HTTPChallengeHandler(next) }

// TLSConfig returns a configuration for a listener; one for HTTPS also answers TLS-ALPN-01.
func (a *ACME) TLSConfig(alpn ...string) *tls.Config {
	other := a.o.Fallback.TLSConfig(nil)
	if slices.Contains(alpn, "http/1.1") {
		alpn = append(slices.Clone(alpn), Protocol)
	}
	return config(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if slices.Contains(hello.SupportedProtos, Protocol) && len(hello.SupportedProtos) == 1 {
			return a.config.GetCertificate(hello)
		}
		if crt := a.find(cleanName(hello.ServerName)); crt != nil {
			return crt, nil
		}
		return other.GetCertificate(hello)
	}, alpn)
}

// find is the certificate in use for a name; nil: there is none yet, or none that hasn't ended.
func (a *ACME) find(name string) *tls.Certificate {
	if name == "" {
		name = a.managed[0]
	}
	var best *tls.Certificate
	for _, c := range a.cache.AllMatchingCertificates(name) {
		if time.Now().Before(c.Leaf.NotAfter) && (best == nil || c.Leaf.NotAfter.After(best.Leaf.NotAfter)) {
			best = &c.Certificate
		}
	}
	return best
}

// State tells how every certificate is.
func (a *ACME) State() []State {
	var list []State
	for _, name := range a.managed {
		s := State{Names: []string{name}, Source: "acme"}
		if crt := a.stored(name); crt != nil {
			s.of(crt)
		}
		a.mu.Lock()
		f := a.faults[name]
		a.mu.Unlock()
		s.Problem, s.Since = f.Cause, f.Since
		list = append(list, s)
	}
	if a.o.Records == nil {
		for _, z := range a.o.Zones {
			list = append(list, State{Names: []string{"*." + z}, Source: "acme", Missing: true})
		}
	}
	return list
}

// stored is the certificate of exactly that name, ended or not.
func (a *ACME) stored(name string) (best *x509.Certificate) {
	for _, c := range a.cache.AllMatchingCertificates(name) {
		if slices.Contains(c.Names, name) && (best == nil || c.Leaf.NotAfter.After(best.NotAfter)) {
			best = c.Leaf
		}
	}
	return best
}

// solver brings Records into the form that the library wants.
type solver struct{ records Records }

// Present sets the record.
func (s solver) Present(ctx context.Context, c acme.Challenge) error {
	if err := s.records.Set(ctx, c.DNS01TXTRecordName(), c.DNS01KeyAuthorization()); err != nil {
		return fmt.Errorf("set the TXT record %s: %w", c.DNS01TXTRecordName(), err)
	}
	return nil
}

// CleanUp removes it again.
func (s solver) CleanUp(ctx context.Context, c acme.Challenge) error {
	if err := s.records.Remove(ctx, c.DNS01TXTRecordName(), c.DNS01KeyAuthorization()); err != nil {
		return fmt.Errorf("remove the TXT record %s: %w", c.DNS01TXTRecordName(), err)
	}
	return nil
}

// warnings brings the library's warnings into our log.
type warnings struct{ log *slog.Logger }

func (w warnings) Write(line []byte) (int, error) {
	w.log.Warn("certificates by ACME", "entry", clip(string(line), 4*maxCause))
	return len(line), nil
}
