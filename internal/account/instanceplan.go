package account

import "context"

// InstanceChange is what changes of an instance; nil stays as it is. Id, owner and region stay.
type InstanceChange struct {
	Name *string
	Plan *string
}

// ChangeInstance gives an instance another name, or another plan, whose bounds hold at once for what comes; connected
// clients stay.
func (s *Service) ChangeInstance(ctx context.Context, by Actor, id string, c InstanceChange) (in Instance, err error) {
	name := ""
	if c.Name != nil {
		if name, err = checkText("name", *c.Name, 64, false); err != nil {
			return Instance{}, err
		}
	}
	var plan Plan
	if c.Plan != nil {
		var ok bool
		if plan, ok = findPlan(s.o.Plans, *c.Plan); !ok || *c.Plan == "" {
			return Instance{}, NoPlan(s.o.Plans)
		}
	}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if in, err = instanceOf(tx, by, id); err != nil {
			return Change{}, err
		}
		was, news := in, Change{}
		if c.Name != nil {
			in.Name = name
			if err := s.audit(tx, by, "instance.rename", id, name); err != nil {
				return Change{}, err
			}
		}
		if c.Plan != nil && s.Plan(in.Plan).ID != plan.ID {
			acc, err := tx.Account(in.Owner)
			if err == nil {
				err = s.mayHave(by, acc, plan, 0)
			}
			if err == nil {
				err = s.fits(tx, in, plan)
			}
			if err != nil {
				return Change{}, err
			}
			if err := endSubscription(tx, id); err != nil { // it paid for the plan that is left
				return Change{}, err
			}
			in.Plan, news = plan.ID, Change{Instance: id, Plan: true}
			if err := s.audit(tx, by, "instance.plan", id, was.Plan+" → "+plan.ID); err != nil {
				return Change{}, err
			}
		}
		return news, s.replace(ctx, tx, was, in)
	})
	return in, err
}

// RenameInstance gives an instance another name.
func (s *Service) RenameInstance(ctx context.Context, by Actor, id, name string) (Instance, error) {
	return s.ChangeInstance(ctx, by, id, InstanceChange{Name: &name})
}

// ChangePlan puts an instance on another plan.
func (s *Service) ChangePlan(ctx context.Context, by Actor, id, plan string) (Instance, error) {
	return s.ChangeInstance(ctx, by, id, InstanceChange{Plan: &plan})
}

// fits says whether an instance, as it is, has room in a plan.
func (s *Service) fits(r Reader, in Instance, plan Plan) error {
	all, err := r.Instances(in.Owner)
	if err != nil {
		return err
	}
	used := 0
	for _, one := range all {
		if s.Plan(one.Plan).ID == plan.ID {
			used++
		}
	}
	if plan.Instances > 0 && used >= plan.Instances {
		return fail(Limit, "api.instance.limit", "limit", plan.Instances, "plan", plan.Name)
	}
	users, err := r.CountUsers(UserQuery{Instance: in.ID})
	if err != nil {
		return err
	}
	if plan.Users > 0 && users > plan.Users {
		return fail(Limit, "api.user.limit", "limit", plan.Users, "plan", plan.Name)
	}
	return nil
}
