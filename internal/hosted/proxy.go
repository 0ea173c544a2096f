package hosted

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"
)

// panelCookies begins the names of the panel's cookies. They reach no flow server, and none may set them.
const panelCookies = "__Host-tsunagi"

// ServeHTTP passes a request to the flow server whose editor or pages the host names.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := m.byHost(r.Host)
	if p == nil {
		m.explain(w, r, http.StatusNotFound, pageUnknown, "")
		return
	}
	c := p.running()
	if c == nil {
		state, cause := p.shown()
		m.explain(w, r, http.StatusServiceUnavailable, pageFor(state), cause)
		return
	}
	c.proxy().ServeHTTP(w, r)
}

// proxy is the way to one child. Every child has its own connections.
func (c *child) proxy() http.Handler {
	c.proxyOnce.Do(func() {
		transport := &http.Transport{
			DialContext:           func(context.Context, string, string) (net.Conn, error) { return c.open(false) },
			MaxIdleConnsPerHost:   16,
			MaxConnsPerHost:       256,
			IdleConnTimeout:       60 * time.Second,
			ResponseHeaderTimeout: 60 * time.Second,
			DisableCompression:    true,
		}
		go func() { // ends with the child
			<-c.ended
			transport.CloseIdleConnections()
		}()
		c.handler = &httputil.ReverseProxy{
			Rewrite:        Rewrite,
			ModifyResponse: Clean,
			Transport:      transport,
			ErrorHandler:   c.proxyFailed,
			ErrorLog:       slog.NewLogLogger(c.log.Handler(), slog.LevelDebug),
			FlushInterval:  -1,
		}
	})
	return c.handler
}

// Rewrite makes the request that a child sees: the same host, no cookie of the panel, our word for who asks.
func Rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme, r.Out.URL.Host = "http", "flow"
	r.Out.Host = r.In.Host
	r.SetXForwarded()
	kept := r.Out.Cookies()
	r.Out.Header.Del("Cookie")
	for _, cookie := range kept {
		if !strings.HasPrefix(strings.ToLower(cookie.Name), strings.ToLower(panelCookies)) {
			r.Out.AddCookie(cookie)
		}
	}
}

// Clean takes out of an answer what a flow server must not do to the platform's names: set the panel's cookies, or
// cookies for the whole domain, and speak about certificates and reporting of the host.
func Clean(r *http.Response) error {
	set := r.Header.Values("Set-Cookie")
	r.Header.Del("Set-Cookie")
	for _, line := range set {
		cookie, err := http.ParseSetCookie(line)
		if err != nil || cookie.Domain != "" || strings.HasPrefix(strings.ToLower(cookie.Name), strings.ToLower(panelCookies)) {
			continue
		}
		r.Header.Add("Set-Cookie", line)
	}
	for _, name := range []string{"Strict-Transport-Security", "Alt-Svc", "Public-Key-Pins", "Report-To", "Nel", "Clear-Site-Data"} {
		r.Header.Del(name)
	}
	return nil
}

// proxyFailed answers a request that a child could not.
func (c *child) proxyFailed(w http.ResponseWriter, r *http.Request, err error) {
	var late net.Error
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return // the browser has gone
	case errors.As(err, &late) && late.Timeout():
		c.m.explain(w, r, http.StatusGatewayTimeout, pageSlow, "")
	default:
		c.log.Info("flow server did not answer", "error", err)
		c.m.explain(w, r, http.StatusServiceUnavailable, pageFor(Failed), "")
	}
}

// Ask sends a request to the door of a flow server for the panel. Path and query are used of its address.
func (m *Manager) Ask(id string, r *http.Request) (*http.Response, error) {
	p := m.find(id)
	if p == nil {
		return nil, ErrUnknown
	}
	c := p.running()
	if c == nil {
		return nil, ErrUnknown
	}
	r.URL.Scheme, r.URL.Host = "http", "flow"
	return c.door().RoundTrip(r)
}

// door is the way to a child's door for the panel.
func (c *child) door() *http.Transport {
	c.doorOnce.Do(func() {
		c.doors = &http.Transport{
			DialContext:           func(context.Context, string, string) (net.Conn, error) { return c.open(true) },
			MaxConnsPerHost:       8,
			IdleConnTimeout:       30 * time.Second,
			ResponseHeaderTimeout: 60 * time.Second,
			DisableCompression:    true,
		}
		go func() { // ends with the child
			<-c.ended
			c.doors.CloseIdleConnections()
		}()
	})
	return c.doors
}
