package panel

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// policy is the Content-Security-Policy of the panel's pages: code and styles from our files only, nothing framed,
// nothing sent elsewhere. Style attributes are allowed because the component kit places its popovers with them.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; " +
	"font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; connect-src 'self'"

// plainHost is what may stand in a policy: a name or address with or without port.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]{1,255}$`)

// headers sets what every answer of this origin carries.
func (p *Panel) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		csp := policy
		if plainHost.MatchString(r.Host) { // older browsers don't count wss: as 'self'
			csp += " wss://" + r.Host
		}
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		next.ServeHTTP(w, r)
	})
}

// refuse answers a failure outside of the API.
func (p *Panel) refuse(w http.ResponseWriter, r *http.Request, status int, key string) {
	ctx := context.WithValue(r.Context(), requestKey{}, request{language: p.language(r, ""), text: p.o.Text, route: r.URL.Path})
	p.writeProblem(w, r, p.problem(ctx, &failure{status: status, key: key}))
}

// webSocketURL is the address of a WebSocket at an https origin.
func webSocketURL(origin string) string {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" {
		return origin
	}
	return strings.Replace(origin, "http", "ws", 1)
}
