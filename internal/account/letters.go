package account

import (
	"context"
	"errors"
	"sync"
	"time"
)

// LetterKind says what a Letter is about.
type LetterKind string

// The kinds.
const (
	LetterJoin      LetterKind = "join"      // a link that makes an account
	LetterHave      LetterKind = "have"      // somebody asked to join with the e-mail of an account
	LetterReset     LetterKind = "reset"     // a link to choose a new password
	LetterPassword  LetterKind = "password"  // the password was changed
	LetterNewPlace  LetterKind = "new_place" // a sign-in from an address not seen before
	LetterFactorOff LetterKind = "factor"    // two-step sign-in was switched off
	LetterPasskey   LetterKind = "passkey"   // a passkey was added
	LetterIdentity  LetterKind = "identity"  // an identity with a provider was linked
	LetterTeam      LetterKind = "team"      // an invitation to a team
	LetterDeleted   LetterKind = "deleted"   // the person has deleted the account

	LetterQuota       LetterKind = "quota"       // an instance comes near a limit of its plan
	LetterCertificate LetterKind = "certificate" // to the owners: a certificate is about to end, or can't be had
)

// Letter is a mail to be sent.
type Letter struct {
	Kind     LetterKind
	To       string
	Language string    // of the reader; "" when not known
	Token    string    // secret of the link; "" for letters without one
	Expires  time.Time // of the link
	Remote   string    // address of who caused it
	Agent    string    // User-Agent of who caused it
	Path     string    // of the page that its link opens; "" for that of its kind
	Args     []any     // further pairs of placeholder and value for its text
}

// TextKey is a value among the Args of a Letter that is itself a text of the catalogue, in the reader's language.
type TextKey string

// maxPosting bounds the letters on their way; more are refused where somebody asked for them.
const maxPosting = 64

// posting are letters on their way.
type posting struct {
	mu sync.Mutex // guards n
	n  int
	wg sync.WaitGroup
}

// later runs f, which sends letters, apart from the request: how long it takes must tell a stranger nothing. It is
// false when too many are on their way.
func (s *Service) later(ctx context.Context, f func(ctx context.Context)) bool {
	p := &s.posting
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n >= maxPosting {
		return false
	}
	p.n++
	p.wg.Add(1)
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer func() {
			p.mu.Lock()
			p.n--
			p.mu.Unlock()
			p.wg.Done()
		}()
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		f(ctx)
	}()
	return true
}

// Flush waits for the letters on their way, no longer than ctx.
func (s *Service) Flush(ctx context.Context) {
	done := make(chan struct{})
	go func() { s.posting.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// post sends one letter; that it failed is told to the operator.
func (s *Service) post(ctx context.Context, l Letter) {
	if s.o.Post == nil {
		return
	}
	if err := s.o.Post(ctx, l); err != nil {
		s.o.Log.Warn("mail not sent", "kind", l.Kind, "error", err)
	}
}

// inform posts news about the account, where not too much is on its way.
func (s *Service) inform(ctx context.Context, kind LetterKind, acc Account, by Actor) {
	s.later(ctx, func(ctx context.Context) {
		s.post(ctx, Letter{Kind: kind, To: acc.Email, Language: acc.Language, Remote: clip(by.Remote), Agent: clip(by.Agent)})
	})
}

// WarnOwners posts a warning about the installation to its owners; args are pairs of placeholder and value.
func (s *Service) WarnOwners(ctx context.Context, kind LetterKind, args ...any) {
	var list []Account
	err := s.o.Store.View(ctx, func(r Reader) (err error) {
		list, err = r.Accounts()
		return err
	})
	if err != nil {
		s.o.Log.Warn("owners not warned", "kind", kind, "error", err)
		return
	}
	s.later(ctx, func(ctx context.Context) {
		for _, a := range list {
			if a.Role == RoleOwner {
				s.post(ctx, Letter{Kind: kind, To: a.Email, Language: a.Language, Args: args})
			}
		}
	})
}

// WarnInstance posts a warning about an instance to its owner; its link opens a page below the instance, and args are
// pairs of placeholder and value.
func (s *Service) WarnInstance(ctx context.Context, instance string, kind LetterKind, page string, args ...any) {
	var in Instance
	var owner Account
	err := s.o.Store.View(ctx, func(r Reader) (err error) {
		if in, err = r.Instance(instance); err != nil {
			return err
		}
		owner, err = r.Account(in.Owner)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return // deleted meanwhile
	}
	args = append([]any{"instance", in.Name}, args...)
	if err != nil || !s.later(ctx, func(ctx context.Context) {
		s.post(ctx, Letter{Kind: kind, To: owner.Email, Language: owner.Language, Path: "/instances/" + in.ID + page, Args: args})
	}) {
		s.o.Log.Warn("the owner of an instance not warned", "instance", instance, "kind", kind, "error", err)
	}
}

// mayAsk counts a stranger's wish for mail to an address, and refuses too many.
func (s *Service) mayAsk(by Actor, email string) error {
	now := s.now()
	address := AddressKey(by.Remote)
	if wait := max(s.asked.wait("from "+address, now), s.asked.wait("to "+email, now)); wait > 0 {
		return &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	s.asked.add("from "+address, now)
	s.asked.add("to "+email, now)
	return nil
}
