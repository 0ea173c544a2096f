package editor

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Linked signs people in on a device: on its own addresses by its own users, and through the tunnel of the platform by
// who they are there. Neither way in is open on the other's side.
type Linked struct {
	Login    *Login
	Platform *Platform
}

type tunnelKey struct{}

// Tunnelled marks the requests of a tunnel, for Linked. They see no page of the first user, and none of the flows.
func Tunnelled(editor http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		editor.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tunnelKey{}, true)))
	})
}

func tunnelled(r *http.Request) bool { return r.Context().Value(tunnelKey{}) != nil }

func (l *Linked) way(r *http.Request) Auth {
	if tunnelled(r) {
		return l.Platform
	}
	return l.Login
}

func (l *Linked) prompts(r *http.Request) object { return l.way(r).prompts(r) }

func (l *Linked) signIn(r *http.Request, form url.Values) (User, error) {
	return l.way(r).signIn(r, form)
}

// current asks the side that let the user in: those of the platform have a session there.
func (l *Linked) current(u User) (User, bool) {
	if u.Session != "" {
		return l.Platform.current(u)
	}
	return l.Login.current(u)
}

func (l *Linked) life() time.Duration { return min(loginLife, platformLife) }

func (l *Linked) goodbye(r *http.Request) string { return l.way(r).goodbye(r) }

// ownLogin is the flow server's own sign-in, as far as it concerns a request; r is nil for none.
func (s *Server) ownLogin(r *http.Request) (*Login, bool) {
	switch a := s.auth.(type) {
	case *Login:
		return a, true
	case *Linked:
		return a.Login, r == nil || !tunnelled(r)
	}
	return nil, false
}

// platformLogin is the sign-in by the platform, nil where there is none.
func (s *Server) platformLogin() *Platform {
	switch a := s.auth.(type) {
	case *Platform:
		return a
	case *Linked:
		return a.Platform
	}
	return nil
}
