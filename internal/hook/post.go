package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/fault"
	"tsunagi/internal/filling"
)

// outcome is how an attempt went: nil is well.
type outcome struct {
	err   error
	kind  verdict
	after time.Duration // of again: that the receiver asks for; 0: it doesn't say
}

type verdict byte

const (
	done  verdict = iota
	again         // a later attempt may succeed
	never         // no attempt will
	skip          // the event isn't one for this hook after all
)

// Bounds of the calls of all instances.
const (
	callsAtOnce  = 128
	maxRedirects = 3
	maxAfter     = 5 * time.Minute // that a receiver can ask for
	maxAnswer    = 64 << 10        // bytes of an answer that are read, so that its connection can be used again
)

// caller makes the HTTP calls.
type caller struct {
	client *http.Client
	places chan struct{}
}

// schemes sends requests by the transport of their scheme: each redirect is dialled by the right one again.
type schemes struct{ https, http http.RoundTripper }

func (s schemes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return s.https.RoundTrip(r)
	}
	return s.http.RoundTrip(r)
}

func newCaller(o *Options) *caller {
	base := http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 4, MaxConnsPerHost: 32, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		DisableCompression: true, ForceAttemptHTTP2: true, TLSHandshakeTimeout: o.Timeout, ResponseHeaderTimeout: o.Timeout,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots}}
	secure, plain := base.Clone(), base.Clone()
	secure.DialContext, plain.DialContext = o.Dial, o.DialPlain
	return &caller{places: make(chan struct{}, callsAtOnce), client: &http.Client{Timeout: o.Timeout, Transport: schemes{secure, plain},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			switch {
			case len(via) > maxRedirects:
				return fault.New(fault.Redirects)
			case r.Method != http.MethodPost:
				return fault.New(fault.RedirectLoses)
			case r.URL.Scheme != "https" && via[0].URL.Scheme == "https":
				return fault.New(fault.RedirectPlain)
			}
			return nil
		}}}
}

// post sends an event to its receiver.
func (c *caller) post(ctx context.Context, r *rule, m *filling.Message, attempt int, now time.Time) outcome {
	body, kind, o := r.body(m)
	if o.kind != done {
		return o
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		return outcome{err: err, kind: never}
	}
	h := req.Header
	h.Set("Content-Type", kind)
	h.Set("User-Agent", "Tsunagi-Webhook")
	h.Set("Webhook-Id", m.ID)
	h.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	h.Set("Webhook-Signature", "v1,"+r.sign(m.ID, now, body))
	h.Set("Tsunagi-Hook", r.ID)
	h.Set("Tsunagi-Attempt", strconv.Itoa(attempt))
	if r.Secrets.Authorization != "" {
		h.Set("Authorization", r.Secrets.Authorization)
	}
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return outcome{err: ctx.Err(), kind: again}
	}
	answer, err := c.client.Do(req)
	if err != nil {
		return outcome{err: plainly(err), kind: again}
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // it may be longer or break off: the status is what counts
	return judge(answer, now)
}

// sign is the signature of Standard Webhooks: HMAC-SHA-256 over id, time and body.
func (r *rule) sign(id string, now time.Time, body []byte) string {
	mac := hmac.New(sha256.New, r.secret)
	fmt.Fprintf(mac, "%s.%d.", id, now.Unix())
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// body is what is sent, and its content type.
func (r *rule) body(m *filling.Message) ([]byte, string, outcome) {
	if r.Template == "" {
		body, err := json.Marshal(eventOf(m, r.ID))
		if err != nil {
			return nil, "", outcome{err: err, kind: never}
		}
		return body, "application/json", outcome{}
	}
	text, err := r.template.Fill(m, maxBody)
	if err != nil {
		return nil, "", outcome{err: unfilled(err), kind: skip}
	}
	if json.Valid([]byte(text)) {
		return []byte(text), "application/json", outcome{}
	}
	return []byte(text), "text/plain; charset=utf-8", outcome{}
}

// judge reads an answer.
func judge(a *http.Response, now time.Time) outcome {
	err := fault.New(fault.Status, "status", strings.TrimSpace(strconv.Itoa(a.StatusCode)+" "+http.StatusText(a.StatusCode)))
	switch {
	case a.StatusCode >= 200 && a.StatusCode < 300:
		return outcome{}
	case a.StatusCode == http.StatusRequestTimeout, a.StatusCode == http.StatusTooEarly, a.StatusCode == http.StatusTooManyRequests, a.StatusCode >= 500:
		return outcome{err: err, kind: again, after: retryAfter(a.Header.Get("Retry-After"), now)}
	}
	return outcome{err: err, kind: never}
}

// retryAfter reads the header of that name: seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	d := time.Duration(0)
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		d = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(text); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxAfter)
}

// plainly takes the address out of an error: it may hold a secret.
func plainly(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if u.Timeout() {
			return fault.New(fault.Late)
		}
		err = u.Err
	}
	return fault.Network(err)
}
