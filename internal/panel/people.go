package panel

import (
	"context"
	"errors"
	"strings"
	"time"

	"tsunagi/internal/account"
)

// empty is the input of a route that needs none.
type empty struct{}

// WithID is the input of a route about one thing. (Huma fills embedded structs only where their names are exported.)
type WithID struct {
	ID string `path:"id" maxLength:"64"`
}

// nothing is the answer of a route that says no more than that it worked.
type nothing struct{}

// withCookie is the answer of a route that begins or ends a session.
type withCookie struct {
	Cookie string `header:"Set-Cookie"`
}

// answer wraps a body.
type answer[T any] struct{ Body T }

func reply[T any](body T) *answer[T] { return &answer[T]{body} }

type statusBody struct {
	Owner     bool     `json:"owner" doc:"An owner exists"`
	SignUp    string   `json:"signup" enum:"invite,open,closed"`
	Version   string   `json:"version"`
	Languages []string `json:"languages"`
	Passkeys  bool     `json:"passkeys" doc:"People can sign in with passkeys"`

	Providers []providerBody `json:"providers" doc:"With which people can sign in as well"`
}

func (p *Panel) status(ctx context.Context, _ *empty) (*answer[statusBody], error) {
	has, err := p.o.Accounts.HasOwner(ctx)
	out := statusBody{Owner: has, SignUp: p.o.Accounts.SignUp(), Version: p.o.Version, Languages: p.o.Languages, Passkeys: p.o.Accounts.HasPasskeys(), Providers: []providerBody{}}
	for _, one := range p.o.Accounts.ProviderList() {
		out.Providers = append(out.Providers, showProvider(one))
	}
	return reply(out), err
}

type accountBody struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Role     string `json:"role" enum:"owner,member,team" doc:"owner: runs the server; team: a token stands for a team"`
	Language string `json:"language" doc:"Empty: not chosen"`

	SignInMails bool `json:"sign_in_mails" doc:"A mail comes when somebody signs in from a browser and network not seen before"`
}

func showAccount(a account.Account) accountBody {
	return accountBody{a.ID, a.Email, string(a.Role), a.Language, !a.QuietSignIns}
}

type sessionBody struct {
	Account accountBody `json:"account" doc:"The person"`
	Team    teamBody    `json:"team" doc:"The account that is looked at: the person's own or a team"`

	Now        time.Time  `json:"now" doc:"By the server's clock"`
	EndsAt     *time.Time `json:"ends_at,omitempty" doc:"The browser's session ends then in any case; absent for API tokens"`
	IdleEndsAt *time.Time `json:"idle_ends_at,omitempty" doc:"It ends then without further use; any request puts that off, to the minute"`
}

func (p *Panel) showSession(by account.Actor) sessionBody {
	return sessionBody{showAccount(by.Account), p.showTeam(account.InTeam{Account: by.Team, Role: by.TeamRole}), time.Now().UTC(), moment(by.Ends), moment(by.IdleEnds)}
}

func (p *Panel) getSession(ctx context.Context, _ *empty) (*answer[sessionBody], error) {
	return reply(p.showSession(actor(ctx))), nil
}

type ownerInput struct {
	Body struct {
		Token    string `json:"token" maxLength:"128"`
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"256"`
		Language string `json:"language,omitempty" maxLength:"8"`
	}
}

func (p *Panel) createOwner(ctx context.Context, in *ownerInput) (*withCookie, error) {
	token, err := p.o.Accounts.CreateOwner(ctx, actor(ctx), in.Body.Token, in.Body.Email, in.Body.Password, in.Body.Language)
	return &withCookie{sessionCookie(token)}, err
}

type signInInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"256"`
	}
}

// SignedInBody is empty where the sign-in is complete.
type SignedInBody struct {
	Ticket  string `json:"ticket,omitempty" doc:"Set when a second proof is needed: send it to /session/second within 5 minutes"`
	Passkey bool   `json:"passkey,omitempty" doc:"With ticket: a passkey is taken instead of a code, see /session/passkey/new"`
}

type signInOutput struct {
	Cookie string `header:"Set-Cookie"`
	Body   SignedInBody
}

func (p *Panel) signIn(ctx context.Context, in *signInInput) (*signInOutput, error) {
	done, err := p.o.Accounts.SignIn(ctx, actor(ctx), in.Body.Email, in.Body.Password)
	var refused *account.Error
	if errors.As(err, &refused) {
		p.recordRefusal(ctx, in.Body.Email, refused)
	}
	out := &signInOutput{Body: SignedInBody{done.Ticket, done.Passkey}}
	if done.Session != "" {
		out.Cookie = sessionCookie(done.Session)
	}
	return out, err
}

func (p *Panel) signInSecond(ctx context.Context, in *struct {
	Body struct {
		Ticket string `json:"ticket" maxLength:"128"`
		Code   string `json:"code" maxLength:"64"`
	}
}) (*withCookie, error) {
	token, err := p.o.Accounts.SecondSignIn(ctx, actor(ctx), in.Body.Ticket, in.Body.Code)
	var refused *account.Error
	if errors.As(err, &refused) {
		p.recordRefusal(ctx, "", refused)
	}
	return &withCookie{sessionCookie(token)}, err
}

// recordRefusal writes a sign-in that was refused into the operator's log.
func (p *Panel) recordRefusal(ctx context.Context, email string, why *account.Error) {
	l := account.LogLine{Kind: "refused", Remote: actor(ctx).Remote, Gate: "panel", Cause: "sign-in with a wrong e-mail address or password"}
	if _, kind, ok := strings.Cut(why.Key, ".provider."); ok {
		l.Cause = "sign-in with a provider: " + kind
	} else if why.Code == account.RateLimited {
		l.Cause = "sign-in put off after too many tries"
	}
	if strings.Contains(email, "@") { // what is none may be a password in the wrong field
		l.User = email
	}
	p.o.Journal.Add(l)
}

func (p *Panel) signOut(ctx context.Context, _ *empty) (*withCookie, error) {
	return &withCookie{sessionCookie("")}, p.o.Accounts.SignOut(ctx, actor(ctx))
}

type accountInput struct {
	Body struct {
		Language    *string `json:"language,omitempty" maxLength:"8"`
		SignInMails *bool   `json:"sign_in_mails,omitempty" doc:"Whether a mail comes when somebody signs in from a browser and network not seen before"`

		Password *struct {
			Old string `json:"old,omitempty" maxLength:"256" doc:"Password until now; or confirmation"`
			New string `json:"new" maxLength:"256"`

			Confirmation string `json:"confirmation,omitempty" maxLength:"128" doc:"From /session/confirm/passkey or a visit to a provider, for this operation; works once"`
		} `json:"password,omitempty"`
	}
}

type accountOutput struct {
	Cookie string `header:"Set-Cookie"`
	Body   accountBody
}

func (p *Panel) changeAccount(ctx context.Context, in *accountInput) (*accountOutput, error) {
	by := actor(ctx)
	out := &accountOutput{Body: showAccount(by.Account)}
	if c := in.Body.Password; c != nil {
		token, err := p.o.Accounts.ChangePassword(ctx, by, account.Proof{Password: c.Old, Confirmation: c.Confirmation}, c.New)
		if err != nil {
			return nil, err
		}
		out.Cookie = sessionCookie(token)
	}
	if on := in.Body.SignInMails; on != nil {
		a, err := p.o.Accounts.SetQuietSignIns(ctx, by, !*on)
		if err != nil {
			return nil, err
		}
		out.Body = showAccount(a)
	}
	if in.Body.Language != nil {
		a, err := p.o.Accounts.SetLanguage(ctx, by, *in.Body.Language)
		if err != nil {
			return nil, err
		}
		out.Body = showAccount(a)
	}
	return out, nil
}

// deleteOwnAccount wants what is typed in the body, where no log and no address bar keeps it.
func (p *Panel) deleteOwnAccount(ctx context.Context, in *struct {
	Body struct {
		Email string `json:"email" maxLength:"256" doc:"Of the account, as one who means it types it"`
		ProofBody
	}
}) (*withCookie, error) {
	if err := p.o.Accounts.DeleteOwnAccount(ctx, actor(ctx), in.Body.Email, in.Body.proof()); err != nil {
		return nil, err
	}
	return &withCookie{sessionCookie("")}, nil
}

type invitationBody struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	Sent      string    `json:"sent" enum:"mail,file" doc:"How the link went out; a file lies in the server's data directory"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func showInvitation(i account.Invitation) invitationBody {
	return invitationBody{i.ID, i.Email, i.Sent, i.CreatedAt, i.ExpiresAt}
}

func (p *Panel) listInvitations(ctx context.Context, _ *empty) (*answer[page[invitationBody]], error) {
	list, err := p.o.Accounts.Invitations(ctx, actor(ctx))
	return reply(pageOf(list, showInvitation)), err
}

type inviteInput struct {
	Body struct {
		Email string `json:"email" maxLength:"254"`
	}
}

func (p *Panel) invite(ctx context.Context, in *inviteInput) (*answer[invitationBody], error) {
	inv, err := p.o.Accounts.Invite(ctx, actor(ctx), in.Body.Email)
	return reply(showInvitation(inv)), err
}

func (p *Panel) deleteInvitation(ctx context.Context, in *WithID) (*nothing, error) {
	return nil, p.o.Accounts.DeleteInvitation(ctx, actor(ctx), in.ID)
}

type invitedBody struct {
	Email string `json:"email"`
}

func (p *Panel) getInvitation(ctx context.Context, in *struct {
	Token string `path:"token" maxLength:"128"`
}) (*answer[invitedBody], error) {
	inv, err := p.o.Accounts.InvitationByToken(ctx, actor(ctx), in.Token)
	return reply(invitedBody{inv.Email}), err
}

type acceptInput struct {
	Body struct {
		Token    string `json:"token" maxLength:"128"`
		Password string `json:"password" maxLength:"256"`
		Language string `json:"language,omitempty" maxLength:"8"`
	}
}

func (p *Panel) acceptInvitation(ctx context.Context, in *acceptInput) (*withCookie, error) {
	token, err := p.o.Accounts.AcceptInvitation(ctx, actor(ctx), in.Body.Token, in.Body.Password, in.Body.Language)
	return &withCookie{sessionCookie(token)}, err
}
