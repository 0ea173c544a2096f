package account

import (
	"errors"
	"slices"
)

// TeamRole is what a person may do with what belongs to an account. Each may all that the ones behind it may.
type TeamRole string

// The roles.
const (
	TeamOwner     TeamRole = "owner"     // people, roles, invitations, API tokens, the team's end
	TeamMember    TeamRole = "member"    // makes, changes and deletes instances, users, flows
	TeamViewer    TeamRole = "viewer"    // looks at everything but secrets, changes nothing
	TeamDashboard TeamRole = "dashboard" // sees that instances and flow servers are there, and their pages
)

// teamRoles are all roles, the one that may most first.
var teamRoles = []TeamRole{TeamOwner, TeamMember, TeamViewer, TeamDashboard}

// roleRefusals are the answers to who has a role that isn't enough.
var roleRefusals = map[TeamRole]string{TeamMember: "api.role.member", TeamViewer: "api.role.viewer", TeamDashboard: "api.role.dashboard"}

// may says whether a role is enough where needed is wanted. An unknown role is never enough.
func (t TeamRole) may(needed TeamRole) bool {
	have := slices.Index(teamRoles, t)
	return have >= 0 && have <= slices.Index(teamRoles, needed)
}

// Thing names what a request is about, so that its account is known. Zero: the account that the actor looks at.
type Thing struct {
	Kind ThingKind
	ID   string
}

// ThingKind is a kind of thing that belongs to an account.
type ThingKind string

// The kinds.
const (
	ThingInstance   ThingKind = "instance"
	ThingFlowServer ThingKind = "flow server"
	ThingDevice     ThingKind = "device"
)

// ownerOfThing is the account that a thing belongs to.
func ownerOfThing(r Reader, t Thing) (string, error) {
	switch t.Kind {
	case ThingInstance:
		in, err := r.Instance(t.ID)
		return in.Owner, err
	case ThingFlowServer:
		f, err := r.FlowServer(t.ID)
		return f.Owner, err
	case ThingDevice:
		d, err := r.Device(t.ID)
		return d.Owner, err
	}
	return "", errors.New("a thing of an unknown kind")
}

// roleIn is the role of an account (a person, or a team that a token stands for) in another; "" for none.
func roleIn(r Reader, who, team string) (TeamRole, error) {
	if who == team {
		return TeamOwner, nil
	}
	m, err := r.Membership(team, who)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return m.Role, err
}

// mayEnter says whether a person may do in an account what needs a role, and returns its row. Who has no part in it gets
// the answer for what doesn't exist. Of a suspended account everything can be looked at and nothing used.
func mayEnter(r Reader, who, team string, needed TeamRole) (Account, TeamRole, error) {
	role, err := roleIn(r, who, team)
	if err != nil {
		return Account{}, "", err
	}
	if role == "" {
		return Account{}, "", notFound()
	}
	if !role.may(needed) {
		return Account{}, role, fail(Forbidden, roleRefusals[role])
	}
	acc, err := r.Account(team)
	if err == nil && needed.may(TeamMember) && !acc.SuspendedAt.IsZero() {
		return acc, role, fail(Forbidden, "api.account.suspended", "why", acc.SuspendedWhy)
	}
	return acc, role, err
}
