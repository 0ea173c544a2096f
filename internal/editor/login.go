package editor

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what people choose.
const (
	minPassword = 10  // characters
	maxPassword = 200 // bytes
	maxUserName = 64  // bytes
)

// loginLife is how long a token of Login is good for: as long as Node-RED's.
const loginLife = 7 * 24 * time.Hour

// Reasons for not letting somebody in, for the log.
var (
	errTooMany  = errors.New("too many attempts")
	errPassword = errors.New("wrong user or password")
	errCode     = errors.New("the code is not valid, or no longer")
)

// account is one user of Login.
type account struct {
	Password string `json:"password"` // as hashPassword makes it
	Scope    string `json:"permissions"`
}

// Login is a flow server's own sign-in: users with passwords in the file auth.json. As long as there is none, the
// first one is made with the single-use code of OwnerCode.
type Login struct {
	attempts attempts
	dummy    string // a password that nobody has, so that unknown users take as long as known ones

	mu       sync.Mutex
	store    *Store // set by attach
	accounts map[string]account
	owner    string               // the code that makes the first user, "" when there is one
	codes    map[[32]byte]pending // single-use codes that sign in, by digest
	made     chan struct{}        // closed when there is an owner
}

// pending is a single-use code that has not been used.
type pending struct {
	user    User
	expires time.Time
}

// NewLogin returns a sign-in for Options.Auth. Its users are read by New.
func NewLogin() *Login {
	return &Login{codes: map[[32]byte]pending{}, accounts: map[string]account{}, made: make(chan struct{}), dummy: hashPassword(randomCode())}
}

// attach reads the users from the directory of a flow server.
func (l *Login) attach(store *Store) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store = store
	if err := store.readJSON(accountsFile, &l.accounts); err != nil {
		return err
	}
	if len(l.accounts) == 0 {
		l.owner = randomCode()
	} else {
		close(l.made)
	}
	return nil
}

// OwnerCode is the code with which the first user is made on the page "welcome", "" when there is a user. It changes
// with every start. Show it as <address>/welcome#code=<code>: a fragment is not sent to servers and proxies.
func (l *Login) OwnerCode() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owner
}

// OwnerMade is closed as soon as there is a user. Until then the editor answers this machine alone.
func (l *Login) OwnerMade() <-chan struct{} { return l.made }

// SetPassword makes a user or changes their password, as a command on this machine may. scope "" means "*".
func (l *Login) SetPassword(name, password, scope string) error {
	if err := errors.Join(checkUserName(name), checkNewPassword(password)); err != nil {
		return err
	}
	if scope == "" {
		scope = "*"
	}
	hash := hashPassword(password)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.put(name, account{hash, scope})
}

// put stores one account. The caller has the lock.
func (l *Login) put(name string, a account) error {
	next := maps.Clone(l.accounts)
	next[name] = a
	if err := l.store.writeJSON(accountsFile, next); err != nil {
		return err
	}
	if len(l.accounts) == 0 {
		close(l.made)
	}
	l.accounts, l.owner = next, ""
	return nil
}

// makeOwner makes the first user by the printed code, and returns a code that signs them in.
func (l *Login) makeOwner(code, name, password string) (string, error) {
	if err := errors.Join(checkUserName(name), checkNewPassword(password)); err != nil {
		return "", err
	}
	hash := hashPassword(password)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner == "" || subtle.ConstantTimeCompare([]byte(code), []byte(l.owner)) != 1 {
		return "", errCode
	}
	if err := l.put(name, account{hash, "*"}); err != nil {
		return "", err
	}
	once := randomCode()
	l.codes[sha256.Sum256([]byte(once))] = pending{User{Name: name, Scope: "*"}, time.Now().Add(20 * time.Second)}
	return once, nil
}

func (l *Login) prompts(*http.Request) object {
	return object{"type": "credentials", "prompts": []object{
		{"id": "username", "type": "text", "label": "user.username"},
		{"id": "password", "type": "password", "label": "user.password"}}}
}

func (l *Login) signIn(r *http.Request, form url.Values) (User, error) {
	if form.Has("code") {
		return l.useCode(form.Get("code"))
	}
	name, password := form.Get("username"), form.Get("password")
	if len(name) > maxUserName || len(password) > maxPassword {
		return User{}, errPassword
	}
	key := name + "\x00" + network(remote(r))
	if !l.attempts.take(key, time.Now()) {
		return User{}, errTooMany
	}
	l.mu.Lock()
	a, known := l.accounts[name]
	l.mu.Unlock()
	if !known {
		a.Password = l.dummy
	}
	if !checkPassword(a.Password, password) || !known {
		return User{}, errPassword
	}
	l.attempts.clear(key)
	scope := form.Get("scope")
	if scope == "" || !allows(a.Scope, scope) {
		scope = a.Scope
	}
	return User{Name: name, Scope: scope}, nil
}

// useCode signs in with a single-use code.
func (l *Login) useCode(code string) (User, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := sha256.Sum256([]byte(code))
	p, ok := l.codes[key]
	delete(l.codes, key)
	if !ok || time.Now().After(p.expires) {
		return User{}, errCode
	}
	return p.user, nil
}

// current looks the user up again: somebody removed is out, and rights follow the account.
func (l *Login) current(u User) (User, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.accounts[u.Name]
	if ok && !allows(a.Scope, u.Scope) {
		u.Scope = a.Scope
	}
	return u, ok
}

func (l *Login) life() time.Duration { return loginLife }

func (l *Login) goodbye(*http.Request) string { return "" }

// randomCode has 128 random bits.
func randomCode() string {
	b := make([]byte, 16)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// checkUserName refuses names that can't be shown: the editor puts them into its menu as HTML.
func checkUserName(name string) error {
	bad := func(c rune) bool { return !unicode.IsPrint(c) || strings.ContainsRune(`<>&"'_`, c) && c != '_' }
	if name == "" || len(name) > maxUserName || !utf8.ValidString(name) || strings.ContainsFunc(name, bad) ||
		strings.TrimSpace(name) != name || name == "_" {
		return fmt.Errorf("user name: want 1 to %d bytes without < > & and quotes", maxUserName)
	}
	return nil
}

func checkNewPassword(password string) error {
	if utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword {
		return fmt.Errorf("password: want at least %d characters, and at most %d bytes", minPassword, maxPassword)
	}
	return nil
}
