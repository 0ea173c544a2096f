package editor

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"sync"
	"time"
)

// maxSessions bounds the tokens that are good at once; the one that ends first makes room for a new one.
const maxSessions = 200

// session is what is known of a token.
type session struct {
	User    string    `json:"user"`
	Scope   string    `json:"scope"`
	Session string    `json:"session,omitempty"` // User.Session
	Expires time.Time `json:"expires"`
}

// tokens are the bearer tokens given out. They have 256 random bits; only their digests are kept.
type tokens struct {
	store   *Store
	revoked func(token string) // told about a token that ended before its time

	mu    sync.Mutex
	known map[string]session // by SHA-256 of the token, hex
}

// openTokens reads the tokens that are still good.
func openTokens(store *Store) (*tokens, error) {
	t := &tokens{store: store, known: map[string]session{}}
	err := store.readJSON(sessionsFile, &t.known)
	t.prune(time.Now())
	return t, err
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// make returns a new token for a user.
func (t *tokens) make(u User, life time.Duration) (string, error) {
	random := make([]byte, 32)
	rand.Read(random)
	token := base64.RawURLEncoding.EncodeToString(random)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prune(time.Now())
	for len(t.known) >= maxSessions {
		first := ""
		for key, s := range t.known {
			if first == "" || s.Expires.Before(t.known[first].Expires) {
				first = key
			}
		}
		delete(t.known, first)
	}
	t.known[digest(token)] = session{u.Name, u.Scope, u.Session, time.Now().Add(life).UTC()}
	return token, t.store.writeJSON(sessionsFile, t.known)
}

// find returns the user of a token that is good.
func (t *tokens) find(token string) (User, bool) {
	if token == "" {
		return User{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.known[digest(token)]
	if !ok || time.Now().After(s.Expires) {
		return User{}, false
	}
	return User{s.User, s.Scope, s.Session}, true
}

// revoke ends a token; one that isn't known is no error.
func (t *tokens) revoke(token string) error {
	t.mu.Lock()
	_, ok := t.known[digest(token)]
	delete(t.known, digest(token))
	left := maps.Clone(t.known)
	t.mu.Unlock()
	if !ok {
		return nil
	}
	if t.revoked != nil {
		t.revoked(token)
	}
	return t.store.writeJSON(sessionsFile, left)
}

// endSession ends all tokens that were given out for a session.
func (t *tokens) endSession(name string) error {
	t.mu.Lock()
	before := len(t.known)
	maps.DeleteFunc(t.known, func(_ string, s session) bool { return s.Session == name })
	left := maps.Clone(t.known)
	t.mu.Unlock()
	if len(left) == before {
		return nil
	}
	return t.store.writeJSON(sessionsFile, left)
}

// prune forgets what has ended. The caller has the lock, or is the only one.
func (t *tokens) prune(now time.Time) {
	maps.DeleteFunc(t.known, func(_ string, s session) bool { return now.After(s.Expires) })
}
