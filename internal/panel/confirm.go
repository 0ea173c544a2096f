package panel

import (
	"context"
	"encoding/json"

	"tsunagi/internal/account"
)

// ProofBody is how a person shows again that it is them.
type ProofBody struct {
	Password     string `json:"password,omitempty" maxLength:"1024" doc:"Of the account, again; or confirmation"`
	Confirmation string `json:"confirmation,omitempty" maxLength:"128" doc:"From /session/confirm/passkey or a visit to a provider, for this operation and this thing; works once"`
}

func (b ProofBody) proof() account.Proof { return account.Proof(b) }

// IntentBody says what a person confirms.
type IntentBody struct {
	Purpose string `json:"purpose" maxLength:"64" doc:"operationId of the operation that will be sent the confirmation"`
	Object  string `json:"object,omitempty" maxLength:"1400" doc:"The id in its path; empty where it has none"`
}

func (b IntentBody) intent() account.Intent {
	return account.Intent{Purpose: account.Purpose(b.Purpose), Object: b.Object}
}

type waysBody struct {
	Password  bool           `json:"password" doc:"The account has a password"`
	Passkey   bool           `json:"passkey" doc:"The account has a passkey"`
	Providers []providerBody `json:"providers" doc:"That an identity of the account is with"`
}

func (p *Panel) listConfirmWays(ctx context.Context, _ *empty) (*answer[waysBody], error) {
	ways, err := p.o.Accounts.ConfirmWays(ctx, actor(ctx))
	out := waysBody{ways.Password, ways.Passkey, []providerBody{}}
	for _, one := range ways.Providers {
		out.Providers = append(out.Providers, showProvider(one))
	}
	return reply(out), err
}

func (p *Panel) beginConfirm(ctx context.Context, in *struct{ Body IntentBody }) (*answer[ceremonyBody], error) {
	return showCeremony(p.o.Accounts.BeginConfirm(ctx, actor(ctx), in.Body.intent()))
}

type confirmedBody struct {
	Confirmation string `json:"confirmation" doc:"Goes with the operation instead of a password, within a minute and from this browser; works once"`
}

func (p *Panel) endConfirm(ctx context.Context, in *struct {
	Body struct {
		Ticket string         `json:"ticket" maxLength:"128"`
		Answer map[string]any `json:"answer" doc:"PublicKeyCredential as JSON"`
	}
}) (*answer[confirmedBody], error) {
	raw, err := json.Marshal(in.Body.Answer)
	if err != nil {
		return nil, err
	}
	token, err := p.o.Accounts.EndConfirm(ctx, actor(ctx), in.Body.Ticket, raw)
	return reply(confirmedBody{token}), err
}

func (p *Panel) beginProviderConfirm(ctx context.Context, in *struct {
	Body struct {
		IntentBody
		Provider string `json:"provider" maxLength:"32"`
	}
}) (*departure, error) {
	return depart(ctx, func(browser string) (string, error) {
		return p.o.Accounts.BeginProviderConfirm(ctx, actor(ctx), in.Body.intent(), in.Body.Provider, browser)
	})
}
