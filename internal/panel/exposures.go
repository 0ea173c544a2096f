package panel

import (
	"context"
	"time"

	"tsunagi/internal/account"
)

// exposureBody says that a password came in clear.
type exposureBody struct {
	User     string    `json:"user"`
	Remote   string    `json:"remote" doc:"Address that it came from last"`
	ClientID string    `json:"client_id" doc:"Client id that came with it"`
	Times    int       `json:"times" doc:"At most one a minute is counted"`
	FirstAt  time.Time `json:"first_at"`
	LastAt   time.Time `json:"last_at"`
}

func showExposure(e account.Exposure) exposureBody {
	return exposureBody{e.User, e.Remote, e.Client, e.Times, e.FirstAt, e.LastAt}
}

func (p *Panel) listExposures(ctx context.Context, in *WithID) (*answer[page[exposureBody]], error) {
	list, err := p.o.Accounts.Exposures(ctx, actor(ctx), in.ID)
	return reply(pageOf(list, showExposure)), err
}
