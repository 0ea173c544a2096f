package panel

import (
	"context"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/billing"
)

// Billing has plans paid for.
type Billing interface {
	Standing(ctx context.Context, by account.Actor, instance string) (billing.Standing, error)
	Checkout(ctx context.Context, by account.Actor, instance, plan string) (address string, err error)
	Portal(ctx context.Context, by account.Actor, instance string) (address string, err error)
}

type billingBody struct {
	Available bool       `json:"available" doc:"Plans can be paid for on this server"`
	Status    string     `json:"status" enum:"none,active,past_due,ended"`
	Plan      string     `json:"plan,omitempty" doc:"That is paid for"`
	Lapsed    bool       `json:"lapsed" doc:"The instance is on the default plan until it is paid for"`
	Until     *time.Time `json:"until,omitempty" doc:"While a payment is overdue: when the instance falls to the default plan"`
}

func (p *Panel) getBilling(ctx context.Context, in *WithID) (*answer[billingBody], error) {
	if p.o.Billing == nil {
		_, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
		return reply(billingBody{Status: "none"}), err
	}
	st, err := p.o.Billing.Standing(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	out := billingBody{Available: true, Status: st.Status, Plan: st.Plan, Lapsed: st.Lapsed, Until: moment(st.Until)}
	if st.ID == "" {
		out.Status = "none"
	}
	return reply(out), nil
}

type addressBody struct {
	URL string `json:"url" doc:"Where the person goes on; empty: it is done"`
}

// billing is what plans are paid by, for who may use an instance.
func (p *Panel) billing(ctx context.Context, instance string) (Billing, error) {
	if _, err := p.o.Accounts.Instance(ctx, actor(ctx), instance); err != nil {
		return nil, err
	}
	if p.o.Billing == nil {
		return nil, &account.Error{Code: account.Conflict, Key: "api.billing.off"}
	}
	return p.o.Billing, nil
}

type checkoutInput struct {
	WithID
	Body struct {
		Plan string `json:"plan" minLength:"1" maxLength:"64" example:"pro" doc:"One that is paid for"`
	}
}

func (p *Panel) checkout(ctx context.Context, in *checkoutInput) (*answer[addressBody], error) {
	b, err := p.billing(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	address, err := b.Checkout(ctx, actor(ctx), in.ID, in.Body.Plan)
	return reply(addressBody{address}), err
}

func (p *Panel) billingPortal(ctx context.Context, in *WithID) (*answer[addressBody], error) {
	b, err := p.billing(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	address, err := b.Portal(ctx, actor(ctx), in.ID)
	return reply(addressBody{address}), err
}
