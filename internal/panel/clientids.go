package panel

import (
	"context"

	"tsunagi/internal/account"
)

type clientIDsBody struct {
	Policy account.ClientIDPolicy `json:"policy" maxLength:"16" doc:"takeover: whoever comes with the client id of a connected client takes its place. refuse: the connected one stays while it lives"`
}

func (p *Panel) getClientIDs(ctx context.Context, in *WithID) (*tagged[clientIDsBody], error) {
	policy, err := p.o.Accounts.ClientIDs(ctx, actor(ctx), in.ID)
	return tag(p, account.ClientIDRow(in.ID, policy), clientIDsBody{policy}), err
}

func (p *Panel) changeClientIDs(ctx context.Context, in *struct {
	WithID
	Body clientIDsBody
}) (*tagged[clientIDsBody], error) {
	if err := p.o.Accounts.SetClientIDs(ctx, actor(ctx), in.ID, in.Body.Policy); err != nil {
		return nil, err
	}
	return p.getClientIDs(ctx, &in.WithID)
}
