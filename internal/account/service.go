package account

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Options of NewService. Store, Keys, Plans (one of them the default) and Regions must be set.
type Options struct {
	Store   Store
	Keys    *Keys
	Plans   []Plan
	Regions []Region
	SignUp  string // "open", "invite" or "closed" ["invite"]

	AccountInstances int // instances of one account in all plans together, unless its row says another number; 0: no bound
	AccountTeams     int // teams that one person may own [20]

	Domain string // instances are also reached as <instance>.<Domain>; "" for no such names
	// Invite sends an invitation's link and says how: "mail" or "file". Nil: nobody can be invited.
	Invite func(ctx context.Context, m InviteMail) (sent string, err error)
	// Passkeys do the ceremonies of passkeys; nil: there are none.
	Passkeys Passkeys
	// Providers are those of OpenID Connect with which people may sign in; nil: there are none.
	Providers Providers
	// Post sends any other mail. Nil: none goes out.
	Post func(ctx context.Context, l Letter) error
	// KeySets fetches key sets of tokens; nil: there are none.
	KeySets KeySets
	// BridgePlain says that there are addresses which bridges may reach without TLS.
	BridgePlain bool
	// HookPlain says that there are addresses which webhooks may reach without TLS.
	HookPlain bool
	// BridgeReach and HookReach tell what bridges and webhooks may connect to; nil: every address.
	BridgeReach, HookReach Reach
	Log                    *slog.Logger
	Now                    func() time.Time // [time.Now]

	// Names look customers' own host names up; nil: instances have none.
	Names    Names
	OwnNames []string // of the server besides Domain: nobody may take them

	HashMemory int // KiB that one hash of a person's password takes [19456]

	SessionIdle time.Duration // a browser's session ends after so long without use [7 days]
	SessionMax  time.Duration // and after so long in any case [30 days]
}

// Service changes accounts, instances, users and rules, and says who may. Its methods may be called from many
// goroutines. Failures that a person can understand are *Error; anything else is our own failure.
type Service struct {
	o             Options
	directory     *Directory
	people        *hasher   // apart from the devices' one: a storm of devices doesn't lock people out
	tries         *failures // by account and address
	addresses     *failures // by address
	accounts      *failures // by account, for addresses that it never signed in from
	places        *known    // account and address that signed in before
	newPlaces     *failures // by account: letters about sign-ins from new places, five a day
	asked         *failures // by address and by e-mail: mails that strangers asked for
	codeTries     *failures // by account: wrong codes after a right password
	posting       posting
	flowHost      FlowHost // nil: nobody runs flow servers
	seconds       *tickets[second]
	ownerSeen     atomic.Bool
	lastID        atomic.Int64
	codes         *tickets[code]
	ceremonies    *tickets[ceremony]
	trips         *tickets[trip]
	confirmations *tickets[confirmation]
	pairings      *tickets[pairing]
	pairTries     *failures // by address: wrong pairing codes
	ended         endings
	looks         chan struct{} // a place for each check of host names

	// mu makes a change of an instance and its news to directory and listeners one step, so that the news keep the
	// order of the changes. It is held during a write to the store; nothing on the message path takes it.
	mu       sync.Mutex
	onChange []func(Change)
}

// Change is news for running brokers, told after it is on disk.
type Change struct {
	Instance string
	Deleted  bool     // the instance is gone: end its clients, delete its sessions and messages
	Recheck  bool     // rules changed: judge all subscriptions and queued messages again
	Users    []string // end the connections of these users: deleted, may no longer connect, or another password
	Clients  []string // end the connections of the web client with these client ids: their person has signed out
	Plan     bool     // the instance has another plan: its bounds hold from now on
	Logins   bool     // ways of logging in changed or something was revoked: end the connections whose Rights are Revoked

	Bridges     bool // bridges changed, or may run or not any more: read them anew
	Hooks       bool // hooks changed: read them anew
	Retain      bool // the times of retained messages changed
	ClientIDs   bool // what becomes of who comes with a client id that is in use changed
	History     bool // what is kept changed: read it anew
	DeadLetters bool // there are fewer dead letters
	HostNames   bool // which own names lead to the instance has changed
	Addresses   bool // address rules or bans by hand changed: end the connections that they shut out

	Suspended string // the operator has suspended the account, in these words: end all connections; "" else

	revoked []shown // certificates that were revoked
}

// NewService checks that the key file is the one that the store was made with, and returns a service.
func NewService(ctx context.Context, o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.SignUp == "" {
		o.SignUp = "invite"
	}
	if o.AccountTeams == 0 {
		o.AccountTeams = maxTeams
	}
	if o.HashMemory == 0 {
		o.HashMemory = argonMemory
	}
	if o.SessionIdle == 0 {
		o.SessionIdle = 7 * 24 * time.Hour
	}
	if o.SessionMax == 0 {
		o.SessionMax = 30 * 24 * time.Hour
	}
	if _, ok := findPlan(o.Plans, ""); !ok || len(o.Regions) == 0 {
		return nil, errors.New("accounts: want one default plan and one region or more")
	}
	s := &Service{
		o:             o,
		people:        newHasher(max(1, runtime.GOMAXPROCS(0)/2), 32, o.HashMemory),
		tries:         newFailures(5, 20*time.Second, 10_000),
		addresses:     newFailures(20, 5*time.Second, 10_000),
		accounts:      newFailures(30, 10*time.Second, 10_000),
		places:        newKnown(10_000),
		codeTries:     newFailures(10, 2*time.Minute, 10_000),
		newPlaces:     newFailures(5, 24*time.Hour/5, 10_000),
		asked:         newFailures(5, time.Minute, 10_000),
		seconds:       newTickets[second](maxSecondsOfOne, maxSeconds),
		codes:         newTickets[code](maxCodes, 1000*maxCodes),
		ceremonies:    newTickets[ceremony](maxCeremoniesFrom, maxCeremonies),
		trips:         newTickets[trip](maxTripsFrom, maxTrips),
		confirmations: newTickets[confirmation](maxConfirmationsOne, maxConfirmations),
		pairings:      newTickets[pairing](maxPairings, maxPairingAll),
		pairTries:     newFailures(10, 10*time.Second, 10_000),
		looks:         make(chan struct{}, hostLooks),
	}
	s.directory = newDirectory(o)
	if err := s.checkKey(ctx); err != nil {
		return nil, err
	}
	err := o.Store.View(ctx, func(r Reader) error {
		list, err := r.LoginsByCertificate()
		all := map[string]bool{}
		for _, l := range list {
			all[l.Instance] = true
		}
		s.directory.askers.all.Store(&all)
		if err != nil {
			return err
		}
		hosts, err := r.HostNames("")
		each := map[string][]HostName{}
		for _, h := range hosts {
			each[h.Instance] = append(each[h.Instance], h)
		}
		for instance, rows := range each {
			s.directory.hosts.set(instance, rows)
		}
		if err != nil {
			return err
		}
		return s.directory.fence.load(r)
	})
	return s, err
}

// Directory answers the gate's and the broker's questions.
func (s *Service) Directory() *Directory { return s.directory }

// OnChange adds a listener; call it before the first change. Listeners are called one after the other, in the order
// of the changes, and must neither block for long nor call the Service.
func (s *Service) OnChange(f func(Change)) { s.onChange = append(s.onChange, f) }

// checkKey compares the key file with what the store remembers of it. With another key no generated password would
// work and none could be revealed, so that start is refused.
func (s *Service) checkKey(ctx context.Context) error {
	const key = "key_check"
	var wrong bool
	err := s.o.Store.Update(ctx, func(tx Tx) error {
		have, err := tx.Setting(key)
		if errors.Is(err, ErrNotFound) {
			return tx.Insert(Setting{Key: key, Value: s.o.Keys.check})
		}
		wrong = err == nil && !hmac.Equal(have.Value, s.o.Keys.check)
		return err
	})
	if err != nil {
		return fmt.Errorf("check key file: %w", err)
	}
	if wrong {
		return fmt.Errorf("the key file %s isn't the one that the accounts were made with: restore it from the backup of the same day", KeyFileName)
	}
	return nil
}

// now is the time with the precision that the store keeps.
func (s *Service) now() time.Time { return s.o.Now().UTC().Truncate(time.Microsecond) }

// nextID makes an ascending id from the time.
func (s *Service) nextID() int64 { return ascending(&s.lastID, s.now()) }

func ascending(last *atomic.Int64, now time.Time) int64 {
	for {
		old := last.Load()
		id := max(now.UnixMicro(), old+1)
		if last.CompareAndSwap(old, id) {
			return id
		}
	}
}

// update runs f in a transaction and hides nothing of its errors but the store's kinds: what wasn't found is told as
// such, what exists is left to the caller.
func (s *Service) update(ctx context.Context, f func(tx Tx) error) error {
	err := s.o.Store.Update(ctx, f)
	s.directory.rows.forget()
	return told(err)
}

func (s *Service) view(ctx context.Context, f func(r Reader) error) error {
	return told(s.o.Store.View(ctx, f))
}

func told(err error) error {
	var e *Error
	if err != nil && !errors.As(err, &e) && errors.Is(err, ErrNotFound) {
		return notFound()
	}
	return err
}

// change is update for what brokers must hear of: f returns the news. The directory hears it first.
func (s *Service) change(ctx context.Context, f func(tx Tx) (Change, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var news Change
	var rules []Rule
	var m *methods
	var b *barrier
	var shut []Ban
	err := s.update(ctx, func(tx Tx) (err error) {
		if news, err = f(tx); err != nil {
			return err
		}
		if news.Recheck {
			if rules, err = tx.Rules(news.Instance); err != nil {
				return err
			}
		}
		if news.Logins {
			if m, err = readMethods(tx, news.Instance); err != nil {
				return err
			}
		}
		if news.Addresses {
			b, shut, err = readBarrier(tx, news.Instance)
		}
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case news.Deleted:
		s.directory.fence.drop(news.Instance)
	case news.Addresses:
		s.directory.fence.put(news.Instance, b, shut)
	}
	s.directory.apply(news, rules, m)
	s.tell(news)
	return nil
}

func (s *Service) tell(c Change) {
	if c.Instance == "" {
		return
	}
	for _, f := range s.onChange {
		f(c)
	}
}
