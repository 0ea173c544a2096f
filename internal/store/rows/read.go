package rows

import (
	"database/sql"
	"fmt"
	"strings"

	"tsunagi/internal/account"
)

// NewReader returns a Reader over a connection.
func NewReader(c Conn) account.Reader { return reader{c} }

// reader is an account.Reader over a connection.
type reader struct{ c Conn }

const (
	byAge     = "order by created_at, id"
	contained = "instr(cast(%s as blob), cast(? as blob)) > 0" // byte for byte
)

func (r reader) Account(id string) (account.Account, error) { return accounts.one(r.c, "id", id) }

func (r reader) AccountByEmail(email string) (account.Account, error) {
	return accounts.one(r.c, "email", email)
}

func (r reader) Accounts() ([]account.Account, error) { return accounts.all(r.c, byAge) }

func (r reader) BrowserSession(hash [32]byte) (account.BrowserSession, error) {
	return sessions.one(r.c, "hash", hash[:])
}

func (r reader) BrowserSessions(of string) ([]account.BrowserSession, error) {
	if of == "" {
		return sessions.all(r.c, "order by created_at, hash")
	}
	return sessions.all(r.c, "where account = ? order by created_at, hash", of)
}

func (r reader) Invitation(id string) (account.Invitation, error) {
	return invitations.one(r.c, "id", id)
}

func (r reader) InvitationByToken(hash [32]byte) (account.Invitation, error) {
	return invitations.one(r.c, "token_hash", hash[:])
}

func (r reader) Invitations() ([]account.Invitation, error) {
	return invitations.all(r.c, "order by created_at desc, id desc")
}

func (r reader) ResetLink(hash [32]byte) (account.ResetLink, error) {
	return resetLinks.one(r.c, "hash", hash[:])
}

func (r reader) ResetLinkOf(of string) (account.ResetLink, error) {
	return resetLinks.one(r.c, "account", of)
}

func (r reader) APIToken(id string) (account.APIToken, error) { return apiTokens.one(r.c, "id", id) }

func (r reader) APITokenByHash(hash [32]byte) (account.APIToken, error) {
	return apiTokens.one(r.c, "hash", hash[:])
}

func (r reader) APITokens(of string) ([]account.APIToken, error) {
	return apiTokens.all(r.c, "where account = ? "+byAge, of)
}

func (r reader) Factor(id string) (account.Factor, error) { return factors.one(r.c, "id", id) }

func (r reader) Factors(of string) ([]account.Factor, error) {
	return factors.all(r.c, "where account = ? "+byAge, of)
}

func (r reader) Instance(id string) (account.Instance, error) { return instances.one(r.c, "id", id) }

func (r reader) Instances(owner string) ([]account.Instance, error) {
	if owner == "" {
		return instances.all(r.c, byAge)
	}
	return instances.all(r.c, "where owner = ? "+byAge, owner)
}

func (r reader) User(instance, name string) (account.User, error) {
	return users.one(r.c, "instance, name", instance, name)
}

func (r reader) Users(q account.UserQuery) ([]account.User, error) {
	where, args := userFilter(q)
	if q.After != "" {
		where, args = where+" and name > ?", append(args, q.After)
	}
	return users.all(r.c, where+" order by name limit ? offset ?", append(args, max(q.Limit, 0), max(q.Skip, 0))...)
}

func (r reader) CountUsers(q account.UserQuery) (n int, err error) {
	where, args := userFilter(q)
	err = r.c.Rows("select count(*) from mqtt_user "+where, args, func(r *sql.Rows) (bool, error) { return false, r.Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("count users: %w", err)
	}
	return n, nil
}

// afterNames behind a prefix comes after every name that begins with it: it has the last character there is as often as
// a name has bytes.
var afterNames = strings.Repeat("\U0010FFFF", 128)

func userFilter(q account.UserQuery) (where string, args []any) {
	where, args = "where instance = ?", []any{q.Instance}
	if q.Contains != "" {
		where, args = where+" and "+fmt.Sprintf(contained, "name"), append(args, q.Contains)
	}
	if q.Prefix != "" {
		where += " and name >= ? and name <= ? and substr(cast(name as blob), 1, ?) = cast(? as blob)"
		args = append(args, q.Prefix, q.Prefix+afterNames, len(q.Prefix), q.Prefix)
	}
	return where, args
}

func (r reader) Rule(instance, id string) (account.Rule, error) {
	return rules.one(r.c, "instance, id", instance, id)
}

func (r reader) Rules(instance string) ([]account.Rule, error) {
	return rules.all(r.c, "where instance = ? "+byAge, instance)
}

func (r reader) FlowServer(id string) (account.FlowServer, error) {
	return flowServers.one(r.c, "id", id)
}

func (r reader) FlowServerByName(name string) (account.FlowServer, error) {
	return flowServers.one(r.c, "name", name)
}

func (r reader) FlowServers(owner string) ([]account.FlowServer, error) {
	if owner == "" {
		return flowServers.all(r.c, byAge)
	}
	return flowServers.all(r.c, "where owner = ? "+byAge, owner)
}

func (r reader) Setting(key string) (account.Setting, error) { return settings.one(r.c, "key", key) }

func (r reader) Log(q account.LogQuery) ([]account.LogLine, error) {
	where, args := "where instance = ?", []any{q.Instance}
	if q.Kind != "" {
		where, args = where+" and kind = ?", append(args, q.Kind)
	}
	if q.Before != 0 {
		where, args = where+" and id < ?", append(args, q.Before)
	}
	if q.From != 0 {
		where, args = where+" and id >= ?", append(args, q.From)
	}
	if q.Contains != "" {
		where += " and ("
		for i, column := range []string{"client", "user", "topic", "remote", "rule", "cause"} {
			if i > 0 {
				where += " or "
			}
			where, args = where+fmt.Sprintf(contained, column), append(args, q.Contains)
		}
		where += ")"
	}
	return logLines.all(r.c, where+" order by id desc limit ?", append(args, max(q.Limit, 0))...)
}

func (r reader) LogEdge(instance string, before int64, n int) (id int64, err error) {
	where, args := "where instance = ?", []any{instance}
	if before != 0 {
		where, args = where+" and id < ?", append(args, before)
	}
	err = r.c.Rows("select id from log_line "+where+" order by id desc limit 1 offset ?", append(args, max(n-1, 0)),
		func(row *sql.Rows) (bool, error) { return false, row.Scan(&id) })
	return id, err
}

func (r reader) Audit(q account.AuditQuery) ([]account.AuditEntry, error) {
	where, args := "where true", []any{}
	if q.Account != "" {
		where, args = where+" and (team = ? or team = '' and account = ?)", append(args, q.Account, q.Account)
	}
	if q.Object != "" {
		where, args = where+" and object = ?", append(args, q.Object)
	}
	if q.Before != 0 {
		where, args = where+" and id < ?", append(args, q.Before)
	}
	return audits.all(r.c, where+" order by id desc limit ?", append(args, max(q.Limit, 0))...)
}
