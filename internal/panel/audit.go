package panel

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/account"
)

type auditBody struct {
	ID     string    `json:"id"`
	Time   time.Time `json:"time"`
	Email  string    `json:"email,omitempty" doc:"Who; empty for the server's console"`
	Via    string    `json:"via" doc:"panel, token, admin, device, billing (Stripe), server (by itself, such as a name whose proof is gone), or flow and the name of a flow server"`
	Remote string    `json:"remote,omitempty" doc:"Address"`
	Action string    `json:"action" example:"instance.create"`
	Object string    `json:"object,omitempty" doc:"What it was done to"`
	Detail string    `json:"detail,omitempty"`
}

// auditPage is one page of the audit.
type auditPage struct {
	Items      []auditBody `json:"items"`
	Total      int         `json:"total" doc:"How many are on this page"`
	Next       string      `json:"next" doc:"before of the next page; empty on the last"`
	SearchedTo *time.Time  `json:"searched_to,omitempty" doc:"The search has looked at as many entries as one may, back to then: next goes on with older ones"`
}

func (p *Panel) listAudit(ctx context.Context, in *struct {
	All      bool   `query:"all" doc:"Of everybody, for the owner"`
	Instance string `query:"instance" maxLength:"64" doc:"About one instance"`
	Query    string `query:"query" maxLength:"256" doc:"Part of who, how, address, action, thing or detail; case is ignored"`
	Codes    string `query:"codes" maxLength:"8192" doc:"Actions such as instance.create and ways (via) such as panel, separated by commas: their entries match the query, too. Dots may be written as _"`
	Before   int64  `query:"before" minimum:"0" doc:"Entries older than this id"`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000"`
}) (*answer[auditPage], error) {
	q := account.AuditQuery{Object: in.Instance, Contains: in.Query, Codes: strings.Split(in.Codes, ","), Before: in.Before, Limit: in.Limit}
	found, err := p.o.Accounts.Audit(ctx, actor(ctx), q, in.All)
	list := pageOf(found.Entries, func(e account.AuditEntry) auditBody {
		return auditBody{strconv.FormatInt(e.ID, 10), e.Time, found.Emails[e.Account], e.Via, e.Remote, e.Action, e.Object, e.Detail}
	})
	out := auditPage{Items: list.Items, Total: list.Total}
	if found.Next != 0 {
		out.Next = strconv.FormatInt(found.Next, 10)
	}
	if !found.SearchedTo.IsZero() {
		out.SearchedTo = &found.SearchedTo
	}
	return reply(out), err
}
