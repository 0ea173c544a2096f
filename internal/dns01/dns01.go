// Package dns01 sets and removes the TXT records by which a certificate authority checks a whole zone (RFC 8555, 8.4):
// by dynamic update (RFC 2136), a webhook, a program, or the API of a DNS service.
package dns01

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Providers are the words that Options.Provider may be.
var Providers = []string{"rfc2136", "webhook", "exec", "cloudflare", "desec", "duckdns", "route53", "sakura"}

// Options of New.
type Options struct {
	Provider string
	Zone     string        // the zone that holds the records; "": found out
	Wait     time.Duration // until a new record can be seen everywhere
	Server   string        // rfc2136: host:port of the primary
	KeyName  string        // rfc2136: name of the TSIG key; "": none
	Key      string        // rfc2136: the key, base64
	KeyKind  string        // rfc2136: hmac-sha256 and others of RFC 8945
	URL      string        // webhook: its address; else another address of the service's API
	User     string        // webhook: HTTP login; route53: id of the access key; sakura: token of the API key
	Password string
	Command  string // exec: path of the program
	Token    string // of the service's API; route53: of temporary credentials, or empty
}

// Records sets and removes TXT records.
type Records struct {
	p    provider
	wait time.Duration
}

// provider is one way; names end without a dot.
type provider interface {
	set(ctx context.Context, name, value string) error
	remove(ctx context.Context, name, value string) error
}

// New checks the options. It asks nobody.
func New(o Options) (*Records, error) {
	o.Zone = strings.TrimSuffix(strings.ToLower(o.Zone), ".")
	need := func(key, value string) error {
		if value == "" {
			return fmt.Errorf("dns.%s is empty: dns.provider %s needs it", key, o.Provider)
		}
		return nil
	}
	var p provider
	var err error
	switch o.Provider {
	case "rfc2136":
		p, err = newUpdate(o), need("server", o.Server)
	case "webhook":
		p, err = webhook{api{o.URL, basic(o.User, o.Password)}}, need("url", o.URL)
	case "exec":
		p, err = program(o.Command), need("command", o.Command)
	case "cloudflare":
		p, err = cloudflare{api{or(o.URL, "https://api.cloudflare.com/client/v4"), "Bearer " + o.Token}, o.Zone}, need("token", o.Token)
	case "desec":
		p, err = desec{api{or(o.URL, "https://desec.io/api/v1"), "Token " + o.Token}, o.Zone}, need("token", o.Token)
	case "duckdns":
		p, err = duckdns{api{or(o.URL, "https://www.duckdns.org"), ""}, o.Token}, need("token", o.Token)
	case "route53":
		p, err = route53{or(o.URL, "https://route53.amazonaws.com"), accessKey{o.User, o.Password, o.Token, "us-east-1", "route53"}, o.Zone}, errors.Join(need("user", o.User), need("password", o.Password))
	case "sakura":
		p, err = sakura{api{or(o.URL, "https://secure.sakura.ad.jp/cloud/zone/is1a/api/cloud/1.1"), basic(o.User, o.Password)}, o.Zone}, errors.Join(need("user", o.User), need("password", o.Password))
	default:
		err = fmt.Errorf("dns.provider %q: want one of %s", o.Provider, strings.Join(Providers, ", "))
	}
	if err != nil {
		return nil, err
	}
	return &Records{p, o.Wait}, nil
}

// Set makes a record and waits until it can be seen.
func (r *Records) Set(ctx context.Context, name, value string) error {
	if err := r.p.set(ctx, strings.TrimSuffix(name, "."), value); err != nil {
		return err
	}
	t := time.NewTimer(r.wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Remove takes a record back; others of the name stay.
func (r *Records) Remove(ctx context.Context, name, value string) error {
	return r.p.remove(ctx, strings.TrimSuffix(name, "."), value)
}

// parents are the zones that may hold a name, the nearest first: its own labels, never a top-level domain.
func parents(name string) (list []string) {
	for strings.Count(name, ".") > 0 {
		list = append(list, name)
		_, name, _ = strings.Cut(name, ".")
	}
	return list
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// Bounds of a call of an API.
const (
	callTime  = 30 * time.Second
	answerMax = 1 << 20
	quoteMax  = 300 // bytes of an answer that an error shows
)

// api is an HTTP API with its login.
type api struct{ base, login string }

// errStatus is an answer that is no success.
type errStatus struct {
	status int
	text   string
}

func (e *errStatus) Error() string {
	return fmt.Sprintf("the DNS service answered %d %s", e.status, e.text)
}

// call sends a request and reads JSON into out, unless that is nil.
func (a api) call(ctx context.Context, method, path string, in, out any) error {
	raw, err := a.send(ctx, method, path, in)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("answer of the DNS service: %w", err)
	}
	return nil
}

func (a api) send(ctx context.Context, method, path string, in any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.base, "/")+path, body)
	if err != nil {
		return nil, errors.New("dns.url is no address")
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.login != "" {
		r.Header.Set("Authorization", a.login)
	}
	return exchange(r)
}

// exchange sends a request and reads the answer, which has to be a success.
func exchange(r *http.Request) ([]byte, error) {
	answer, err := client.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the address may hold a token
		}
		return nil, fmt.Errorf("DNS service not reached: %w", err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, answerMax))
	if err != nil {
		return nil, fmt.Errorf("answer of the DNS service: %w", err)
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return nil, &errStatus{answer.StatusCode, strings.ToValidUTF8(string(raw[:min(len(raw), quoteMax)]), "")}
	}
	return raw, nil
}

// client follows no redirects: they would take the login elsewhere.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
