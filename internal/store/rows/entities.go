package rows

import "tsunagi/internal/account"

var (
	accounts = entity[account.Account]{"account",
		[]string{"id", "email", "password", "role", "plan", "language", "created_at",
			"name", "instances", "suspended_at", "suspended_why", "quiet_sign_ins"}, 1,
		func(a *account.Account) []any {
			return []any{&a.ID, &a.Email, &a.Password, &a.Role, &a.Plan, &a.Language, stamp{&a.CreatedAt},
				&a.Name, &a.Instances, stamp{&a.SuspendedAt}, &a.SuspendedWhy, &a.QuietSignIns}
		}}
	sessions = entity[account.BrowserSession]{"browser_session",
		[]string{"hash", "account", "remote", "agent", "created_at", "seen_at", "team"}, 1,
		func(s *account.BrowserSession) []any {
			return []any{digest{&s.Hash}, &s.Account, &s.Remote, &s.Agent, stamp{&s.CreatedAt}, stamp{&s.SeenAt}, &s.Team}
		}}
	invitations = entity[account.Invitation]{"invitation",
		[]string{"id", "token_hash", "email", "invited_by", "sent", "created_at", "expires_at"}, 1,
		func(i *account.Invitation) []any {
			return []any{&i.ID, digest{&i.TokenHash}, &i.Email, &i.By, &i.Sent, stamp{&i.CreatedAt}, stamp{&i.ExpiresAt}}
		}}
	resetLinks = entity[account.ResetLink]{"reset_link",
		[]string{"hash", "account", "expires_at"}, 1,
		func(l *account.ResetLink) []any { return []any{digest{&l.Hash}, &l.Account, stamp{&l.ExpiresAt}} }}
	apiTokens = entity[account.APIToken]{"api_token",
		[]string{"id", "hash", "account", "name", "scope", "instance", "created_at", "expires_at", "used_at", "topics"}, 1,
		func(a *account.APIToken) []any {
			return []any{&a.ID, digest{&a.Hash}, &a.Account, &a.Name, &a.Scope, orNull{&a.Instance}, stamp{&a.CreatedAt},
				stamp{&a.ExpiresAt}, stamp{&a.UsedAt}, list[string]{&a.Topics}}
		}}
	factors = entity[account.Factor]{"factor",
		[]string{"id", "account", "kind", "name", "secret", "last", "created_at", "used_at"}, 1,
		func(f *account.Factor) []any {
			return []any{&f.ID, &f.Account, &f.Kind, &f.Name, &f.Secret, &f.Last, stamp{&f.CreatedAt}, stamp{&f.UsedAt}}
		}}
	instances = entity[account.Instance]{"instance",
		[]string{"id", "owner", "name", "region", "plan", "created_at"}, 1,
		func(i *account.Instance) []any {
			return []any{&i.ID, &i.Owner, &i.Name, &i.Region, &i.Plan, stamp{&i.CreatedAt}}
		}}
	users = entity[account.User]{"mqtt_user",
		[]string{"instance", "name", "first", "connect", "note", "kind", "secret", "sealed", "created_at", "client_id", "expires_at"}, 2,
		func(u *account.User) []any {
			return []any{&u.Instance, &u.Name, &u.First, &u.Connect, &u.Note, &u.Kind, &u.Secret, &u.Sealed,
				stamp{&u.CreatedAt}, &u.ClientID, stamp{&u.ExpiresAt}}
		}}
	rules = entity[account.Rule]{"rule",
		[]string{"instance", "id", "user", "effect", "access", "filter", "created_at", "qos_below", "no_retain", "expires_at", "note"}, 2,
		func(r *account.Rule) []any {
			return []any{&r.Instance, &r.ID, orNull{&r.User}, &r.Effect, &r.Access, &r.Filter, stamp{&r.CreatedAt},
				&r.QoSBelow, &r.NoRetain, stamp{&r.ExpiresAt}, &r.Note}
		}}
	flowServers = entity[account.FlowServer]{"flow_server",
		[]string{"id", "owner", "name", "created_at"}, 1,
		func(f *account.FlowServer) []any {
			return []any{&f.ID, &f.Owner, &f.Name, stamp{&f.CreatedAt}}
		}}
	settings = entity[account.Setting]{"setting",
		[]string{"key", "value"}, 1,
		func(s *account.Setting) []any { return []any{&s.Key, &s.Value} }}
	audits = entity[account.AuditEntry]{"audit",
		[]string{"id", "time", "account", "via", "remote", "action", "object", "detail", "team"}, 1,
		func(a *account.AuditEntry) []any {
			return []any{&a.ID, stamp{&a.Time}, &a.Account, &a.Via, &a.Remote, &a.Action, &a.Object, &a.Detail, &a.Team}
		}}
	logLines = entity[account.LogLine]{"log_line",
		[]string{"id", "instance", "time", "kind", "client", "user", "remote", "topic", "gate", "rule", "cause", "reason"}, 1,
		func(l *account.LogLine) []any {
			return []any{&l.ID, &l.Instance, stamp{&l.Time}, &l.Kind, &l.Client, &l.User, &l.Remote, &l.Topic, &l.Gate,
				&l.Rule, &l.Cause, &l.Reason}
		}}
)
