package panel

import (
	"context"
	"strconv"
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

func (p *Panel) listAudit(ctx context.Context, in *struct {
	All      bool   `query:"all" doc:"Of everybody, for the owner"`
	Instance string `query:"instance" maxLength:"64" doc:"About one instance"`
	Before   int64  `query:"before" minimum:"0" doc:"Entries older than this id"`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000"`
}) (*answer[page[auditBody]], error) {
	q := account.AuditQuery{Object: in.Instance, Before: in.Before, Limit: in.Limit}
	list, emails, err := p.o.Accounts.Audit(ctx, actor(ctx), q, in.All)
	out := pageOf(list, func(e account.AuditEntry) auditBody {
		return auditBody{strconv.FormatInt(e.ID, 10), e.Time, emails[e.Account], e.Via, e.Remote, e.Action, e.Object, e.Detail}
	})
	if len(list) > 0 && len(list) == account.PageSize(in.Limit) {
		out.Next = strconv.FormatInt(list[len(list)-1].ID, 10)
	}
	return reply(out), err
}
