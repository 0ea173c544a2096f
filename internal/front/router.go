package front

import (
	"net"
	"net/http"
	"strings"
)

// Sites are the handlers of the HTTPS server, by host.
type Sites struct {
	Domain string       // the panel's name
	Names  []string     // further names of the panel
	Panel  http.Handler // panel, API, /mqtt
	// Socket serves /mqtt below the instances' own names, which InstanceHost knows by their form; nil: not at all.
	Socket       http.Handler
	InstanceHost func(host string) bool
	// Flows serves the origins below flows.<Domain>; nil when there are none.
	Flows http.Handler
	// FlowHost says whether a host is the origin of a flow server that exists.
	FlowHost func(host string) bool
}

// Panels says whether host (lower case, without port) is one of the panel's names. Addresses count, so that a
// server without a name can be reached.
func (s *Sites) Panels(host string) bool {
	if host == s.Domain || host == "localhost" || net.ParseIP(host) != nil {
		return true
	}
	for _, n := range s.Names {
		if strings.EqualFold(n, host) {
			return true
		}
	}
	return false
}

// Ours says whether host is any name of ours.
func (s *Sites) Ours(host string) bool {
	return s.Panels(host) || s.Flows != nil && s.FlowHost(host)
}

// FlowZone is the suffix of the names of flow servers, beginning with a dot.
func (s *Sites) FlowZone() string { return ".flows." + s.Domain }

// ServeHTTP sends a request to the site of its host. A host that is none of ours gets 421, so that no page of
// another name can be laid over the panel (DNS rebinding).
func (s *Sites) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Strict-Transport-Security", "max-age=31536000")
	h.Set("X-Content-Type-Options", "nosniff")
	host := hostOf(r.Host)
	switch {
	case s.Panels(host):
		s.Panel.ServeHTTP(w, r)
	case s.Flows != nil && strings.HasSuffix(host, s.FlowZone()):
		s.Flows.ServeHTTP(w, r)
	case s.Socket != nil && s.InstanceHost(host) && (r.URL.Path == "/mqtt" || strings.HasPrefix(r.URL.Path, "/mqtt/")):
		s.Socket.ServeHTTP(w, r)
	default:
		problem(w, http.StatusMisdirectedRequest, "unknown_host", "This server has no site of that name. Its panel is at "+s.Domain+".")
	}
}
