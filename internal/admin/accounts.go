package admin

import (
	"net/http"

	"tsunagi/internal/account"
)

func (s *Server) setAccount(r *http.Request) (any, error) {
	in, err := decode[accountChange](r)
	if err != nil {
		return nil, err
	}
	a, err := s.accounts.ChangeAccount(r.Context(), actor(), r.PathValue("id"), account.AccountChange(in))
	return showAccount(a), err
}

func (s *Server) suspendAccount(r *http.Request) (any, error) {
	in, err := decode[suspension](r)
	if err != nil {
		return nil, err
	}
	a, err := s.accounts.Suspend(r.Context(), actor(), r.PathValue("id"), in.Why)
	return showAccount(a), err
}

func (s *Server) resumeAccount(r *http.Request) (any, error) {
	a, err := s.accounts.Resume(r.Context(), actor(), r.PathValue("id"))
	return showAccount(a), err
}

func (s *Server) deleteAccount(r *http.Request) (any, error) {
	return nil, s.accounts.DeleteAccount(r.Context(), actor(), r.PathValue("id"))
}

func setAccount(k *call) error {
	var in accountChange
	if k.flags.Changed("plan") {
		in.Plan = new(k.text("plan"))
	}
	if k.flags.Changed("instances") {
		n, err := k.flags.GetInt("instances")
		if err != nil {
			return err
		}
		in.Instances = &n
	}
	if in == (accountChange{}) {
		return &usageError{"nothing to change: want --plan or --instances"}
	}
	return k.account(http.MethodPatch, "", in)
}

func suspendAccount(k *call) error {
	why, err := k.needed("why")
	if err != nil {
		return err
	}
	return k.account(http.MethodPost, "suspend", suspension{why})
}

func resumeAccount(k *call) error { return k.account(http.MethodPost, "resume", nil) }

// account asks for one account and prints it.
func (k *call) account(method, what string, in any) error {
	var a accountShape
	at := path("accounts", k.args[0])
	if what != "" {
		at = path("accounts", k.args[0], what)
	}
	if err := k.client.call(k.ctx, method, at, in, &a); err != nil {
		return err
	}
	return k.print(a, row("account", a.ID), row("plan", a.Plan), row("instances", a.Limit), row("suspended", a.Suspended))
}

func deleteAccount(k *call) error {
	if !k.on("yes") {
		return &usageError{"this deletes the account with all that belongs to it: want --yes"}
	}
	return k.client.call(k.ctx, http.MethodDelete, path("accounts", k.args[0]), nil, nil)
}
