package account

import (
	"context"
	"errors"
	"slices"
)

// NewInstance is what a person chooses at Create. Empty region and plan mean the first region and the default plan.
type NewInstance struct {
	Name   string
	Region string
	Plan   string
	Owner  string // Account.ID or e-mail; the admin socket only
}

// CreateInstance makes an instance with its first user within the bounds of the plan. The password is returned once
// here; RevealPassword shows it again.
func (s *Service) CreateInstance(ctx context.Context, by Actor, n NewInstance) (in Instance, password string, err error) {
	name, err := checkText("name", n.Name, 64, false)
	if err != nil {
		return Instance{}, "", err
	}
	if by.Only != "" {
		return Instance{}, "", fail(Forbidden, "api.token.only")
	}
	plan, ok := findPlan(s.o.Plans, n.Plan)
	if !ok {
		return Instance{}, "", NoPlan(s.o.Plans)
	}
	region, ok := s.region(n.Region)
	if !ok {
		return Instance{}, "", s.noRegion()
	}
	password = newPassword()
	err = s.update(ctx, func(tx Tx) error {
		owner, err := ownerOf(tx, by, n.Owner)
		if err != nil {
			return err
		}
		have, err := tx.Instances(owner)
		if err != nil {
			return err
		}
		acc, err := tx.Account(owner)
		if err != nil {
			return err
		}
		if err := s.mayHave(by, acc, plan, len(have)); err != nil {
			return err
		}
		used := 0
		for _, h := range have {
			if s.Plan(h.Plan).ID == plan.ID {
				used++
			}
		}
		if plan.Instances > 0 && used >= plan.Instances {
			return fail(Limit, "api.instance.limit", "limit", plan.Instances, "plan", plan.Name)
		}
		in = Instance{Owner: owner, Name: name, Region: region.ID, Plan: plan.ID, CreatedAt: s.now()}
		if err := insertInstance(tx, &in); err != nil {
			return err
		}
		if err := tx.Insert(s.firstUser(in, password)); err != nil {
			return err
		}
		return s.audit(tx, by, "instance.create", in.ID, name)
	})
	return in, password, err
}

// mayHave says whether an account may have one more instance than it has, and in that plan.
func (s *Service) mayHave(by Actor, acc Account, plan Plan, have int) error {
	if plan.Granted && acc.Plan != plan.ID && !by.Operator {
		return &Error{Code: Forbidden, Key: "api.plan.granted", Args: []any{"plan", plan.Name}, Field: "plan"}
	}
	if plan.StripePrice != "" && acc.Plan != plan.ID && !by.Operator {
		return &Error{Code: Forbidden, Key: "api.plan.paid", Args: []any{"plan", plan.Name}, Field: "plan"}
	}
	limit := s.o.AccountInstances
	if acc.Instances > 0 {
		limit = acc.Instances
	}
	if limit > 0 && have >= limit {
		return fail(Limit, "api.account.limit", "limit", limit)
	}
	return nil
}

// ownerOf is the account that a new thing belongs to: the actor's own; for the admin socket one that is
// named.
func ownerOf(r Reader, by Actor, named string) (string, error) {
	if !by.Operator || named == "" && by.team() != "" {
		return by.team(), nil
	}
	a, err := r.Account(named)
	if errors.Is(err, ErrNotFound) {
		if email, bad := normalEmail(named); bad == nil {
			a, err = r.AccountByEmail(email)
		}
	}
	if errors.Is(err, ErrNotFound) {
		return "", invalid("owner", "api.owner")
	}
	return a.ID, err
}

// insertInstance gives in an id that is free.
func insertInstance(tx Tx, in *Instance) error {
	for range 10 {
		in.ID = newInstanceID()
		if _, err := tx.Instance(in.ID); !errors.Is(err, ErrNotFound) {
			if err != nil {
				return err
			}
			continue
		}
		return tx.Insert(*in)
	}
	return errors.New("no free instance id after 10 tries")
}

func (s *Service) firstUser(in Instance, password string) User {
	return User{Instance: in.ID, Name: in.ID, First: true, Connect: true, Kind: SecretGenerated,
		Secret: s.o.Keys.hashGenerated(in.ID, in.ID, password), Sealed: s.o.Keys.sealPassword(in.ID, password), CreatedAt: in.CreatedAt}
}

// Instance reads one instance of the actor's.
func (s *Service) Instance(ctx context.Context, by Actor, id string) (in Instance, err error) {
	err = s.view(ctx, func(r Reader) error {
		in, err = instanceOf(r, by, id)
		return err
	})
	return in, err
}

// Instances lists the actor's instances; for the admin socket all.
func (s *Service) Instances(ctx context.Context, by Actor) (list []Instance, err error) {
	if !by.Operator && by.Account.ID == "" {
		return nil, fail(Unauthorized, "api.unauthorized")
	}
	owner := by.team()
	if by.everybody() {
		owner = ""
	}
	err = s.view(ctx, func(r Reader) error {
		list, err = r.Instances(owner)
		if by.Only != "" {
			list = slices.DeleteFunc(list, func(in Instance) bool { return in.ID != by.Only })
		}
		return err
	})
	return list, err
}

// DeleteInstance deletes an instance with its users, rules, key and log. Listeners end its clients and its messages.
func (s *Service) DeleteInstance(ctx context.Context, by Actor, id string) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		in, err := instanceOf(tx, by, id)
		if err != nil {
			return Change{}, err
		}
		if err := endSubscription(tx, id); err != nil {
			return Change{}, err
		}
		if err := s.remove(ctx, tx, in, settingsOf(id)...); err != nil {
			return Change{}, err
		}
		return Change{Instance: id, Deleted: true}, s.audit(tx, by, "instance.delete", id, in.Name)
	})
}

// RevealPassword shows the first user's password to a person who has confirmed that it is them.
func (s *Service) RevealPassword(ctx context.Context, by Actor, id string, proof Proof) (string, error) {
	if !by.Operator {
		if _, err := s.Instance(ctx, by, id); err != nil { // not found before wrong password
			return "", err
		}
		if err := s.confirm(ctx, by, proof, Intent{ToRevealPassword, id}); err != nil {
			return "", err
		}
	}
	var sealed []byte
	err := s.update(ctx, func(tx Tx) error {
		if _, err := instanceOf(tx, by, id); err != nil {
			return err
		}
		u, err := tx.User(id, id)
		if err != nil {
			return err
		}
		sealed = u.Sealed
		return s.audit(tx, by, "instance.reveal", id, "")
	})
	if err != nil {
		return "", err
	}
	if len(sealed) == 0 {
		return "", fail(Conflict, "api.password.chosen")
	}
	return s.o.Keys.openPassword(id, sealed)
}

// RotatePassword gives the first user a new generated password and ends the connections that used the old one.
func (s *Service) RotatePassword(ctx context.Context, by Actor, id string) (string, error) {
	_, password, err := s.ChangeUser(ctx, by, id, id, UserChange{Rotate: true})
	return password, err
}

// AuditInstance notes something done to an instance that isn't a change here, such as ending a client's connection, and
// says whether the actor may.
func (s *Service) AuditInstance(ctx context.Context, by Actor, instance, action, detail string) error {
	return s.update(ctx, func(tx Tx) error {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return err
		}
		return s.audit(tx, by, action, instance, detail)
	})
}
