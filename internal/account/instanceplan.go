package account

import "context"

// ChangePlan puts an instance on another plan, whose bounds hold at once for what comes; connected clients stay.
func (s *Service) ChangePlan(ctx context.Context, by Actor, id, wanted string) (in Instance, err error) {
	plan, ok := findPlan(s.o.Plans, wanted)
	if !ok || wanted == "" {
		return Instance{}, invalid("plan", "api.plan")
	}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if in, err = instanceOf(tx, by, id); err != nil {
			return Change{}, err
		}
		if s.Plan(in.Plan).ID == plan.ID {
			return Change{}, nil
		}
		if err := s.fits(tx, in, plan); err != nil {
			return Change{}, err
		}
		before := in.Plan
		in.Plan = plan.ID
		if err := tx.Save(in); err != nil {
			return Change{}, err
		}
		return Change{Instance: id, Plan: true}, s.audit(tx, by, "instance.plan", id, before+" → "+plan.ID)
	})
	return in, err
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
