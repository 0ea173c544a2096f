package editor

import (
	"html"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"
)

// policy is the Content-Security-Policy of every answer. Node dialogs are inline scripts and styles, so 'unsafe-inline'
// can't go; nothing needs eval. Nobody may put the editor into a frame.
const policy = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; " +
	"object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"

// guard sets the headers of every answer and refuses requests that come from other sites or under a foreign name.
func (s *Server) guard(next *http.ServeMux) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeText(w, http.StatusForbidden, "This request comes from another site.")
	}))
	protected := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !tunnelled(r) && s.foreign(next, r) && s.knownHost(r.Host) && !s.unowned(r) {
			s.o.Pages.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store") // handlers of files say otherwise
		if !s.knownHost(r.Host) {
			writeText(w, http.StatusMisdirectedRequest, "This editor is not served under that host name.")
			return
		}
		if r.URL.Path == "" { // an editor below a path prefix: everything in its page is relative
			asked, query, _ := strings.Cut(r.RequestURI, "?")
			if query != "" {
				query = "?" + query
			}
			w.Header().Set("Location", path.Base(asked)+"/"+query)
			w.WriteHeader(http.StatusMovedPermanently)
			return
		}
		if s.unowned(r) {
			s.showPage(w, http.StatusForbidden, s.o.Title+": no user yet",
				"This flow server has no user yet, so it answers only browsers on its own machine. Open the link it printed at its start there, or make a user with the command line.")
			return
		}
		protected.ServeHTTP(w, r)
	})
}

// unowned tells whether a request comes from outside before there is an owner.
func (s *Server) unowned(r *http.Request) bool {
	login, ok := s.ownLogin(r)
	return ok && login.OwnerCode() != "" && !isLoopback(r.RemoteAddr) && (s.o.Nearby == nil || !s.o.Nearby(r.RemoteAddr))
}

// knownHost tells whether a request may name this host. It keeps a hostile page from reaching an editor without login
// by way of a DNS name of its own that points to this machine.
func (s *Server) knownHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	for _, known := range s.o.Hosts {
		if strings.EqualFold(known, host) {
			return true
		}
	}
	if len(s.o.Hosts) > 0 {
		return false
	}
	if s.auth != nil {
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || isLoopback(host)
}

// isLoopback tells an address of this machine alone, with or without a port.
func isLoopback(addr string) bool {
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		return ap.Addr().Unmap().IsLoopback()
	}
	ip, err := netip.ParseAddr(addr)
	return err == nil && ip.Unmap().IsLoopback()
}

func escapeHTML(s string) string { return html.EscapeString(s) }
