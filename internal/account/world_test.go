package account_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/sqlitetest"
)

const (
	ownerMail = "owner@example.org"
	password  = "a long enough pass phrase"
)

// world is a service over a store, with an owner, and a clock that tests turn.
type world struct {
	*account.Service
	t      *testing.T
	ctx    context.Context
	store  account.Store
	owner  account.Actor
	token  string // of the owner's session
	mails  map[string]string
	signUp string
	zone   *zone
	keys   string // directory of the key file
	hash   int    // KiB of a password's hash; 0: as in earnest

	mu      sync.Mutex // guards now, news and letters
	letters []account.Letter
	now     time.Time
	news    []account.Change
}

// newStore is the real store in a directory of its own.
func newStore(t *testing.T) account.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: sqlitetest.Dir(t), BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.Accounts
}

// newWorld makes cheap hashes.
func newWorld(t *testing.T) *world { return newWorldHashing(t, 1024) }

func newWorldHashing(t *testing.T, memory int) *world { return newWorldWith(t, memory, "") }

func newWorldWith(t *testing.T, memory int, signUp string) *world {
	t.Helper()
	w := &world{signUp: signUp, t: t, hash: memory, ctx: t.Context(), store: newStore(t), now: time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC), mails: map[string]string{}}
	w.open()
	link, err := w.OwnerToken(w.ctx)
	if err != nil || link == "" {
		t.Fatalf("OwnerToken: %q, %v", link, err)
	}
	w.token, err = w.CreateOwner(w.ctx, w.browser("192.0.2.1"), link, ownerMail, password, "ja")
	if err != nil {
		t.Fatalf("CreateOwner: %v", err)
	}
	w.owner = w.session(w.token)
	return w
}

// names is the DNS of the world; nil: there is none.
func (w *world) names() account.Names {
	if w.zone == nil {
		return nil
	}
	return w.zone
}

// open makes a service over the store, as a start of the process does.
func (w *world) open() {
	w.t.Helper()
	if w.keys == "" {
		w.keys = w.t.TempDir()
	}
	secret, err := account.LoadKeyFile(w.keys)
	if err != nil {
		w.t.Fatal(err)
	}
	keys, err := account.NewKeys(secret)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Service, err = account.NewService(w.ctx, account.Options{
		Names: w.names(), OwnNames: []string{"also.example.net"},
		Store: w.store, Keys: keys, Domain: "example.org",
		Plans: []account.Plan{
			{ID: "free", Name: "Free", Default: true, Instances: 2, Connections: 10, FlowServers: 1, Users: 3, HostNames: 2},
			{ID: "big", Name: "Big", Instances: 1},
			{ID: "gold", Name: "Gold", Granted: true},
		},
		Regions: []account.Region{{ID: "home", Name: "Home"}},
		Invite: func(_ context.Context, m account.InviteMail) (string, error) {
			w.mails[m.To] = m.Token
			return "file", nil
		},
		Post: func(_ context.Context, l account.Letter) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.letters = append(w.letters, l)
			return nil
		},
		SignUp: w.signUp, AccountTeams: 3, Log: slog.New(slog.DiscardHandler), Now: w.clock, HashMemory: w.hash,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.OnChange(func(c account.Change) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.news = append(w.news, c)
	})
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// lastNews is the newest change that brokers were told.
func (w *world) lastNews() account.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.news) == 0 {
		return account.Change{}
	}
	return w.news[len(w.news)-1]
}

func (w *world) browser(remote string) account.Actor {
	return account.Actor{Via: "panel", Remote: remote, Agent: "Browser/1"}
}

func (w *world) session(token string) account.Actor {
	w.t.Helper()
	by, err := w.BySession(w.ctx, token, "192.0.2.1", "Browser/1")
	if err != nil {
		w.t.Fatalf("BySession: %v", err)
	}
	return by
}

// member invites somebody and returns their session.
func (w *world) member(email string) (account.Actor, string) {
	w.t.Helper()
	if _, err := w.Invite(w.ctx, w.owner, email); err != nil {
		w.t.Fatal(err)
	}
	token, err := w.AcceptInvitation(w.ctx, w.browser("192.0.2.2"), w.mails[email], password, "en")
	if err != nil {
		w.t.Fatal(err)
	}
	return w.session(token), token
}

func (w *world) instance(by account.Actor) (account.Instance, string) {
	w.t.Helper()
	in, secret, err := w.CreateInstance(w.ctx, by, account.NewInstance{Name: "Home"})
	if err != nil {
		w.t.Fatal(err)
	}
	return in, secret
}

func (w *world) login(instance, user, password string) (*account.Login, error) {
	return w.Directory().Authenticate(w.ctx, account.Credentials{Instance: instance, User: user, Password: password, ClientID: "c1", Remote: "198.51.100.7:1234"})
}

func (w *world) mustLogin(instance, user, password string) *account.Login {
	w.t.Helper()
	l, err := w.login(instance, user, password)
	if err != nil {
		w.t.Fatalf("login %s:%s: %v", instance, user, err)
	}
	return l
}

// wantCode fails unless err is an *account.Error with that code.
func wantCode(t *testing.T, err error, code account.Code) {
	t.Helper()
	var e *account.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("error %v, want code %s", err, code)
	}
}

func ptr[T any](v T) *T { return &v }

// signIn signs in from an address where no second proof is asked for.
func (w *world) signIn(remote, email, password string) (string, error) {
	in, err := w.SignIn(w.ctx, w.browser(remote), email, password)
	return in.Session, err
}

// lastLetter is the newest letter of a kind to a mailbox, after those on their way have gone.
func (w *world) lastLetter(kind account.LetterKind, to string) account.Letter {
	w.t.Helper()
	w.Flush(w.ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.letters) - 1; i >= 0; i-- {
		if l := w.letters[i]; l.Kind == kind && l.To == to {
			return l
		}
	}
	w.t.Fatalf("no letter %s to %s", kind, to)
	return account.Letter{}
}
