package account

import "context"

// Audit is one page of what was done, newest first: in the account that the actor uses or to its instance object; for the owner
// with all set, by everybody. People's e-mails are given for the accounts that still exist.
func (s *Service) Audit(ctx context.Context, by Actor, q AuditQuery, all bool) (list []AuditEntry, emails map[string]string, err error) {
	q.Limit = PageSize(q.Limit)
	q.Account = by.team()
	err = s.view(ctx, func(r Reader) error {
		switch {
		case all && !by.owner():
			return fail(Forbidden, "api.forbidden")
		case all:
			q.Account = ""
		case q.Object != "":
			if _, err := instanceOf(r, by, q.Object); err != nil {
				return err
			}
			q.Account = ""
		}
		var err error
		if list, err = r.Audit(q); err != nil {
			return err
		}
		emails = map[string]string{}
		for _, e := range list {
			if _, ok := emails[e.Account]; !ok && e.Account != "" {
				if a, err := r.Account(e.Account); err == nil {
					emails[e.Account] = a.Title()
				}
			}
		}
		return nil
	})
	return list, emails, err
}
