package panel

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rsc.io/qr"

	"tsunagi/internal/account"
)

type browserBody struct {
	ID        string    `json:"id"`
	This      bool      `json:"this" doc:"The browser that asks"`
	Remote    string    `json:"remote" doc:"Address that it signed in from"`
	Agent     string    `json:"agent" doc:"User-Agent"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at" doc:"Last use, to the minute"`
}

func (p *Panel) listSessions(ctx context.Context, _ *empty) (*answer[page[browserBody]], error) {
	by := actor(ctx)
	list, err := p.o.Accounts.Sessions(ctx, by)
	return reply(pageOf(list, func(b account.BrowserSession) browserBody {
		return browserBody{b.ID(), b.Hash == by.Session, b.Remote, b.Agent, b.CreatedAt, b.SeenAt}
	})), err
}

func (p *Panel) endSession(ctx context.Context, in *WithID) (*nothing, error) {
	return nil, p.o.Accounts.EndSession(ctx, actor(ctx), in.ID)
}

type tokenBody struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Scope     string     `json:"scope" enum:"read,manage,publish,subscribe,publish-subscribe"`
	Instance  string     `json:"instance,omitempty" doc:"The one instance that it is for"`
	Topics    []string   `json:"topics,omitempty" doc:"Of a token that only publishes, only reads messages or both: the filters it is for"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	UsedAt    *time.Time `json:"used_at,omitempty" doc:"Last use, to the minute"`
	Token     string     `json:"token,omitempty" doc:"The token itself, where it was just made"`
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func showToken(a account.APIToken) tokenBody {
	return tokenBody{a.ID, a.Name, string(a.Scope), a.Instance, a.Topics, a.CreatedAt, moment(a.ExpiresAt), moment(a.UsedAt), ""}
}

func (p *Panel) listTokens(ctx context.Context, _ *empty) (*answer[page[tokenBody]], error) {
	list, err := p.o.Accounts.APITokens(ctx, actor(ctx))
	return reply(pageOf(list, showToken)), err
}

func (p *Panel) createToken(ctx context.Context, in *struct {
	Body struct {
		ProofBody
		Name     string   `json:"name" maxLength:"256"`
		Scope    string   `json:"scope" enum:"read,manage,publish,subscribe,publish-subscribe"`
		Instance string   `json:"instance,omitempty" maxLength:"64" doc:"The one instance that it is for; empty: all. publish, subscribe and publish-subscribe want one"`
		Topics   []string `json:"topics,omitempty" maxItems:"16" doc:"Filters that publish, subscribe and publish-subscribe are for; other scopes take none"`
		Days     int      `json:"days,omitempty" minimum:"0" maximum:"3650" doc:"Days until it expires; 0: never"`
	}
}) (*answer[tokenBody], error) {
	b := in.Body
	row, token, err := p.o.Accounts.CreateAPIToken(ctx, actor(ctx), b.proof(), account.NewAPIToken{Name: b.Name, Scope: account.Scope(b.Scope), Instance: b.Instance, Topics: b.Topics, Days: b.Days})
	out := showToken(row)
	out.Token = token
	return reply(out), err
}

func (p *Panel) deleteToken(ctx context.Context, in *WithID) (*nothing, error) {
	return nil, p.o.Accounts.DeleteAPIToken(ctx, actor(ctx), in.ID)
}

type factorBody struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind" enum:"totp,recovery"`
	Name      string     `json:"name,omitempty"`
	Left      int64      `json:"left,omitempty" doc:"Recovery codes that are left"`
	CreatedAt time.Time  `json:"created_at"`
	UsedAt    *time.Time `json:"used_at,omitempty"`
}

func (p *Panel) listFactors(ctx context.Context, _ *empty) (*answer[page[factorBody]], error) {
	list, err := p.o.Accounts.Factors(ctx, actor(ctx))
	return reply(pageOf(list, func(f account.Factor) factorBody {
		b := factorBody{ID: f.ID, Kind: string(f.Kind), Name: f.Name, CreatedAt: f.CreatedAt, UsedAt: moment(f.UsedAt)}
		if f.Kind == account.FactorRecovery {
			b.Left = f.Last
		}
		return b
	})), err
}

type newFactorBody struct {
	Secret string `json:"secret" doc:"Key in base32, for typing"`
	URL    string `json:"url" doc:"The same as otpauth address"`
	QR     qrBody `json:"qr"`
}

// qrBody is a QR code that a page can draw as one SVG path.
type qrBody struct {
	Size int    `json:"size" doc:"Modules of a side, with the quiet zone"`
	Path string `json:"path" doc:"SVG path of the dark modules"`
}

// drawQR makes the code of a text [ISO/IEC 18004: a quiet zone of four modules].
func drawQR(text string) (qrBody, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return qrBody{}, fmt.Errorf("QR code of %d bytes: %w", len(text), err)
	}
	const quiet = 4
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				path.WriteString("M" + strconv.Itoa(from+quiet) + " " + strconv.Itoa(y+quiet) + "h" + strconv.Itoa(x-from) + "v1h-" + strconv.Itoa(x-from) + "z")
			}
		}
	}
	return qrBody{code.Size + 2*quiet, path.String()}, nil
}

func (p *Panel) beginFactor(ctx context.Context, _ *empty) (*answer[newFactorBody], error) {
	n := p.o.Accounts.BeginTOTP(actor(ctx))
	code, err := drawQR(n.URL)
	return reply(newFactorBody{n.Secret, n.URL, code}), err
}

type recoveryBody struct {
	Recovery []string `json:"recovery,omitempty" doc:"Recovery codes, shown once"`
}

func (p *Panel) createFactor(ctx context.Context, in *struct {
	Body struct {
		ProofBody
		Name   string `json:"name" maxLength:"256"`
		Secret string `json:"secret" maxLength:"64"`
		Code   string `json:"code" maxLength:"16"`
	}
}) (*answer[recoveryBody], error) {
	b := in.Body
	codes, err := p.o.Accounts.AddTOTP(ctx, actor(ctx), b.proof(), b.Name, b.Secret, b.Code)
	return reply(recoveryBody{codes}), err
}

type proofInput struct{ Body ProofBody }

func (p *Panel) newRecovery(ctx context.Context, in *proofInput) (*answer[recoveryBody], error) {
	codes, err := p.o.Accounts.NewRecoveryCodes(ctx, actor(ctx), in.Body.proof())
	return reply(recoveryBody{codes}), err
}

func (p *Panel) removeFactor(ctx context.Context, in *struct {
	WithID
	Body ProofBody
}) (*nothing, error) {
	return nil, p.o.Accounts.DeleteFactor(ctx, actor(ctx), in.Body.proof(), in.ID)
}
