// Package front is what a browser meets first: the HTTPS server that sends each host to its handler, and the plain
// HTTP server that only shows the way to it.
package front

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Redirect answers plain HTTP: 308 to https for GET and HEAD, 426 for a WebSocket (browsers don't follow redirects
// there), 403 problem+json for all else, since a body that went out in clear shall not be sent on. httpsPort is the
// port of the HTTPS server; names says which hosts are ours, any other is sent to fallback.
func Redirect(httpsPort, fallback string, ours func(host string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostOf(r.Host)
		if !ours(host) {
			host = fallback
		}
		base := "https://" + joinPort(host, httpsPort)
		way(w, r, base, "Use https: nothing is accepted in clear. Send the request to "+base+", and change any password or key that it carried.")
	})
}

// way answers what came in clear; base is the origin to use.
func way(w http.ResponseWriter, r *http.Request, base, detail string) {
	switch {
	case isUpgrade(r):
		w.Header().Set("Upgrade", "TLS/1.2, HTTP/1.1")
		w.Header().Set("Connection", "Upgrade")
		problem(w, http.StatusUpgradeRequired, "tls_required",
			"WebSocket is served over TLS only: connect to "+strings.Replace(base, "https:", "wss:", 1)+r.URL.Path)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		to := url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, base+to.String(), http.StatusPermanentRedirect)
	default:
		problem(w, http.StatusForbidden, "tls_required", detail)
	}
}

// problem writes an RFC 9457 answer.
func problem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	body := map[string]any{"title": http.StatusText(status), "status": status, "code": code, "detail": detail}
	_ = json.NewEncoder(w).Encode(body) // the peer has gone: nothing to do
}

func isUpgrade(r *http.Request) bool {
	for _, v := range strings.Split(r.Header.Get("Upgrade"), ",") {
		if strings.EqualFold(strings.TrimSpace(v), "websocket") {
			return true
		}
	}
	return false
}

// hostOf is the host of a Host header, in lower case, without port and brackets.
func hostOf(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	return strings.ToLower(strings.Trim(strings.TrimSuffix(host, "."), "[]"))
}

// joinPort leaves 443 out.
func joinPort(host, port string) string {
	if port == "443" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}
