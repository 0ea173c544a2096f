// Package admin is the way in for scripts on the same machine: a unix socket in the data directory that only the
// process's own user can open, with JSON over HTTP on it, and the commands of `tsunagi admin` that use it. Both sides
// are here; what may be done is decided in package account.
package admin

import (
	"time"

	"tsunagi/internal/account"
)

// SocketName is the socket's name in the data directory.
const SocketName = "admin.sock"

// The shapes that are also printed with --json. They don't change without notice: scripts rely on them.

type accountShape struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	Role      string    `json:"role"`
	Plan      string    `json:"plan"`
	CreatedAt time.Time `json:"created_at"`
	Name      string    `json:"name,omitempty"`           // of a team
	Limit     int       `json:"instance_limit,omitempty"` // 0: as the settings say
	Suspended string    `json:"suspended,omitempty"`      // why; "" while it works
	Password  string    `json:"password,omitempty"`       // generated; in the answer to create only
}

type userShape struct {
	Name      string    `json:"name"`
	First     bool      `json:"first"`
	Connect   bool      `json:"connect"`
	Note      string    `json:"note"`
	CreatedAt time.Time `json:"created_at"`
	Password  string    `json:"password,omitempty"` // generated; in the answers to create and set only
}

type ruleShape struct {
	ID     string `json:"id"`
	User   string `json:"user"` // "" for all users
	Effect string `json:"effect"`
	Access string `json:"access"`
	Filter string `json:"filter"`
}

func showAccount(a account.Account) accountShape {
	out := accountShape{ID: a.ID, Email: a.Email, Role: string(a.Role), Plan: a.Plan, CreatedAt: a.CreatedAt, Name: a.Name, Limit: a.Instances, Suspended: a.SuspendedWhy}
	if a.Role == account.RoleTeam {
		out.Email = ""
	}
	return out
}

func showUser(u account.User) userShape {
	return userShape{Name: u.Name, First: u.First, Connect: u.Connect, Note: u.Note, CreatedAt: u.CreatedAt}
}

func showRule(r account.Rule) ruleShape {
	return ruleShape{ID: r.ID, User: r.User, Effect: string(r.Effect), Access: string(r.Access), Filter: r.Filter}
}

func showAll[T, S any](list []T, show func(T) S) []S {
	out := make([]S, 0, len(list))
	for _, one := range list {
		out = append(out, show(one))
	}
	return out
}

// The inputs.

type newAccount struct{ Email, Password, Role, Plan string }

type newUser struct {
	Name, Password, Note string
	Connect              bool
}

type userChange struct {
	Password *string
	Rotate   bool
	Connect  *bool
	Note     *string
}

type newRule struct{ User, Effect, Access, Filter string }

// fault is a failure on the wire.
type fault struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}
