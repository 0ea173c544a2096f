package account

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Subscription is what an instance's plan is paid by. An instance without one pays nothing.
type Subscription struct {
	ID       string    `json:"id"` // of the payment service, as the next
	Customer string    `json:"customer"`
	Created  int64     `json:"created"`         // seconds since 1970: of two subscriptions the younger one holds
	Plan     string    `json:"plan"`            // that it pays for
	Status   string    `json:"status"`          // active, past_due or ended
	Since    time.Time `json:"since,omitzero"`  // when it fell past due
	Lapsed   bool      `json:"lapsed,omitzero"` // the instance was put on the default plan, as it isn't paid for
}

// The words of Subscription.Status.
const (
	SubscriptionActive  = "active"
	SubscriptionPastDue = "past_due"
	SubscriptionEnded   = "ended"
)

// Keys of settings: with an instance's id its Subscription, and the ids of those that are to be canceled, as JSON.
const (
	billingSetting = "billing."
	endingSetting  = "billing-ending"
)

func subscriptionOf(r Reader, instance string) (sub Subscription, err error) {
	row, err := r.Setting(billingSetting + instance)
	if errors.Is(err, ErrNotFound) {
		return sub, nil
	}
	if err == nil {
		err = json.Unmarshal(row.Value, &sub)
	}
	return sub, err
}

func saveSetting(tx Tx, key string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	row := Setting{Key: key, Value: raw}
	if _, err = tx.Setting(key); errors.Is(err, ErrNotFound) {
		return tx.Insert(row)
	} else if err == nil {
		err = tx.Save(row)
	}
	return err
}

// Subscription is an instance's; its ID is "" where it has none.
func (s *Service) Subscription(ctx context.Context, by Actor, instance string) (in Instance, sub Subscription, err error) {
	err = s.view(ctx, func(r Reader) error {
		if in, err = instanceOf(r, by, instance); err == nil {
			sub, err = subscriptionOf(r, instance)
		}
		return err
	})
	return in, sub, err
}

// SubscriptionOf is an instance's as the payment service's events look at it.
func (s *Service) SubscriptionOf(ctx context.Context, instance string) (sub Subscription, err error) {
	err = s.o.Store.View(ctx, func(r Reader) (err error) { sub, err = subscriptionOf(r, instance); return err })
	return sub, err
}

// Installation tells subscriptions of this installation from others'.
func (s *Service) Installation() string { return s.o.Keys.Server() }

// Subscriptions are those of all instances, for who asks the payment service about them.
func (s *Service) Subscriptions(ctx context.Context) (all map[string]Subscription, err error) {
	all = map[string]Subscription{}
	err = s.o.Store.View(ctx, func(r Reader) error {
		list, err := r.Instances("")
		for _, in := range list {
			sub, err := subscriptionOf(r, in.ID)
			if err != nil {
				return err
			}
			if sub.ID != "" {
				all[in.ID] = sub
			}
		}
		return err
	})
	return all, err
}

// SetSubscription keeps what the payment service says of an instance's subscription, and puts the instance on the plan
// that follows from it: that which is paid for or, where it lapsed or ended, the default plan. What the instance has beyond
// that plan's bounds stays; nothing is added beyond them. Another subscription of the instance, which nobody needs to pay
// any more, is noted to be canceled. The error is a NotFound where there is no such instance.
func (s *Service) SetSubscription(ctx context.Context, instance string, sub Subscription) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		in, err := tx.Instance(instance)
		if errors.Is(err, ErrNotFound) {
			return Change{}, notFound()
		}
		if err != nil {
			return Change{}, err
		}
		have, err := subscriptionOf(tx, instance)
		if err != nil {
			return Change{}, err
		}
		if have.ID == "" && sub.Status == SubscriptionEnded {
			return Change{}, nil // the instance has left the plan before
		}
		if have.ID != "" && have.ID != sub.ID && have.Status != SubscriptionEnded {
			if sub.Status != SubscriptionActive {
				return Change{}, nil // one that another has taken the place of
			}
			if sub.Created < have.Created {
				return Change{}, addEnding(tx, sub.ID)
			}
			if err := addEnding(tx, have.ID); err != nil {
				return Change{}, err
			}
		}
		if have == sub {
			return Change{}, nil
		}
		if err := saveSetting(tx, billingSetting+instance, sub); err != nil {
			return Change{}, err
		}
		plan := s.Plan(sub.Plan)
		if sub.Lapsed || sub.Status == SubscriptionEnded {
			plan = s.Plan("")
			if !sub.Lapsed && s.Plan(in.Plan).ID != s.Plan(have.Plan).ID { // its people have left the plan before
				plan = s.Plan(in.Plan)
			}
		}
		by := Actor{Via: "billing", Operator: true}
		if acc, err := tx.Account(in.Owner); err == nil {
			by.Team = acc
		}
		words := sub.Status
		news := Change{}
		if s.Plan(in.Plan).ID != plan.ID {
			words += ", plan " + in.Plan + " → " + plan.ID
			in.Plan, news = plan.ID, Change{Instance: instance, Plan: true}
			if err := tx.Save(in); err != nil {
				return Change{}, err
			}
		}
		return news, s.audit(tx, by, "instance.subscription", instance, words)
	})
}

// addEnding notes a subscription to be canceled.
func addEnding(tx Tx, id string) error {
	list, err := endingOf(tx)
	if err != nil || slices.Contains(list, id) {
		return err
	}
	return saveSetting(tx, endingSetting, append(list, id))
}

func endingOf(r Reader) (list []string, err error) {
	row, err := r.Setting(endingSetting)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(row.Value, &list)
	}
	return list, err
}

// Ending are the subscriptions that are to be canceled.
func (s *Service) Ending(ctx context.Context) (list []string, err error) {
	err = s.o.Store.View(ctx, func(r Reader) (err error) { list, err = endingOf(r); return err })
	return list, err
}

// Ended takes a subscription that was canceled off the list.
func (s *Service) Ended(ctx context.Context, id string) error {
	return s.o.Store.Update(ctx, func(tx Tx) error {
		list, err := endingOf(tx)
		if err != nil {
			return err
		}
		return saveSetting(tx, endingSetting, slices.DeleteFunc(list, func(one string) bool { return one == id }))
	})
}

// endSubscription notes the subscription of an instance to be canceled, as the instance is deleted or leaves its plan.
func endSubscription(tx Tx, instance string) error {
	sub, err := subscriptionOf(tx, instance)
	if err != nil || sub.ID == "" {
		return err
	}
	if sub.Status != SubscriptionEnded {
		if err := addEnding(tx, sub.ID); err != nil {
			return err
		}
	}
	return tx.Delete(Setting{Key: billingSetting + instance})
}
