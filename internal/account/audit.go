package account

import (
	"context"
	"strings"
	"time"
)

// auditSearch is how many entries one page of a search looks at, at most.
const auditSearch = 20_000

// AuditPage is one page of what was done, newest first.
type AuditPage struct {
	Entries []AuditEntry
	Emails  map[string]string // of the accounts in Entries that still exist, by Account.ID
	Next    int64             // Before of the next page; 0 on the last
	// SearchedTo is set where the page isn't full because the search has looked at as many entries as one may: those from
	// then on are searched, older ones by Next.
	SearchedTo time.Time
}

// Audit is one page of what was done: in the account that the actor uses or to its instance object; for the owner with all
// set, by everybody. A search (AuditQuery.Contains) looks at a bounded number of entries; see AuditPage.SearchedTo.
func (s *Service) Audit(ctx context.Context, by Actor, q AuditQuery, all bool) (page AuditPage, err error) {
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
		page, err = searchAudit(r, q)
		return err
	})
	return page, err
}

// searchAudit reads entries in steps until the page is full, nothing is left, or enough was looked at.
func searchAudit(r Reader, q AuditQuery) (page AuditPage, err error) {
	page.Emails = map[string]string{}
	emails := map[string]string{}
	step, wanted := q, strings.ToLower(q.Contains)
	codes := make(map[string]bool, len(q.Codes))
	for _, code := range q.Codes {
		codes[withoutDots(code)] = true
	}
	if wanted != "" {
		step.Limit = 1000
	}
	for seen := 0; seen < auditSearch; seen += step.Limit {
		list, err := r.Audit(step)
		if err != nil {
			return AuditPage{}, err
		}
		for _, e := range list {
			step.Before = e.ID
			email := auditEmail(r, emails, e.Account)
			if wanted != "" && !codes[withoutDots(e.Action)] && !codes[e.Via] &&
				!strings.Contains(strings.ToLower(strings.Join([]string{email, e.Via, e.Remote, e.Action, e.Object, e.Detail}, "\n")), wanted) {
				continue
			}
			if email != "" {
				page.Emails[e.Account] = email
			}
			if page.Entries = append(page.Entries, e); len(page.Entries) == q.Limit {
				page.Next = e.ID
				return page, nil
			}
		}
		if len(list) < step.Limit {
			return page, nil
		}
	}
	page.Next, page.SearchedTo = step.Before, time.UnixMicro(step.Before).UTC()
	return page, nil
}

// withoutDots is a code as catalogues of words have it: instance_create.
func withoutDots(code string) string { return strings.ReplaceAll(code, ".", "_") }

// auditEmail is how an account is called, "" where it is gone; known keeps what was asked for before.
func auditEmail(r Reader, known map[string]string, id string) string {
	name, ok := known[id]
	if !ok && id != "" {
		if a, err := r.Account(id); err == nil {
			name = a.Title()
		}
		known[id] = name
	}
	return name
}
