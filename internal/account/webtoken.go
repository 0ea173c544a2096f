package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// WebTokenLife is how long a minted token of the web client holds, and how long a connection with it lasts.
const WebTokenLife = 10 * time.Minute

// webTokenHead names the form of a token; another form gets another head.
const webTokenHead = "tw1."

// webClaims is what a token says. It is signed, not secret.
type webClaims struct {
	Instance string `json:"i"`
	ClientID string `json:"c"`
	Account  string `json:"a"`
	Session  []byte `json:"s"` // BrowserSession.Hash: of the cookie's value, it opens nothing
	Ends     int64  `json:"e"` // microseconds since 1970
}

// WebToken is a minted login of the web client: MQTT user WebUser, the token as password.
type WebToken struct {
	Token    string
	ClientID string
	Ends     time.Time
}

// MintWebToken makes a token with which the actor's browser connects to one of the actor's instances, with that
// client id and no other, with the rights of the instance's owner (a viewer only receives), while the session in the panel lives.
func (s *Service) MintWebToken(ctx context.Context, by Actor, instance string) (WebToken, error) {
	in, err := s.Instance(ctx, by, instance)
	if err != nil {
		return WebToken{}, err
	}
	ends := s.now().Add(WebTokenLife)
	claims := webClaims{in.ID, "web-" + strings.ToLower(rand.Text()[:16]), by.Account.ID, by.Session[:], ends.UnixMicro()}
	return WebToken{s.o.Keys.signWeb(claims), claims.ClientID, ends}, nil
}

func (k *Keys) signWeb(c webClaims) string {
	body, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and numbers only
	}
	b64 := base64.RawURLEncoding
	return webTokenHead + b64.EncodeToString(body) + "." + b64.EncodeToString(mac(k.token, body))
}

func (k *Keys) openWeb(token string) (c webClaims, ok bool) {
	rest, ok := strings.CutPrefix(token, webTokenHead)
	if !ok || len(token) > 1024 {
		return c, false
	}
	body64, sum64, _ := strings.Cut(rest, ".")
	body, err1 := base64.RawURLEncoding.DecodeString(body64)
	sum, err2 := base64.RawURLEncoding.DecodeString(sum64)
	if err1 != nil || err2 != nil || !hmac.Equal(sum, mac(k.token, body)) {
		return c, false
	}
	return c, json.Unmarshal(body, &c) == nil && len(c.Session) == 32
}

// session is the key of the browser's session.
func (c webClaims) session() [32]byte { return [32]byte(c.Session) }

// authenticateWeb judges a minted token. It needs no slow hash: a token can't be guessed.
func (d *Directory) authenticateWeb(ctx context.Context, c Credentials) (*Login, error) {
	refuse := func(instance, cause string) error {
		return &Refusal{Instance: instance, User: WebUser, Cause: cause}
	}
	claims, ok := d.o.Keys.openWeb(c.Password)
	if !ok {
		return nil, refuse("", "not a token of the web client")
	}
	ends := time.UnixMicro(claims.Ends)
	switch {
	case claims.Instance != c.Instance || claims.ClientID != c.ClientID:
		return nil, refuse("", "the token is for another instance or client id")
	case !d.o.Now().Before(ends):
		return nil, refuse(claims.Instance, "the token is over: open the web client again")
	}
	sh := d.shard(c.Instance)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	set, err := d.set(ctx, sh, c.Instance)
	if err != nil {
		return nil, err
	}
	// The login is in the list before the session is read: one that ends now is either seen here or finds it there.
	r := &Rights{set: set, user: &userState{}, name: WebUser, all: true, why: "the web client of the instance's owner"}
	d.web.add(claims, r, d.o.Now())
	in, role, err := d.readWeb(ctx, claims)
	r.looks = !role.may(TeamMember)
	if errors.Is(err, ErrNotFound) {
		r.user.revoked.Store(true)
		return nil, refuse("", "the session in the panel is over: sign in again")
	}
	if err == nil && in.closed != "" {
		closed := suspendedLogin(in.closed)
		closed.Instance, closed.User = in.ID, WebUser
		err = closed
	}
	if err != nil {
		r.user.revoked.Store(true)
		return nil, err
	}
	return &Login{Instance: in, User: WebUser, Rights: r, Web: true, Until: ends}, nil
}

// readWeb reads the instance of a token whose session lives, and the role of its person there.
func (d *Directory) readWeb(ctx context.Context, c webClaims) (in Instance, role TeamRole, err error) {
	err = d.o.Store.View(ctx, func(r Reader) error {
		b, err := r.BrowserSession(c.session())
		if err != nil {
			return err
		}
		if in, err = r.Instance(c.Instance); err != nil {
			return err
		}
		if in.closed, err = closedBy(r, in); err != nil {
			return err
		}
		now := d.o.Now()
		if role, err = roleIn(r, c.Account, in.Owner); err != nil {
			return err
		}
		if b.Account != c.Account || !role.may(TeamViewer) || now.Sub(b.CreatedAt) > d.o.SessionMax || now.Sub(b.SeenAt) > d.o.SessionIdle {
			return ErrNotFound
		}
		return nil
	})
	return in, role, err
}

// webLogins are the logins of the web client by browser session, so that signing out ends them.
type webLogins struct {
	mu  sync.Mutex // guards all
	all map[[32]byte][]webLogin
}

type webLogin struct {
	claims webClaims
	rights *Rights
}

// add keeps a login; an earlier one of the same client id has been taken over. Those that are over go.
func (w *webLogins) add(c webClaims, r *Rights, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[[32]byte][]webLogin{}
	}
	for session, list := range w.all {
		list = slices.DeleteFunc(list, func(l webLogin) bool {
			return l.claims.Ends <= now.UnixMicro() || l.rights.Revoked() || session == c.session() && l.claims.ClientID == c.ClientID
		})
		if w.all[session] = list; len(list) == 0 {
			delete(w.all, session)
		}
	}
	w.all[c.session()] = append(w.all[c.session()], webLogin{c, r})
}

// endWeb takes back the logins of a session that is over and returns what brokers must do.
func (d *Directory) endWeb(session [32]byte) []Change {
	d.web.mu.Lock()
	list := d.web.all[session]
	delete(d.web.all, session)
	d.web.mu.Unlock()
	var news []Change
	for _, l := range list {
		l.rights.user.revoked.Store(true)
		l.rights.set.generation.Store(nextGeneration())
		news = append(news, Change{Instance: l.claims.Instance, Clients: []string{l.claims.ClientID}})
	}
	return news
}
