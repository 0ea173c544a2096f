package account

import (
	"context"
	"errors"
)

// FlowPlan is the plan that bounds the flow servers of an account.
func (s *Service) FlowPlan(a Account) Plan { return s.Plan(a.Plan) }

// CreateFlowServer makes a hosted flow server's entry within the bounds of the plan; whoever runs them is to start it.
func (s *Service) CreateFlowServer(ctx context.Context, by Actor, name string) (f FlowServer, err error) {
	if !ValidLabel(name) {
		return FlowServer{}, invalid("name", "api.flow.name")
	}
	if by.Only != "" {
		return FlowServer{}, fail(Forbidden, "api.token.only")
	}
	f = FlowServer{ID: newID(), Owner: by.team(), Name: name, CreatedAt: s.now()}
	err = s.update(ctx, func(tx Tx) error {
		acc, err := tx.Account(by.team())
		if err != nil {
			return err
		}
		have, err := tx.FlowServers(acc.ID)
		if err != nil {
			return err
		}
		plan := s.FlowPlan(acc)
		if len(have) >= plan.FlowServers {
			return fail(Limit, "api.flow.limit", "limit", plan.FlowServers, "plan", plan.Name)
		}
		if err := nameFree(tx, name); err != nil {
			return err
		}
		if err := tx.Insert(f); errors.Is(err, ErrExists) {
			return fail(Conflict, "api.flow.taken", "name", name)
		} else if err != nil {
			return err
		}
		return s.audit(tx, by, "flow_server.create", f.ID, name)
	})
	return f, err
}

// FlowServer reads one of the actor's.
func (s *Service) FlowServer(ctx context.Context, by Actor, id string) (f FlowServer, err error) {
	err = s.view(ctx, func(r Reader) error {
		f, err = flowServerOf(r, by, id)
		return err
	})
	return f, err
}

func flowServerOf(r Reader, by Actor, id string) (FlowServer, error) {
	f, err := r.FlowServer(id)
	if err != nil {
		return FlowServer{}, told(err)
	}
	if !by.mayUse(f.Owner) || by.Only != "" {
		return FlowServer{}, notFound()
	}
	return f, nil
}

// FlowServers lists the actor's; for the admin socket (and the start of the process) all.
func (s *Service) FlowServers(ctx context.Context, by Actor) (list []FlowServer, err error) {
	if !by.Operator && by.Account.ID == "" {
		return nil, fail(Unauthorized, "api.unauthorized")
	}
	owner := by.team()
	if by.everybody() {
		owner = ""
	}
	if by.Only != "" {
		return nil, nil
	}
	err = s.view(ctx, func(r Reader) error {
		list, err = r.FlowServers(owner)
		return err
	})
	return list, err
}

// AuditFlowServer notes something done to a flow server that isn't a change here, such as a restart.
func (s *Service) AuditFlowServer(ctx context.Context, by Actor, id, action string) (f FlowServer, err error) {
	err = s.update(ctx, func(tx Tx) error {
		if f, err = flowServerOf(tx, by, id); err != nil {
			return err
		}
		return s.audit(tx, by, action, id, f.Name)
	})
	return f, err
}

// DeleteFlowServer deletes the entry; whoever runs it is to stop it first and to delete its directory.
func (s *Service) DeleteFlowServer(ctx context.Context, by Actor, id string) error {
	return s.update(ctx, func(tx Tx) error {
		f, err := flowServerOf(tx, by, id)
		if err != nil {
			return err
		}
		if err := tx.Delete(f); err != nil {
			return err
		}
		return s.audit(tx, by, "flow_server.delete", id, f.Name)
	})
}
