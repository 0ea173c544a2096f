package account

import "context"

// Judge says whether an actor may do what needs a role, with a thing or in the account that the actor looks at, and
// returns the actor as it goes on: with the account whose things it may use. It is the one place where roles of teams
// are judged; everything behind it asks mayUse only.
func (s *Service) Judge(ctx context.Context, by Actor, needed TeamRole, about Thing) (Actor, error) {
	if by.Operator {
		return by, nil
	}
	if by.Account.ID == "" {
		return by, fail(Unauthorized, "api.unauthorized")
	}
	err := s.view(ctx, func(r Reader) (err error) {
		team := by.looks
		if about.Kind != "" {
			if team, err = ownerOfThing(r, about); err != nil {
				return err
			}
		}
		if about.Kind == "" { // who has left the team that the browser looked at is back in the own account
			if role, err := roleIn(r, by.Account.ID, team); err != nil {
				return err
			} else if role == "" {
				team = by.Account.ID
			}
		}
		by.Team, by.TeamRole, err = mayEnter(r, by.Account.ID, team, needed)
		return err
	})
	return by, err
}
