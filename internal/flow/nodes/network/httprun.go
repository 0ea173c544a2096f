package network

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// ask is one request on its way, with what a redirection changes.
type ask struct {
	method         string
	url            *url.URL
	shown          string // the address in errors
	header         headers
	body           []byte // nil for none
	follow         bool
	timeout        time.Duration
	client         *http.Transport
	jar            *cookiejar.Jar
	digest         bool
	user, password string
	warnings       []string
}

// answer is what came back.
type answer struct {
	status    int
	header    http.Header
	url       string
	body      []byte
	redirects []*value.Map
}

func (a *ask) addCookie(name, text string) {
	if a.jar == nil {
		a.jar, _ = cookiejar.New(nil) // it fails for no options
	}
	a.jar.SetCookies(a.url, []*http.Cookie{{Name: name, Value: text}})
}

// run sends the request, follows redirections and reads the answer.
func (a *ask) run(ctx context.Context) (*answer, error) {
	out := &answer{}
	for challenged := false; ; {
		res, body, err := a.once(ctx)
		if err != nil {
			return nil, err
		}
		a.keepCookies(res)
		if to := res.Header.Get("Location"); to != "" && a.follow && redirection[res.StatusCode] {
			if len(out.redirects) >= maxRedirect {
				return nil, &flow.Error{Name: "MaxRedirectsError", Message: fmt.Sprintf("Redirected %d times. Aborting.", maxRedirect), Code: "ERR_TOO_MANY_REDIRECTS"}
			}
			step := value.MapOf("location", to)
			if cookies := responseCookies(res.Header); cookies != nil {
				step.Set("cookies", cookies.Value())
			}
			out.redirects = append(out.redirects, step)
			if err := a.redirect(res.StatusCode, to); err != nil {
				return nil, err
			}
			continue
		}
		if a.digest && !challenged && res.StatusCode == http.StatusUnauthorized {
			challenged = true
			if line := res.Header.Get("Www-Authenticate"); line != "" {
				header, err := digestHeader(a.user, a.password, a.method, a.url.RequestURI(), line)
				if err == nil {
					a.header.set("Authorization", header)
					continue
				}
				a.warnings = append(a.warnings, "Digest authentication failed: "+err.Error())
			}
		}
		out.status, out.header, out.body, out.url = res.StatusCode, res.Header, body, a.url.String()
		return out, nil
	}
}

var redirection = map[int]bool{300: true, 301: true, 302: true, 303: true, 304: true, 307: true, 308: true}

// redirect makes the request go elsewhere.
func (a *ask) redirect(status int, to string) error {
	next, err := a.url.Parse(to)
	if err != nil || next.Host == "" {
		return &flow.Error{Name: "RequestError", Message: "Invalid URL", Code: "ERR_INVALID_URL"}
	}
	if next.Scheme != "http" && next.Scheme != "https" {
		return &flow.Error{Name: "RequestError", Message: "Unsupported protocol: " + next.Scheme, Code: "ERR_UNSUPPORTED_PROTOCOL"}
	}
	if status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect {
		a.method, a.body = "GET", nil
		a.header.set("Content-Length")
	}
	if next.Hostname() != a.url.Hostname() || next.Port() != a.url.Port() {
		for _, name := range []string{"Host", "Cookie", "Authorization"} {
			a.header.set(name)
		}
	}
	next.Fragment, next.User = "", nil
	if next.Path == "" {
		next.Path = "/"
	}
	a.url = next
	return nil
}

func (a *ask) keepCookies(res *http.Response) {
	if list := res.Cookies(); len(list) > 0 {
		if a.jar == nil {
			a.jar, _ = cookiejar.New(nil) // it fails for no options
		}
		a.jar.SetCookies(a.url, list)
	}
}

var errLargeAnswer = errors.New("the answer is larger than 64 MiB")

// errLate says that the time for one answer is over.
var errLate = errors.New("late")

// once sends the request and reads one answer.
func (a *ask) once(ctx context.Context) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, a.timeout, errLate)
	defer cancel()
	late := func(err error) error {
		if errors.Is(context.Cause(ctx), errLate) {
			return &flow.Error{Name: "TimeoutError", Message: "Timeout awaiting 'request' for " + strconv.FormatInt(a.timeout.Milliseconds(), 10) + "ms", Code: "ETIMEDOUT"}
		}
		return err
	}
	r, err := a.request(ctx)
	if err != nil {
		return nil, nil, err
	}
	res, err := a.client.RoundTrip(r)
	if err != nil {
		return nil, nil, late(err)
	}
	defer func() { _ = res.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, nil, late(err)
	case len(body) > maxAnswer:
		return nil, nil, errLargeAnswer
	}
	return res, body, nil
}

func (a *ask) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if a.body != nil {
		body = bytes.NewReader(a.body)
	}
	r, err := http.NewRequestWithContext(ctx, a.method, a.url.String(), body)
	if err != nil {
		return nil, &flow.Error{Name: "RequestError", Message: err.Error()}
	}
	r.Header["User-Agent"] = []string{"tsunagi"}
	for name, list := range a.header {
		switch strings.ToLower(name) {
		case "host":
			r.Host = list[0]
		case "content-length", "transfer-encoding":
		case "connection":
			r.Close = strings.EqualFold(list[0], "close")
		case "user-agent":
			delete(r.Header, "User-Agent")
			r.Header["User-Agent"] = list
		default:
			r.Header[name] = list
		}
	}
	if a.jar != nil {
		var pairs []string
		for _, c := range a.jar.Cookies(a.url) {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
		if len(pairs) > 0 {
			r.Header["Cookie"] = []string{strings.Join(pairs, "; ")}
		}
	}
	return r, nil
}

// transports are the connections of one node, by how they are made.
type transports struct {
	mu  sync.Mutex
	all map[string]*http.Transport
}

// maxTransports bounds the ways of connecting that a node keeps.
const maxTransports = 20

// get returns the connections for a way to connect.
func (t *transports) get(n *httpAsk, strict bool, proxy *url.URL) (*http.Transport, error) {
	key := fmt.Sprint(strict, proxy)
	if proxy != nil {
		key += proxy.User.String()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if made := t.all[key]; made != nil {
		return made, nil
	}
	config, err := defaultTLS(n.b)
	if n.tls != nil {
		config, err = n.tls.clientConfig()
	}
	if err != nil {
		return nil, flow.NewError("%s", err.Error())
	}
	if !strict {
		config.InsecureSkipVerify = true //nolint:gosec // the message says so: msg.rejectUnauthorized
	}
	made := n.transport(config, proxy)
	if len(t.all) >= maxTransports {
		for _, old := range t.all {
			old.CloseIdleConnections()
		}
		t.all = nil
	}
	if t.all == nil {
		t.all = map[string]*http.Transport{}
	}
	t.all[key] = made
	return made, nil
}

func (n *httpAsk) transport(config *tls.Config, proxy *url.URL) *http.Transport {
	t := &http.Transport{TLSClientConfig: config, DisableCompression: true, MaxConnsPerHost: 256, MaxIdleConnsPerHost: 16,
		MaxResponseHeaderBytes: 256 << 10, IdleConnTimeout: 5 * time.Second, DialContext: dialOf(n.b), TLSHandshakeTimeout: 30 * time.Second}
	if n.c.persist {
		t.IdleConnTimeout = 0
	}
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
	}
	return t
}

// dialOf is how a node connects.
func dialOf(b *flow.Base) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if dial := b.Options().Dial; dial != nil {
		return dial
	}
	return (&net.Dialer{KeepAlive: 2 * time.Minute}).DialContext
}

func (t *transports) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, made := range t.all {
		made.CloseIdleConnections()
	}
	t.all = nil
}
