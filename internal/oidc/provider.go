package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// provider is one with what it says of itself.
type provider struct {
	Provider
	now    func() time.Time
	client *http.Client

	mu    sync.Mutex // guards the rest; held while it is read, so that one reads for all
	about *known     // never changed, only replaced; nil: not read yet
	tried time.Time
	err   error // of the last try
}

// known is what a provider says of itself.
type known struct {
	*oidc.Provider
	NamesIssuer bool // answers carry "iss" [RFC 9207]
	inParams    bool // it takes a client's secret in the request's body only
	read        time.Time
}

// errDescription is wrapped by the error of a description that can't be used.
var errDescription = errors.New("what the provider says of itself can't be used")

// know is what the provider says of itself, read when there is none or it has become old.
func (p *provider) know(ctx context.Context) (*known, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.about != nil && now.Sub(p.about.read) < fresh {
		return p.about, nil
	}
	if p.tried.IsZero() || now.Sub(p.tried) >= again {
		p.tried = now
		// The first who asks reads for all: that this one goes away mustn't count as the provider's silence.
		reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime)
		defer cancel()
		about, err := p.read(reading)
		if p.err = err; err == nil {
			p.about = about
		}
	}
	if p.about != nil && now.Sub(p.about.read) < stale {
		return p.about, nil
	}
	if p.err == nil {
		p.err = errors.New("not read yet")
	}
	return nil, p.err
}

func (p *provider) read(ctx context.Context) (*known, error) {
	about, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.Issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		JWKS        string   `json:"jwks_uri"`
		NamesIssuer bool     `json:"authorization_response_iss_parameter_supported"`
		Methods     []string `json:"token_endpoint_auth_methods_supported"` // [client_secret_basic]
	}
	if err := about.Claims(&more); err != nil {
		return nil, fmt.Errorf("%w: %w", errDescription, err)
	}
	for name, address := range map[string]string{"authorization_endpoint": about.Endpoint().AuthURL, "token_endpoint": about.Endpoint().TokenURL, "jwks_uri": more.JWKS} {
		if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			return nil, fmt.Errorf("%w: its %s is no https address", errDescription, name)
		}
	}
	if u, err := url.Parse(about.UserInfoEndpoint()); about.UserInfoEndpoint() != "" && (err != nil || u.Scheme != "https") {
		return nil, fmt.Errorf("%w: its userinfo_endpoint is no https address", errDescription)
	}
	inParams := len(more.Methods) > 0 && !slices.Contains(more.Methods, "client_secret_basic")
	return &known{about, more.NamesIssuer, inParams, p.now()}, nil
}

// bounded cuts answers off at maxAnswer: the libraries that read them know no bound.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		answer.Body = &body{ReadCloser: answer.Body, left: maxAnswer}
	}
	return answer, err
}

type body struct {
	io.ReadCloser
	left int
}

func (b *body) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	n, err := b.ReadCloser.Read(into[:min(len(into), b.left)])
	b.left -= n
	return n, err
}
