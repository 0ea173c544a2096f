package account

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/x509"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// Directory answers at the door of the brokers: who is this, and what may they do. Rules of an instance are in memory
// while a login of it is alive, and not otherwise. It is safe for many goroutines.
type Directory struct {
	o         Options
	devices   *hasher
	tries     *failures // by instance and user, for addresses that it never logged in from
	addresses *failures // by address
	places    *known    // "instance:user" and address that logged in before
	cache     cache
	rows      loginRows
	seed      maphash.Seed
	shards    [64]shard
	hosts     hostIndex
	web       webLogins
	askers    askers
	fence     *fence // address rules and bans
}

// shard holds a part of the instances. Its lock is held while rules are read from the store, so that a change that
// is committed meanwhile is either read or applied after.
type shard struct {
	mu   sync.Mutex // guards sets
	sets map[string]weak.Pointer[ruleset]
}

func newDirectory(o Options) *Directory {
	return &Directory{
		o:         o,
		devices:   newHasher(max(1, runtime.GOMAXPROCS(0)/2), 64, o.HashMemory),
		tries:     newFailures(20, 2*time.Second, 50_000),
		addresses: newFailures(30, time.Second, 50_000),
		places:    newKnown(50_000),
		seed:      maphash.MakeSeed(),
		fence:     newFence(o.Now),
	}
}

// Credentials are what a CONNECT brings, after Resolve.
type Credentials struct {
	Instance string // "" when nothing told one
	User     string
	Password string
	ClientID string // as sent; "" when the broker is to choose one
	Remote   string // address of the peer
	Key      string // a publishable key of the WebSocket's address; "" for none
	Origin   string // of the page that opened the WebSocket
	// Certificates are what the client sent in TLS, its own first: it has the key of that one, and more isn't known.
	Certificates []*x509.Certificate
}

// Login is a good answer of Authenticate.
type Login struct {
	Instance Instance
	User     string
	Rights   *Rights
	Web      bool      // the panel's web client: counted apart
	Until    time.Time // end the connection then; zero: never
	Most     int       // connections of this user at a time; 0: as the plan says
}

// Refusal is why a login failed, for the log. The client must get the same answer for all but Busy and Closed: which of
// instance, user and password was wrong is nobody's business.
type Refusal struct {
	Instance string // the instance whose log is to tell it; "" for the operator's log
	User     string
	Busy     bool    // "try later": too many tries or too many password checks at once
	Closed   bool    // the login is right, and the account suspended: the client may know
	Wrong    bool    // user name, password, certificate or token was wrong: it counts towards a ban
	Banned   *Banned // the ban that it led to; nil for none
	Cause    string  // in words, for the log
}

// suspendedLogin is the answer to a right login of a suspended account.
func suspendedLogin(why string) *Refusal {
	return &Refusal{Closed: true, Cause: "the account of this instance is suspended by the operator of the server: " + why}
}

func (r *Refusal) Error() string { return "login refused: " + r.Cause }

// Authenticate judges credentials. A failure that is the client's is a *Refusal, after the same work whether the
// instance, the user or the password is wrong.
//
// Generated passwords cost one HMAC, certificates and tokens a signature; chosen passwords argon2id unless they were good
// within the last minutes. Failures cost argon2id and are limited by address and by user; a good generated password,
// certificate or token always gets in.
func (d *Directory) Authenticate(ctx context.Context, c Credentials) (*Login, error) {
	if c.Key != "" {
		return d.authenticatePage(ctx, c)
	}
	if c.User == WebUser {
		return d.authenticateWeb(ctx, c)
	}
	m, err := d.methods(ctx, c.Instance)
	if err != nil {
		return nil, err
	}
	p, wrong := d.examine(ctx, c, m)
	if failed, ok := errors.AsType[errStore](wrong); ok {
		return nil, failed.error
	}
	in, u, err := d.read(ctx, c.Instance, p.user)
	if err != nil {
		return nil, err
	}
	cause, err := d.conclude(ctx, c, p, u, wrong)
	if err != nil {
		return nil, err
	}
	if cause == nil {
		cause = u.shut(c.ClientID, d.o.Now())
	}
	if cause == nil && in.closed != "" {
		cause = suspendedLogin(in.closed)
	}
	if cause == nil {
		before := u
		if p.password && u.Kind == SecretImported {
			u = d.strengthen(ctx, c, u)
		}
		login, err := d.admit(ctx, p, in, u)
		if _, changed := errors.AsType[*Refusal](err); changed && before.Kind == SecretImported {
			return d.Authenticate(ctx, c) // most likely by another login that has strengthened it
		}
		return login, err
	}
	cause.Instance, cause.User = in.ID, p.user
	if cause.Wrong {
		cause.Banned = d.fence.wrong(c, d.digest(c, p))
	}
	if in.ID == "" && !cause.Busy {
		cause.Cause = "no such instance: the user name must be <instance>:<user>, or an instance's id for its first user"
	}
	return nil, cause
}

// shut says why a user who is who they say may not connect; nil: they may.
func (u User) shut(clientID string, now time.Time) *Refusal {
	switch {
	case !u.Connect:
		return &Refusal{Cause: "this user may not connect: allow it on the users page"}
	case over(u.ExpiresAt, now):
		return &Refusal{Cause: "this user has expired: give it another end on the users page"}
	case u.ClientID != "" && u.ClientID != clientID:
		return &Refusal{Cause: fmt.Sprintf("this user is bound to the client id %q: connect with that one, or free the user on the users page", u.ClientID)}
	}
	return nil
}

// conclude judges the password, where one is wanted, and gives every refusal the work of a wrong one.
func (d *Directory) conclude(ctx context.Context, c Credentials, p proof, u User, wrong error) (*Refusal, error) {
	if wrong == nil && p.password {
		c.User = p.user
		return d.judge(ctx, c, u)
	}
	if wrong == nil && u.Name == "" {
		wrong = fmt.Errorf("user %q, whom the certificate or token names, doesn't exist: make the user first", clip(p.user))
	}
	switch {
	case wrong == nil:
		return nil, nil
	case p.busy:
		return &Refusal{Busy: true, Cause: wrong.Error()}, nil
	}
	cause, err := d.judge(ctx, c, User{})
	if err == nil && (cause == nil || !cause.Busy) {
		cause = &Refusal{Wrong: true, Cause: wrong.Error()}
	}
	return cause, err
}

// methods are an instance's ways of logging in: from memory while a login of it is alive.
func (d *Directory) methods(ctx context.Context, instance string) (m *methods, err error) {
	if set := d.living(instance); set != nil {
		return set.methods.Load(), nil
	}
	return d.storedMethods(ctx, instance)
}

// living is what is in memory of an instance while a login of it is alive; nil for none.
func (d *Directory) living(instance string) *ruleset {
	sh := d.shard(instance)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.sets[instance].Value()
}

func (d *Directory) storedMethods(ctx context.Context, instance string) (m *methods, err error) {
	if !ValidInstanceID(instance) {
		instance = ""
	}
	err = d.o.Store.View(ctx, func(r Reader) error {
		m, err = readMethods(r, instance)
		return err
	})
	return m, err
}

// read looks for instance and user; what doesn't exist comes back as zero. What was read since the last change of
// the accounts is known.
func (d *Directory) read(ctx context.Context, instance, name string) (in Instance, u User, err error) {
	row, ok, version := d.rows.get(instance, name)
	if ok {
		return row.instance, row.user, nil
	}
	in, u, err = d.stored(ctx, instance, name)
	if err == nil && in.ID != "" && u.Name != "" {
		d.rows.put(loginRow{in, u}, version)
	}
	return in, u, err
}

// stored is read from the store.
func (d *Directory) stored(ctx context.Context, instance, name string) (in Instance, u User, err error) {
	if !ValidInstanceID(instance) {
		instance = "" // the same two reads, of nothing
	}
	err = d.o.Store.View(ctx, func(r Reader) error {
		in, err = r.Instance(instance)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if in.closed, err = closedBy(r, in); err != nil {
			return err
		}
		u, err = r.User(instance, name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		return nil
	})
	return in, u, err
}

// closedBy is why nobody may use an instance: its account is suspended. "" where it may be used. An instance that
// doesn't exist costs the same read.
func closedBy(r Reader, in Instance) (string, error) {
	a, err := r.Account(in.Owner)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil || a.SuspendedAt.IsZero() {
		return "", err
	}
	return a.SuspendedWhy, nil
}

// judge says nil for a good password.
func (d *Directory) judge(ctx context.Context, c Credentials, u User) (*Refusal, error) {
	generated := d.o.Keys.hashGenerated(c.Instance, c.User, c.Password)
	if u.Kind == SecretGenerated && hmac.Equal(generated, u.Secret) {
		return nil, nil
	}
	key := d.cache.key(c, u)
	if (u.Kind == SecretChosen || u.Kind == SecretImported) && d.cache.has(key, d.o.Now()) {
		return nil, nil
	}
	if _, known, _ := d.rows.get(c.Instance, c.User); known { // the read of the store that an unknown user has cost
		if _, _, err := d.stored(ctx, c.Instance, c.User); err != nil {
			return nil, err
		}
	}
	if d.living(c.Instance) != nil { // and that of the methods of an unknown instance
		if _, err := d.storedMethods(ctx, c.Instance); err != nil {
			return nil, err
		}
	}
	address, login, now := AddressKey(c.Remote), c.Instance+":"+c.User, d.o.Now()
	if d.addresses.wait(address, now) > 0 {
		return &Refusal{Busy: true, Cause: "too many failed logins from this address: wait some seconds"}, nil
	}
	if !d.places.has(login, address) && d.tries.wait(login, now) > 0 {
		return &Refusal{Busy: true, Cause: "too many failed logins of this user: wait some seconds"}, nil
	}
	ok, err := d.verifyUser(ctx, u, c.Password)
	if errors.Is(err, ErrBusy) {
		return &Refusal{Busy: true, Cause: "too many password checks at once: try again"}, nil
	}
	if err != nil {
		return nil, err
	}
	if !ok {
		d.addresses.add(address, now)
		d.tries.add(login, now)
		if u.Name == "" {
			return &Refusal{Wrong: true, Cause: "no such user"}, nil
		}
		return &Refusal{Wrong: true, Cause: "wrong password"}, nil
	}
	d.cache.add(key, d.o.Now())
	d.places.add(login, address)
	return nil, nil
}

// admit makes the login. The user is read again under the shard's lock: a change that was committed while the
// password was judged is seen here, and one that comes later finds the login and takes it back.
func (d *Directory) admit(ctx context.Context, p proof, in Instance, u User) (*Login, error) {
	sh := d.shard(in.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	at, again, err := d.read(ctx, in.ID, u.Name)
	if err != nil {
		return nil, err
	}
	if at.closed != "" {
		r := suspendedLogin(at.closed)
		r.Instance, r.User = in.ID, u.Name
		return nil, r
	}
	set, err := d.set(ctx, sh, in.ID)
	if err != nil {
		return nil, err
	}
	changed := again.Connect != u.Connect || again.ClientID != u.ClientID || !again.ExpiresAt.Equal(u.ExpiresAt) || p.password && (again.Kind != u.Kind || !bytes.Equal(again.Secret, u.Secret)) || !set.methods.Load().allow(p.shown)
	if p.again != nil && !changed {
		err := d.o.Store.View(ctx, p.again)
		if failed, ok := errors.AsType[errStore](err); ok {
			return nil, failed.error
		}
		changed = err != nil
	}
	if changed {
		return nil, &Refusal{Instance: in.ID, User: u.Name, Cause: "the login changed while it was judged"}
	}
	r := set.sharedRights(u.Name, u.First, p.shown)
	if p.narrow != nil {
		own := *r
		own.narrow = p.narrow
		r = &own
	}
	if !u.ExpiresAt.IsZero() {
		p.ends(u.ExpiresAt)
	}
	return &Login{Instance: in, User: u.Name, Rights: r, Until: p.until}, nil
}

func (d *Directory) shard(instance string) *shard {
	return &d.shards[maphash.String(d.seed, instance)%uint64(len(d.shards))]
}

// set is the instance's rules in memory, read from the store where no login holds them. The caller has sh.mu.
func (d *Directory) set(ctx context.Context, sh *shard, instance string) (*ruleset, error) {
	if set := sh.sets[instance].Value(); set != nil {
		return set, nil
	}
	set := &ruleset{now: d.o.Now, users: map[string]*userState{}, credentials: map[shown]*credential{}}
	err := d.o.Store.View(ctx, func(r Reader) error {
		rules, err := r.Rules(instance)
		set.rules.Store(&rules)
		d.watch(set)
		if err != nil {
			return err
		}
		m, err := readMethods(r, instance)
		set.methods.Store(m)
		return err
	})
	if err != nil {
		return nil, err
	}
	set.generation.Store(nextGeneration())
	if sh.sets == nil {
		sh.sets = map[string]weak.Pointer[ruleset]{}
	}
	sh.sets[instance] = weak.Make(set)
	runtime.AddCleanup(set, func(id string) { // when the last login is gone
		sh.mu.Lock()
		defer sh.mu.Unlock()
		if sh.sets[id].Value() == nil {
			delete(sh.sets, id)
		}
	}, instance)
	return set, nil
}

// apply takes over what was committed: the rules as they are now where Recheck says so, the methods where Logins does,
// and which logins end.
func (d *Directory) apply(c Change, rules []Rule, m *methods) {
	if c.Instance == "" {
		return
	}
	if c.Deleted {
		d.hosts.set(c.Instance, nil)
	}
	if c.Logins || c.Deleted {
		d.askers.set(c.Instance, !c.Deleted && m.Certificate != CertificateOff)
	}
	sh := d.shard(c.Instance)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	set := sh.sets[c.Instance].Value()
	if set == nil {
		return
	}
	if c.Recheck {
		set.rules.Store(&rules)
		d.watch(set)
	}
	set.gone.Store(c.Deleted)
	if c.Logins {
		set.methods.Store(m)
	}
	for s, one := range set.credentials {
		if c.Logins && !m.allow(s) || slices.Contains(c.revoked, s.of()) {
			one.revoked.Store(true)
			delete(set.credentials, s)
		}
	}
	for _, name := range c.Users {
		if u := set.users[name]; u != nil {
			u.revoked.Store(true)
			delete(set.users, name)
		}
	}
	set.generation.Store(nextGeneration())
}

// generation counts over all instances, so that no number ever comes back.
var generation atomic.Uint64

func nextGeneration() uint64 { return generation.Add(1) }
