package panel

import (
	"bytes"
	"context"

	"tsunagi/internal/account"
	"tsunagi/internal/metrics"
)

type metricsInput struct {
	WithID
	Authorization string `header:"Authorization" maxLength:"256" doc:"Bearer and the instance's metrics token, or an API token"`
}

type metricsOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// getMetrics answers a scrape, by the instance's own token or by whoever may read the instance.
func (p *Panel) getMetrics(ctx context.Context, in *metricsInput) (*metricsOutput, error) {
	var i account.Instance
	var err error
	if by := actor(ctx); by.Account.ID != "" || by.Operator {
		i, err = p.o.Accounts.Instance(ctx, by, in.ID)
	} else {
		const head = "Bearer "
		token := in.Authorization
		if len(token) > len(head) && bytes.EqualFold([]byte(token[:len(head)]), []byte(head)) {
			token = token[len(head):]
		}
		i, err = p.o.Accounts.InstanceByMetricsToken(ctx, in.ID, token)
	}
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if p.o.Metrics != nil {
		if _, err := p.o.Metrics(i.ID).WriteTo(&b); err != nil {
			return nil, err
		}
	}
	return &metricsOutput{metrics.ContentType, b.Bytes()}, nil
}

type metricsTokenBody struct {
	Token string `json:"token" doc:"Shown in this answer only"`
	URL   string `json:"url" doc:"Where metrics are read with it"`
}

func (p *Panel) mintMetricsToken(ctx context.Context, in *WithID) (*answer[metricsTokenBody], error) {
	token, err := p.o.Accounts.MintMetricsToken(ctx, actor(ctx), in.ID)
	return reply(metricsTokenBody{token, p.o.Endpoints.PanelURL + "/api/v1/instances/" + in.ID + "/metrics"}), err
}

func (p *Panel) dropMetricsToken(ctx context.Context, in *WithID) (*nothing, error) {
	return nil, p.o.Accounts.DropMetricsToken(ctx, actor(ctx), in.ID)
}
