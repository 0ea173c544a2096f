package panel

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tsunagi/internal/account"
)

type passkeyBody struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"created_at"`
	UsedAt    *time.Time `json:"used_at,omitempty"`
}

func showPasskey(p account.Passkey) passkeyBody {
	return passkeyBody{p.ID, p.Name, p.CreatedAt, moment(p.UsedAt)}
}

// PasskeyID names one passkey: a credential id may be long.
type PasskeyID struct {
	ID string `path:"id" maxLength:"1400"`
}

func (p *Panel) listPasskeys(ctx context.Context, _ *empty) (*answer[page[passkeyBody]], error) {
	list, err := p.o.Accounts.Passkeys(ctx, actor(ctx))
	return reply(pageOf(list, showPasskey)), err
}

type ceremonyBody struct {
	Ticket  string         `json:"ticket" doc:"Goes with the answer, within 5 minutes"`
	Options map[string]any `json:"options" doc:"For navigator.credentials, with binary values in base64url"`
}

func showCeremony(c account.BegunCeremony, err error) (*answer[ceremonyBody], error) {
	if err != nil {
		return nil, err
	}
	out := ceremonyBody{Ticket: c.Ticket}
	if err := json.Unmarshal(c.Options, &out.Options); err != nil {
		return nil, err
	}
	return reply(out), nil
}

func (p *Panel) beginPasskey(ctx context.Context, in *proofInput) (*answer[ceremonyBody], error) {
	return showCeremony(p.o.Accounts.BeginPasskey(ctx, actor(ctx), in.Body.proof()))
}

func (p *Panel) createPasskey(ctx context.Context, in *struct {
	Body struct {
		Ticket string         `json:"ticket" maxLength:"128"`
		Name   string         `json:"name" maxLength:"256"`
		Answer map[string]any `json:"answer" doc:"PublicKeyCredential as JSON"`
	}
}) (*answer[passkeyBody], error) {
	raw, err := json.Marshal(in.Body.Answer)
	if err != nil {
		return nil, err
	}
	made, err := p.o.Accounts.AddPasskey(ctx, actor(ctx), in.Body.Ticket, in.Body.Name, raw)
	return reply(showPasskey(made)), err
}

func (p *Panel) renamePasskey(ctx context.Context, in *struct {
	PasskeyID
	Body struct {
		Name string `json:"name" maxLength:"256"`
	}
}) (*answer[passkeyBody], error) {
	k, err := p.o.Accounts.RenamePasskey(ctx, actor(ctx), in.ID, in.Body.Name)
	return reply(showPasskey(k)), err
}

func (p *Panel) removePasskey(ctx context.Context, in *struct {
	PasskeyID
	Body ProofBody
}) (*nothing, error) {
	return nil, p.o.Accounts.RemovePasskey(ctx, actor(ctx), in.Body.proof(), in.ID)
}

func (p *Panel) beginPasskeySignIn(ctx context.Context, in *struct {
	Body struct {
		Ticket string `json:"ticket,omitempty" maxLength:"128" doc:"Of the first step, where the passkey is the second"`
	}
}) (*answer[ceremonyBody], error) {
	return showCeremony(p.o.Accounts.BeginPasskeySignIn(ctx, actor(ctx), in.Body.Ticket))
}

func (p *Panel) signInPasskey(ctx context.Context, in *struct {
	Body struct {
		Ticket string         `json:"ticket" maxLength:"128"`
		Answer map[string]any `json:"answer" doc:"PublicKeyCredential as JSON"`
	}
}) (*withCookie, error) {
	raw, err := json.Marshal(in.Body.Answer)
	if err != nil {
		return nil, err
	}
	token, err := p.o.Accounts.PasskeySignIn(ctx, actor(ctx), in.Body.Ticket, raw)
	if refused, ok := errors.AsType[*account.Error](err); ok {
		p.recordRefusal(ctx, "", refused)
	}
	return &withCookie{sessionCookie(token)}, err
}
