package admin

import (
	"net/http"

	"tsunagi/internal/account"
)

var actor = account.AdminActor

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
