package panel

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"tsunagi/internal/account"
)

// tripCookie binds a visit to a provider to the browser that began it: what comes back with another one, or without,
// opens nothing. The page that takes answers in is our own, so that the cookie need never go along from another site.
const tripCookie = "__Host-tsunagi-trip"

type providerBody struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func showProvider(p account.Provider) providerBody { return providerBody{p.ID, p.Name} }

type departure struct {
	Cookie string `header:"Set-Cookie"`
	Body   struct {
		Address string `json:"address" doc:"Of the provider: have the browser go there"`
	}
}

// depart sends a browser to a provider. One that has a cookie keeps it: it may be on the way in two tabs.
func depart(ctx context.Context, begin func(browser string) (string, error)) (*departure, error) {
	browser := requestOf(ctx).trip
	if len(browser) != 43 { // 256 bits in base64
		var raw [32]byte
		rand.Read(raw[:])
		browser = base64.RawURLEncoding.EncodeToString(raw[:])
	}
	c := http.Cookie{Name: tripCookie, Value: browser, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 600}
	out := &departure{Cookie: c.String()}
	var err error
	out.Body.Address, err = begin(browser)
	return out, err
}

func (p *Panel) beginProvider(ctx context.Context, in *struct {
	Body struct {
		Provider string `json:"provider" maxLength:"32"`
		Language string `json:"language,omitempty" maxLength:"8" doc:"Of an account that may be made"`
	}
}) (*departure, error) {
	return depart(ctx, func(browser string) (string, error) {
		return p.o.Accounts.BeginProvider(ctx, actor(ctx), in.Body.Provider, browser, in.Body.Language)
	})
}

func (p *Panel) beginIdentity(ctx context.Context, in *struct {
	Body struct {
		ProofBody
		Provider string `json:"provider" maxLength:"32"`
	}
}) (*departure, error) {
	return depart(ctx, func(browser string) (string, error) {
		return p.o.Accounts.BeginIdentity(ctx, actor(ctx), in.Body.proof(), in.Body.Provider, browser)
	})
}

type arrivedBody struct {
	SignedInBody
	Linked bool `json:"linked,omitempty" doc:"The identity was linked to the account that is signed in"`

	Confirmation string `json:"confirmation,omitempty" doc:"The visit was to confirm something: goes with that operation instead of a password, within 5 minutes; works once"`
	Purpose      string `json:"purpose,omitempty" doc:"With confirmation: what it is for"`
	Object       string `json:"object,omitempty" doc:"With confirmation: the thing that it is about"`
}

func (p *Panel) endProvider(ctx context.Context, in *struct {
	Body struct {
		Provider string `json:"provider" maxLength:"32" doc:"Whose page the browser came back to"`
		State    string `json:"state" maxLength:"128"`
		Code     string `json:"code,omitempty" maxLength:"8192"`
		Issuer   string `json:"iss,omitempty" maxLength:"1024" doc:"As it came (RFC 9207)"`
		Error    string `json:"error,omitempty" maxLength:"1024" doc:"As it came, where the provider refused"`
	}
}) (*arrived, error) {
	done, err := p.o.Accounts.EndProvider(ctx, actor(ctx), in.Body.Provider, in.Body.State, requestOf(ctx).trip,
		account.ProviderAnswer{Code: in.Body.Code, Issuer: in.Body.Issuer, Error: in.Body.Error})
	if refused, ok := errors.AsType[*account.Error](err); ok {
		p.recordRefusal(ctx, "", refused)
	}
	out := &arrived{Body: arrivedBody{SignedInBody{done.Ticket, done.Passkey}, done.Linked, done.Confirmation, string(done.Intent.Purpose), done.Intent.Object}}
	if done.Session != "" {
		out.Cookie = sessionCookie(done.Session)
	}
	return out, err
}

type arrived struct {
	Cookie string `header:"Set-Cookie"`
	Body   arrivedBody
}

type identityBody struct {
	ID        string     `json:"id"`
	Provider  string     `json:"provider" doc:"Name of the provider; its address where the settings don't name it any more"`
	Email     string     `json:"email" doc:"That the provider named when it was linked"`
	CreatedAt time.Time  `json:"created_at"`
	UsedAt    *time.Time `json:"used_at,omitempty"`
}

func (p *Panel) listIdentities(ctx context.Context, _ *empty) (*answer[page[identityBody]], error) {
	list, err := p.o.Accounts.Identities(ctx, actor(ctx))
	return reply(pageOf(list, func(i account.Identity) identityBody {
		name := i.Issuer
		for _, known := range p.o.Accounts.ProviderList() {
			if known.Issuer == i.Issuer {
				name = known.Name
			}
		}
		return identityBody{i.ID, name, i.Email, i.CreatedAt, moment(i.UsedAt)}
	})), err
}

func (p *Panel) removeIdentity(ctx context.Context, in *struct {
	WithID
	Body ProofBody
}) (*nothing, error) {
	return nil, p.o.Accounts.RemoveIdentity(ctx, actor(ctx), in.Body.proof(), in.ID)
}
