package admin

import (
	"context"
	"net/http"

	"tsunagi/internal/account"
)

var actor = account.AdminActor

func (s *Server) listAccounts(r *http.Request) (any, error) {
	list, err := s.accounts.Accounts(r.Context(), actor())
	return showAll(list, showAccount), err
}

func (s *Server) createAccount(r *http.Request) (any, error) {
	in, err := decode[newAccount](r)
	if err != nil {
		return nil, err
	}
	a, password, err := s.accounts.CreateAccount(r.Context(), actor(), in.Email, in.Password, account.Role(in.Role), in.Plan)
	out := showAccount(a)
	out.Password = password
	return out, err
}

func (s *Server) listInstances(r *http.Request) (any, error) {
	list, err := s.accounts.Instances(r.Context(), actor())
	return showAll(list, showInstance), err
}

func (s *Server) createInstance(r *http.Request) (any, error) {
	in, err := decode[newInstance](r)
	if err != nil {
		return nil, err
	}
	if in.Owner == "" {
		if in.Owner, err = s.ownerID(r.Context()); err != nil {
			return nil, err
		}
	}
	i, password, err := s.accounts.CreateInstance(r.Context(), actor(), account.NewInstance{Name: in.Name, Region: in.Region, Plan: in.Plan, Owner: in.Owner})
	out := showInstance(i)
	out.Password = password
	return out, err
}

// ownerID is the installation's owner: whose an instance is when nobody was named.
func (s *Server) ownerID(ctx context.Context) (string, error) {
	all, err := s.accounts.Accounts(ctx, actor())
	for _, a := range all {
		if a.Role == account.RoleOwner {
			return a.ID, err
		}
	}
	if err == nil {
		err = &account.Error{Code: account.Invalid, Key: "api.owner"}
	}
	return "", err
}

func (s *Server) deleteInstance(r *http.Request) (any, error) {
	return nil, s.accounts.DeleteInstance(r.Context(), actor(), r.PathValue("id"))
}

func (s *Server) password(r *http.Request) (any, error) {
	in, err := decode[passwordWish](r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	i, err := s.accounts.Instance(r.Context(), actor(), id)
	if err != nil {
		return nil, err
	}
	out := showInstance(i)
	if in.Rotate {
		out.Password, err = s.accounts.RotatePassword(r.Context(), actor(), id)
	} else {
		out.Password, err = s.accounts.RevealPassword(r.Context(), actor(), id, "")
	}
	return out, err
}

func (s *Server) listUsers(r *http.Request) (any, error) {
	out := []userShape{}
	q := account.UserQuery{Instance: r.PathValue("id"), Limit: 1000}
	for {
		p, err := s.accounts.Users(r.Context(), actor(), q)
		if err != nil {
			return nil, err
		}
		out = append(out, showAll(p.Users, showUser)...)
		if q.After = p.Next; p.Next == "" {
			return out, nil
		}
	}
}

func (s *Server) createUser(r *http.Request) (any, error) {
	in, err := decode[newUser](r)
	if err != nil {
		return nil, err
	}
	u, password, err := s.accounts.CreateUser(r.Context(), actor(), r.PathValue("id"), in.values())
	out := showUser(u)
	out.Password = password
	return out, err
}

// values are in's fields in the form of package account.
func (in newUser) values() account.NewUser {
	return account.NewUser{Name: in.Name, Password: in.Password, Connect: in.Connect, Note: in.Note}
}

func (s *Server) setUser(r *http.Request) (any, error) {
	in, err := decode[userChange](r)
	if err != nil {
		return nil, err
	}
	u, password, err := s.accounts.ChangeUser(r.Context(), actor(), r.PathValue("id"), r.PathValue("name"), account.UserChange{Password: in.Password, Rotate: in.Rotate, Connect: in.Connect, Note: in.Note})
	out := showUser(u)
	out.Password = password
	return out, err
}

func (s *Server) deleteUser(r *http.Request) (any, error) {
	return nil, s.accounts.DeleteUser(r.Context(), actor(), r.PathValue("id"), r.PathValue("name"))
}

func (s *Server) listRules(r *http.Request) (any, error) {
	list, err := s.accounts.Rules(r.Context(), actor(), r.PathValue("id"), "")
	return showAll(list, showRule), err
}

func (s *Server) createRule(r *http.Request) (any, error) {
	in, err := decode[newRule](r)
	if err != nil {
		return nil, err
	}
	rule, err := s.accounts.CreateRule(r.Context(), actor(), account.Rule{Instance: r.PathValue("id"), User: in.User,
		Effect: account.Effect(in.Effect), Access: account.Access(in.Access), Filter: in.Filter})
	return showRule(rule), err
}

func (s *Server) deleteRule(r *http.Request) (any, error) {
	return nil, s.accounts.DeleteRule(r.Context(), actor(), r.PathValue("id"), r.PathValue("rule"))
}
