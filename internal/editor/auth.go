package editor

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// User is somebody who is signed in.
type User struct {
	Name    string // shown in the editor
	Scope   string // what they may do: "*", "read", or words as in allows
	Session string // names what the sign-in ends with, for Platform; else ""
}

// Auth says how people sign in; *Login, *Platform and *Linked do. Without one, nobody has to.
type Auth interface {
	// prompts is the answer to auth/login: what the editor asks for.
	prompts(r *http.Request) object
	// signIn checks what the editor sent to auth/token.
	signIn(r *http.Request, form url.Values) (User, error)
	// current tells whether a user may still come in, and what they may do now. It is asked for every request.
	current(u User) (User, bool)
	// life is how long a token is good for.
	life() time.Duration
	// goodbye is the page to go to after signing out, "" for the editor itself.
	goodbye(r *http.Request) string
}

type userContextKey struct{}

// userOf is who sent the request, nil when nobody has to sign in.
func userOf(r *http.Request) *User {
	u, _ := r.Context().Value(userContextKey{}).(*User)
	return u
}

// permit lets h answer only those who may do what permission says. As in Node-RED a missing permission is a 401, too.
func (s *Server) permit(permission string, h handler) handler {
	if permission == open || s.auth == nil {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		user, ok := s.signedIn(bearer(r))
		if !ok || !allows(user.Scope, permission) {
			return refusal(http.StatusUnauthorized, "unauthorized", "Unauthorized")
		}
		return h(w, r.WithContext(context.WithValue(r.Context(), userContextKey{}, &user)))
	}
}

// bearer is the token of a request.
func bearer(r *http.Request) string {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") {
		return ""
	}
	return token
}

// signedIn returns the user whose token this is. Without Auth everybody is a user without a name who may do all.
func (s *Server) signedIn(token string) (User, bool) {
	if s.auth == nil {
		return User{Scope: "*"}, true
	}
	user, ok := s.tokens.find(token)
	if !ok {
		return User{}, false
	}
	return s.auth.current(user)
}

// getLogin tells the editor what to ask for; an empty object means nothing.
func (s *Server) getLogin(w http.ResponseWriter, r *http.Request) error {
	if s.auth == nil {
		return writeRaw(w, []byte("{}"))
	}
	out := s.auth.prompts(r)
	out["image"] = s.theme().Login.Image
	return writeJSON(w, http.StatusOK, out)
}

// postToken signs somebody in, by password or by single-use code, and answers with a token.
func (s *Server) postToken(w http.ResponseWriter, r *http.Request) error {
	if s.auth == nil {
		return notFound("Nobody has to sign in here.")
	}
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	user, err := s.auth.signIn(r, form)
	if err != nil {
		if form.Has("code") {
			rememberFailure(w)
		}
		s.log.Info("sign-in refused", "remote", remote(r), "reason", err)
		return writeJSON(w, http.StatusForbidden, object{"error": "invalid_grant", "error_description": "Invalid resource owner credentials"})
	}
	token, err := s.tokens.make(user, s.auth.life())
	if err != nil {
		return err
	}
	s.log.Info("signed in", "user", user.Name, "remote", remote(r))
	if form.Has("code") {
		return writeJSON(w, http.StatusOK, object{"accessToken": token})
	}
	return writeJSON(w, http.StatusOK, object{"access_token": token, "expires_in": int(s.auth.life().Seconds()), "token_type": "Bearer"})
}

// postRevoke ends a token. Who has one may end it.
func (s *Server) postRevoke(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	if err := s.tokens.revoke(form.Get("token")); err != nil {
		return err
	}
	if s.auth != nil && s.auth.goodbye(r) != "" {
		return writeJSON(w, http.StatusOK, object{"redirect": s.auth.goodbye(r)})
	}
	return writeText(w, http.StatusOK, "")
}

// failedCookie remembers for some seconds that a single-use code was no good, so that the editor doesn't send the
// browser to the sign-in page again at once, and again.
const failedCookie = "tsunagi-sign-in-failed"

func rememberFailure(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: failedCookie, Value: "1", Path: "/", MaxAge: 15, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// failedBefore tells whether a code was refused a moment ago, and forgets it.
func failedBefore(w http.ResponseWriter, r *http.Request) bool {
	if _, err := r.Cookie(failedCookie); err != nil {
		return false
	}
	http.SetCookie(w, &http.Cookie{Name: failedCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return true
}
