// Package oidc signs people in with providers of OpenID Connect, for package account: the authorization code flow with
// PKCE, state and nonce. What a browser brings back is believed in nothing; what counts is the token that the provider
// gives for the code, by its own certificate and its own signature.
package oidc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tsunagi/internal/account"
)

// Bounds.
const (
	fetchTime = 8 * time.Second  // of one request to a provider
	maxAnswer = 512 << 10        // bytes of one answer
	fresh     = time.Hour        // what a provider says of itself, its keys with it, is read anew when used after that
	stale     = 24 * time.Hour   // how long it serves while the provider says nothing
	again     = 10 * time.Second // between two tries to read it
	skew      = time.Minute      // by which the clocks of provider and server may differ
	maxCode   = 8 << 10          // bytes of a code
)

// Provider is one as the settings have it.
type Provider struct {
	ID, Name   string
	Issuer     string   // https://…, exactly as the provider's tokens say it
	ClientID   string   // that the provider knows this server by
	Secret     string   // "" for a client without one
	Scopes     []string // besides openid [email]
	Domains    []string // e-mails that may sign in; none: any
	TrustEmail bool     // e-mails count as verified though the provider doesn't say so
	TLS        *tls.Config
}

// Options of New. Zero values mean the default in brackets.
type Options struct {
	Providers []Provider
	Origin    string                                                            // of the panel, to which browsers come back
	Dial      func(ctx context.Context, network, addr string) (net.Conn, error) // judges each address; needed
	Log       *slog.Logger                                                      // needed
	Now       func() time.Time                                                  // [time.Now]
}

// Desk knows the providers. Its methods may be called from many goroutines.
type Desk struct {
	o    Options
	list []*provider
}

var _ account.Providers = (*Desk)(nil)

// New asks nobody anything: a provider that is down keeps nothing from starting.
func New(o Options) *Desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Desk{o: o}
	for _, p := range o.Providers {
		if len(p.Scopes) == 0 {
			p.Scopes = []string{oidc.ScopeEmail}
		}
		transport := &http.Transport{
			DialContext: o.Dial, TLSClientConfig: p.TLS, TLSHandshakeTimeout: fetchTime, ResponseHeaderTimeout: fetchTime,
			MaxResponseHeaderBytes: 16 << 10, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		} // no Proxy: the dialer's judgement would be the proxy's address
		d.list = append(d.list, &provider{Provider: p, now: o.Now, client: &http.Client{Transport: bounded{transport}, Timeout: fetchTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("a provider must not send on elsewhere") }}})
	}
	return d
}

// CallbackPath is the page of the panel to which a provider sends browsers back. Each has its own, so that an answer of
// one is never taken for another's [RFC 9700, 4.4.2].
func CallbackPath(id string) string { return "/sign-in/" + id }

// List implements account.Providers.
func (d *Desk) List() []account.Provider {
	out := make([]account.Provider, len(d.list))
	for i, p := range d.list {
		out[i] = account.Provider{ID: p.ID, Name: p.Name, Issuer: p.Issuer}
	}
	return out
}

func (d *Desk) find(id string) (*provider, error) {
	i := slices.IndexFunc(d.list, func(p *provider) bool { return p.ID == id })
	if i < 0 {
		return nil, &account.Error{Code: account.NotFound, Key: "api.provider.none"}
	}
	return d.list[i], nil
}

// refuse logs why, once, and gives what the person reads.
func (d *Desk) refuse(p *provider, key string, why error) error {
	d.o.Log.Info("sign-in with a provider refused", "provider", p.ID, "refusal", key, "error", cut(why.Error()))
	return &account.Error{Code: account.Forbidden, Key: key, Args: []any{"provider", p.Name}}
}

// away is refuse for a provider that gives no answer, which is no fault of the person.
func (d *Desk) away(p *provider, why error) error {
	d.o.Log.Warn("provider of sign-in can't be reached", "provider", p.ID, "error", cut(why.Error()))
	return &account.Error{Code: account.RateLimited, Key: "api.provider.down", Args: []any{"provider", p.Name}, Wait: again}
}

// cut bounds what strangers wrote before it is logged.
func cut(s string) string { return s[:min(len(s), 256)] }

func (d *Desk) oauth(p *provider, about *known) *oauth2.Config {
	endpoint := about.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // known beforehand: a code that is shown in the wrong way may be spent
	if p.Secret == "" || about.inParams {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.Secret, Endpoint: endpoint, RedirectURL: d.o.Origin + CallbackPath(p.ID),
		Scopes: append([]string{oidc.ScopeOpenID}, p.Scopes...)}
}

// Begin implements account.Providers.
func (d *Desk) Begin(ctx context.Context, id string, ask account.ProviderAsk) (string, error) {
	p, err := d.find(id)
	if err != nil {
		return "", err
	}
	about, err := p.know(ctx)
	if err != nil {
		return "", d.unknown(p, err)
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(ask.Nonce), oauth2.S256ChallengeOption(ask.Verifier)}
	if !ask.Since.IsZero() { // both, as some providers know one only [OpenID Connect Core 1.0, 3.1.2.1]
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return d.oauth(p, about).AuthCodeURL(ask.State, options...), nil
}

// unknown is the refusal where a provider's description of itself is no good.
func (d *Desk) unknown(p *provider, err error) error {
	var other *oidc.IssuerMismatchError
	switch {
	case errors.As(err, &other):
		return d.refuse(p, "api.provider.issuer", err)
	case errors.Is(err, errDescription):
		return d.refuse(p, "api.provider.setup", err)
	}
	return d.away(p, err)
}

// End implements account.Providers.
func (d *Desk) End(ctx context.Context, id string, ask account.ProviderAsk, answer account.ProviderAnswer) (account.Proved, error) {
	p, err := d.find(id)
	if err != nil {
		return account.Proved{}, err
	}
	about, err := p.know(ctx)
	if err != nil {
		return account.Proved{}, d.unknown(p, err)
	}
	if answer.Issuer != p.Issuer && (answer.Issuer != "" || about.NamesIssuer) { // [RFC 9207, 2.4]
		return account.Proved{}, d.refuse(p, "api.provider.issuer", fmt.Errorf("the answer's iss is %q", answer.Issuer))
	}
	switch {
	case answer.Error == "access_denied":
		return account.Proved{}, d.refuse(p, "api.provider.cancelled", errors.New(answer.Error))
	case answer.Error != "":
		return account.Proved{}, d.refuse(p, "api.provider.refused", fmt.Errorf("its answer is %q", cut(answer.Error)))
	case answer.Code == "" || len(answer.Code) > maxCode:
		return account.Proved{}, d.refuse(p, "api.provider.wrong", errors.New("the answer has no code, or one too long"))
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), 2*fetchTime)
	defer cancel()
	got, err := d.oauth(p, about).Exchange(ctx, answer.Code, oauth2.VerifierOption(ask.Verifier))
	if err != nil {
		return account.Proved{}, d.notExchanged(p, err)
	}
	who, err := p.prove(ctx, about, ask, got)
	switch {
	case errors.Is(err, errNotAnew):
		return account.Proved{}, d.refuse(p, "api.provider.not_anew", err)
	case errors.Is(err, errClock):
		return account.Proved{}, d.refuse(p, "api.provider.clock", err)
	case errors.Is(err, errIssuer):
		return account.Proved{}, d.refuse(p, "api.provider.issuer", err)
	case err != nil && isNet(err):
		return account.Proved{}, d.away(p, err)
	case err != nil:
		return account.Proved{}, d.refuse(p, "api.provider.wrong", err)
	}
	return who, nil
}

// notExchanged tells a provider that refuses a code from one that refuses this server, and from one that is away.
func (d *Desk) notExchanged(p *provider, err error) error {
	var refused *oauth2.RetrieveError
	switch {
	case !errors.As(err, &refused):
		if isNet(err) {
			return d.away(p, err)
		}
		return d.refuse(p, "api.provider.wrong", err)
	case refused.Response != nil && refused.Response.StatusCode >= 500:
		return d.away(p, fmt.Errorf("it answers with %s", refused.Response.Status))
	case refused.ErrorCode == "invalid_client" || refused.ErrorCode == "unauthorized_client":
		return d.refuse(p, "api.provider.setup", fmt.Errorf("it answers with %q", cut(refused.ErrorCode)))
	}
	return d.refuse(p, "api.provider.wrong", fmt.Errorf("it answers with %q", cut(refused.ErrorCode))) // never its body: it may hold the code
}

// isNet says whether an error is one of reaching the provider.
func isNet(err error) bool {
	var n net.Error
	var op *net.OpError
	return errors.As(err, &n) || errors.As(err, &op) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// mayEnter says whether an e-mail is of one of the domains.
func (p *provider) mayEnter(email string) bool {
	_, domain, _ := strings.Cut(email, "@")
	return len(p.Domains) == 0 || domain != "" && slices.ContainsFunc(p.Domains, func(d string) bool { return strings.EqualFold(d, domain) })
}
