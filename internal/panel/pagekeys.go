package panel

import (
	"context"
	"time"

	"tsunagi/internal/account"
)

type pageKeyBody struct {
	Key         string     `json:"key" doc:"It stands in pages for everybody to read, and can be read again here"`
	Name        string     `json:"name"`
	Publish     []string   `json:"publish" nullable:"false" doc:"Filters of what its pages may publish"`
	Subscribe   []string   `json:"subscribe" nullable:"false" doc:"Filters of what its pages may subscribe to"`
	Origins     []string   `json:"origins" nullable:"false" doc:"Of pages that may use it"`
	Connections int        `json:"connections" doc:"At a time"`
	URL         string     `json:"url" doc:"Address for MQTT over WebSocket, without user name and password"`
	CreatedAt   time.Time  `json:"created_at"`
	ExpiresAt   *time.Time `json:"expires_at,omitempty"`
}

func (p *Panel) showPageKey(k account.PublishableKey) pageKeyBody {
	some := func(list []string) []string { return append([]string{}, list...) }
	return pageKeyBody{k.Key(), k.Name, some(k.Publish), some(k.Subscribe), some(k.Origins), k.Connections,
		webSocketURL(p.o.Endpoints.PanelURL) + "/mqtt/" + k.Instance + "?key=" + k.Key(), k.CreatedAt, moment(k.ExpiresAt)}
}

func (p *Panel) listPageKeys(ctx context.Context, in *WithID) (*answer[page[pageKeyBody]], error) {
	list, err := p.o.Accounts.PublishableKeys(ctx, actor(ctx), in.ID)
	return reply(pageOf(list, p.showPageKey)), err
}

type createPageKeyInput struct {
	WithID
	Body struct {
		Name        string   `json:"name" maxLength:"256" example:"Shop window"`
		Publish     []string `json:"publish,omitempty" maxItems:"100" doc:"Filters that begin with a name" example:"[\"shop/votes\"]"`
		Subscribe   []string `json:"subscribe,omitempty" maxItems:"100" doc:"Filters that begin with a name" example:"[\"shop/#\"]"`
		Origins     []string `json:"origins" maxItems:"100" example:"[\"https://www.example.org\"]"`
		Connections int      `json:"connections,omitempty" doc:"At a time; 0: 10"`
		Days        int      `json:"days,omitempty" doc:"Days until it expires; 0: never"`
	}
}

func (p *Panel) createPageKey(ctx context.Context, in *createPageKeyInput) (*answer[pageKeyBody], error) {
	k, err := p.o.Accounts.CreatePublishableKey(ctx, actor(ctx), in.ID, account.NewPublishableKey(in.Body))
	return reply(p.showPageKey(k)), err
}

func (p *Panel) deletePageKey(ctx context.Context, in *OneThing) (*nothing, error) {
	return nil, p.o.Accounts.DeletePublishableKey(ctx, actor(ctx), in.ID, in.Thing)
}
