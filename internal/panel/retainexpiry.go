package panel

import (
	"context"

	"tsunagi/internal/account"
)

type retainExpiryBody struct {
	Filter  string `json:"filter" maxLength:"1024" example:"homeassistant/#"`
	Seconds uint32 `json:"seconds" doc:"From when it was published"`
}

type retainExpiriesBody struct {
	Filters []retainExpiryBody `json:"filters" maxItems:"100" nullable:"false" doc:"Of several that match, the first one holds"`
}

func (p *Panel) getRetainExpiries(ctx context.Context, in *WithID) (*tagged[retainExpiriesBody], error) {
	list, err := p.o.Accounts.RetainExpiries(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	out := retainExpiriesBody{Filters: []retainExpiryBody{}}
	for _, one := range list {
		out.Filters = append(out.Filters, retainExpiryBody(one))
	}
	row, err := account.RetainRow(in.ID, list)
	return tag(p, row, out), err
}

func (p *Panel) changeRetainExpiries(ctx context.Context, in *struct {
	WithID
	Body retainExpiriesBody
}) (*tagged[retainExpiriesBody], error) {
	list := make([]account.RetainExpiry, 0, len(in.Body.Filters))
	for _, one := range in.Body.Filters {
		list = append(list, account.RetainExpiry(one))
	}
	if err := p.o.Accounts.SetRetainExpiries(ctx, actor(ctx), in.ID, list); err != nil {
		return nil, err
	}
	return p.getRetainExpiries(ctx, &in.WithID)
}
