package rows

import "tsunagi/internal/account"

var (
	memberships = entity[account.Membership]{"membership",
		[]string{"team", "person", "role", "created_at"}, 2,
		func(m *account.Membership) []any { return []any{&m.Team, &m.Person, &m.Role, stamp{&m.CreatedAt}} }}
	teamInvitations = entity[account.TeamInvitation]{"team_invitation",
		[]string{"id", "token_hash", "team", "email", "role", "invited_by", "created_at", "expires_at"}, 1,
		func(i *account.TeamInvitation) []any {
			return []any{&i.ID, digest{&i.TokenHash}, &i.Team, &i.Email, &i.Role, &i.By, stamp{&i.CreatedAt}, stamp{&i.ExpiresAt}}
		}}
)

func (r reader) Membership(team, person string) (account.Membership, error) {
	return memberships.one(r.c, "team, person", team, person)
}

func (r reader) Memberships(team, person string) ([]account.Membership, error) {
	const order = "order by created_at, team, person"
	if team == "" {
		return memberships.all(r.c, "where person = ? "+order, person)
	}
	return memberships.all(r.c, "where team = ? "+order, team)
}

func (r reader) TeamInvitation(id string) (account.TeamInvitation, error) {
	return teamInvitations.one(r.c, "id", id)
}

func (r reader) TeamInvitationByToken(hash [32]byte) (account.TeamInvitation, error) {
	return teamInvitations.one(r.c, "token_hash", hash[:])
}

func (r reader) TeamInvitations(team string) ([]account.TeamInvitation, error) {
	return teamInvitations.all(r.c, "where team = ? "+byAge, team)
}
