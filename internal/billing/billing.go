// Package billing has the plans of instances paid for at Stripe: it sends people to Stripe's own pages and follows what
// becomes of their subscriptions. No card and no address of theirs is ever seen here.
//
// What an event says is only that something may have changed: the state is asked of Stripe each time, so that events may
// come late, twice or in any order. All subscriptions are asked about every hour as well, for events that never came.
package billing

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tsunagi/internal/account"
)

// Accounts are the rules about who pays for what; *account.Service has them.
type Accounts interface {
	Subscription(ctx context.Context, by account.Actor, instance string) (account.Instance, account.Subscription, error)
	SubscriptionOf(ctx context.Context, instance string) (account.Subscription, error)
	Installation() string
	Subscriptions(ctx context.Context) (map[string]account.Subscription, error)
	SetSubscription(ctx context.Context, instance string, sub account.Subscription) error
	Ending(ctx context.Context) ([]string, error)
	Ended(ctx context.Context, id string) error
	Plans() []account.Plan
	AuditInstance(ctx context.Context, by account.Actor, instance, action, detail string) error
}

// Options of New. All but Every, Now and Log must be set.
type Options struct {
	Accounts Accounts
	Client   *Client
	Secret   string        // of events' signatures
	Grace    time.Duration // how long a plan holds while a payment is overdue
	Panel    string        // origin of the panel
	Every    time.Duration // between two rounds over all subscriptions [1h]
	Now      func() time.Time
	Log      *slog.Logger
}

// Manager follows subscriptions. Run must run.
type Manager struct {
	o Options

	turns turns // a subscription is asked about and kept by one at a time, so that an older state never comes last
}

// New returns a manager that has asked nothing yet.
func New(o Options) *Manager {
	if o.Every <= 0 {
		o.Every = time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Manager{o: o}
}

// maxEvent bounds an event, in bytes.
const maxEvent = 512 << 10

// ServeHTTP takes events. 2xx says that what follows from one is kept; at anything else Stripe sends it again.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
	if err == nil {
		err = verify(r.Header.Get("Stripe-Signature"), body, m.o.Secret, m.o.Now())
	}
	if err != nil {
		http.Error(w, "not signed by Stripe", http.StatusBadRequest)
		return
	}
	id, kind, err := about(body)
	if err != nil {
		http.Error(w, "no event", http.StatusBadRequest)
		return
	}
	if id == "" {
		w.WriteHeader(http.StatusNoContent) // of no subscription
		return
	}
	if err := m.follow(r.Context(), id); err != nil {
		m.o.Log.Warn("event of Stripe not carried out; it comes again", "type", kind, "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// follow asks how a subscription is and keeps what follows.
func (m *Manager) follow(ctx context.Context, id string) error {
	give, err := m.turns.take(ctx, id)
	if err != nil {
		return err
	}
	defer give()
	s, err := m.o.Client.state(ctx, id)
	if f, ok := errors.AsType[*Fault](err); ok && f.Status == http.StatusNotFound {
		return nil // another installation's
	}
	if err != nil {
		return err
	}
	return m.keep(ctx, s)
}

// keep brings the instance of a subscription in line with it. Callers have the subscription's turn.
func (m *Manager) keep(ctx context.Context, s subscription) error {
	instance := s.Metadata["tsunagi_instance"]
	if instance == "" || s.Metadata["tsunagi"] != m.o.Accounts.Installation() {
		return nil // not made by this installation
	}
	have, err := m.o.Accounts.SubscriptionOf(ctx, instance)
	if err != nil {
		return err
	}
	sub := account.Subscription{ID: s.ID, Customer: s.Customer, Created: s.Created, Plan: m.planOf(s)}
	switch s.Status {
	case "active", "trialing":
		sub.Status = account.SubscriptionActive
	case "past_due", "unpaid":
		sub.Status, sub.Since = account.SubscriptionPastDue, m.o.Now().UTC().Truncate(time.Second)
		if have.ID == sub.ID && have.Status == sub.Status {
			sub.Since = have.Since
		}
		sub.Lapsed = m.o.Now().Sub(sub.Since) >= m.o.Grace
	case "canceled", "incomplete_expired", "paused":
		sub.Status = account.SubscriptionEnded
	default: // incomplete: the first payment is under way
		return nil
	}
	if sub.Plan == "" {
		if sub.Status != account.SubscriptionEnded {
			m.o.Log.Error("a subscription pays for a price that is no plan's any more: the instance stays as it is", "subscription", s.ID, "instance", instance)
			return nil
		}
		sub.Plan = have.Plan
	}
	err = m.o.Accounts.SetSubscription(ctx, instance, sub)
	if gone, ok := errors.AsType[*account.Error](err); !ok || gone.Code != account.NotFound {
		return err
	}
	if sub.Status == account.SubscriptionEnded {
		return nil
	}
	return m.o.Client.cancel(ctx, s.ID) // the instance is gone: nobody is to pay for it
}

// planOf is the plan that a subscription's price is of.
func (m *Manager) planOf(s subscription) string {
	for _, item := range s.Items.Data {
		for _, p := range m.o.Accounts.Plans() {
			if p.StripePrice != "" && p.StripePrice == item.Price.ID {
				return p.ID
			}
		}
	}
	return ""
}

// Run looks after all subscriptions until ctx ends.
func (m *Manager) Run(ctx context.Context) error {
	tick := time.NewTicker(m.o.Every)
	defer tick.Stop()
	for {
		if err := m.Round(ctx); err != nil && ctx.Err() == nil {
			m.o.Log.Warn("not all subscriptions could be looked after; it is tried again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Round cancels what is to be canceled and asks about all subscriptions once. What fails doesn't hold up the others.
func (m *Manager) Round(ctx context.Context) error {
	var errs []error
	ending, err := m.o.Accounts.Ending(ctx)
	errs = append(errs, err)
	for _, id := range ending {
		if err = m.o.Client.cancel(ctx, id); err == nil {
			err = m.o.Accounts.Ended(ctx, id)
		}
		errs = append(errs, err)
	}
	all, err := m.o.Accounts.Subscriptions(ctx)
	errs = append(errs, err)
	for _, sub := range all {
		if sub.Status != account.SubscriptionEnded && ctx.Err() == nil {
			errs = append(errs, m.follow(ctx, sub.ID))
		}
	}
	return errors.Join(errs...)
}

// Standing is how an instance is paid for.
type Standing struct {
	account.Subscription
	Until time.Time // while a payment is overdue: when the instance falls to the default plan; else zero
}

// Standing tells how an instance is paid for.
func (m *Manager) Standing(ctx context.Context, by account.Actor, instance string) (st Standing, err error) {
	_, st.Subscription, err = m.o.Accounts.Subscription(ctx, by, instance)
	if st.Status == account.SubscriptionPastDue && !st.Lapsed {
		st.Until = st.Since.Add(m.o.Grace)
	}
	return st, err
}

// Checkout leads a person to where a plan is paid for: it answers the address of Stripe's page or, where the instance has a
// subscription already, changes that and answers "".
func (m *Manager) Checkout(ctx context.Context, by account.Actor, instance, plan string) (address string, err error) {
	in, sub, err := m.o.Accounts.Subscription(ctx, by, instance)
	if err != nil {
		return "", err
	}
	plans := m.o.Accounts.Plans()
	i := slices.IndexFunc(plans, func(p account.Plan) bool { return p.ID == plan && p.StripePrice != "" && !p.Granted })
	if i < 0 {
		return "", account.NoPlan(slices.DeleteFunc(plans, func(p account.Plan) bool { return p.StripePrice == "" || p.Granted }))
	}
	if sub.ID != "" && sub.Status == account.SubscriptionActive {
		return "", told(m.switchTo(ctx, by, in, sub, plans[i]))
	}
	if sub.Status == account.SubscriptionPastDue {
		return "", &account.Error{Code: account.Conflict, Key: "api.billing.overdue"}
	}
	back := m.o.Panel + "/instances/" + in.ID
	form := url.Values{"mode": {"subscription"}, "line_items[0][price]": {plans[i].StripePrice}, "line_items[0][quantity]": {"1"}, "client_reference_id": {in.ID},
		"subscription_data[metadata][tsunagi_instance]": {in.ID}, "subscription_data[metadata][tsunagi]": {m.o.Accounts.Installation()},
		"success_url": {back + "?paid=1"}, "cancel_url": {back}}
	if sub.Customer != "" {
		form.Set("customer", sub.Customer)
	} else if by.Account.Email != "" {
		form.Set("customer_email", by.Account.Email)
	}
	if address, err = m.o.Client.page(ctx, "/v1/checkout/sessions", form); err != nil {
		return "", told(err)
	}
	return address, m.o.Accounts.AuditInstance(ctx, by, in.ID, "instance.checkout", plan)
}

// switchTo puts a subscription on another plan's price.
func (m *Manager) switchTo(ctx context.Context, by account.Actor, in account.Instance, sub account.Subscription, plan account.Plan) error {
	give, err := m.turns.take(ctx, sub.ID)
	if err != nil {
		return err
	}
	defer give()
	s, err := m.o.Client.state(ctx, sub.ID)
	if err != nil {
		return err
	}
	if err := m.o.Accounts.AuditInstance(ctx, by, in.ID, "instance.checkout", plan.ID); err != nil {
		return err
	}
	if s, err = m.o.Client.change(ctx, s, plan.StripePrice, plan.ID); err != nil {
		return err
	}
	return m.keep(ctx, s)
}

// Portal is the address of Stripe's page where a person changes card and address, sees invoices and cancels.
func (m *Manager) Portal(ctx context.Context, by account.Actor, instance string) (string, error) {
	in, sub, err := m.o.Accounts.Subscription(ctx, by, instance)
	if err != nil {
		return "", err
	}
	if sub.Customer == "" {
		return "", &account.Error{Code: account.Conflict, Key: "api.billing.none"}
	}
	address, err := m.o.Client.page(ctx, "/v1/billing_portal/sessions", url.Values{"customer": {sub.Customer}, "return_url": {m.o.Panel + "/instances/" + in.ID}})
	return address, told(err)
}

// told is an error of the way to Stripe as people are told it; those of accounts stay.
func told(err error) error {
	if _, ok := errors.AsType[*account.Error](err); ok || err == nil {
		return err
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return &account.Error{Code: account.Conflict, Key: "api.billing.refused", Args: []any{"cause", f.Message}}
	}
	return &account.Error{Code: account.Conflict, Key: "api.billing.away"}
}
