package panel

import (
	"context"
	"net/url"
	"time"

	"tsunagi/internal/account"
)

type flowServerBody struct {
	ID        string    `json:"id"`
	Name      string    `json:"name" doc:"DNS label"`
	URL       string    `json:"url" doc:"Origin of the editor; sign in with open"`
	PagesURL  string    `json:"pages_url" doc:"Origin of what its flows offer over HTTP and WebSocket"`
	CreatedAt time.Time `json:"created_at"`
	FlowState
}

func (p *Panel) showFlowServer(f account.FlowServer) flowServerBody {
	return flowServerBody{f.ID, f.Name, p.o.Flows.EditorURL(f), p.o.Flows.PagesURL(f), f.CreatedAt, p.o.Flows.State(f)}
}

// flowsOff is the answer where this server runs no flow servers.
func (p *Panel) flowsOff() error {
	if p.o.Flows == nil {
		return &account.Error{Code: account.Forbidden, Key: "api.flow.off"}
	}
	return nil
}

func (p *Panel) listFlowServers(ctx context.Context, _ *empty) (*answer[page[flowServerBody]], error) {
	if p.o.Flows == nil {
		return reply(pageOf([]flowServerBody{}, func(f flowServerBody) flowServerBody { return f })), nil
	}
	list, err := p.o.Accounts.FlowServers(ctx, actor(ctx))
	return reply(pageOf(list, p.showFlowServer)), err
}

type createFlowServerInput struct {
	Body struct {
		Name string `json:"name" maxLength:"64" doc:"DNS label: small letters, digits and -"`
	}
}

func (p *Panel) createFlowServer(ctx context.Context, in *createFlowServerInput) (*answer[flowServerBody], error) {
	if err := p.flowsOff(); err != nil {
		return nil, err
	}
	f, err := p.o.Accounts.CreateFlowServer(ctx, actor(ctx), in.Body.Name)
	if err != nil {
		return nil, err
	}
	if err := p.o.Flows.Start(ctx, f); err != nil { // it is there: its state tells what is wrong
		p.o.Log.Warn("flow server not started", "flow_server", f.ID, "error", err)
	}
	return reply(p.showFlowServer(f)), nil
}

// flowServer reads one of the caller's.
func (p *Panel) flowServer(ctx context.Context, id string) (account.FlowServer, error) {
	if err := p.flowsOff(); err != nil {
		return account.FlowServer{}, err
	}
	return p.o.Accounts.FlowServer(ctx, actor(ctx), id)
}

func (p *Panel) getFlowServer(ctx context.Context, in *WithID) (*answer[flowServerBody], error) {
	f, err := p.flowServer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return reply(p.showFlowServer(f)), nil
}

// deleteFlowServer removes the process and its directory before the entry: what is listed no more must not run.
func (p *Panel) deleteFlowServer(ctx context.Context, in *WithID) (*nothing, error) {
	f, err := p.flowServer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := p.o.Flows.Remove(ctx, f); err != nil {
		return nil, err
	}
	return nil, p.o.Accounts.DeleteFlowServer(ctx, actor(ctx), in.ID)
}

func (p *Panel) restartFlowServer(ctx context.Context, in *WithID) (*answer[flowServerBody], error) {
	if err := p.flowsOff(); err != nil {
		return nil, err
	}
	f, err := p.o.Accounts.AuditFlowServer(ctx, actor(ctx), in.ID, "flow_server.restart")
	if err != nil {
		return nil, err
	}
	if err := p.o.Flows.Restart(ctx, f); err != nil {
		return nil, err
	}
	return reply(p.showFlowServer(f)), nil
}

type openBody struct {
	URL string `json:"url" doc:"Works once, within 20 seconds, in this browser"`
}

func (p *Panel) openFlowServer(ctx context.Context, in *WithID) (*answer[openBody], error) {
	f, err := p.flowServer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if state := p.o.Flows.State(f).State; state != "running" && state != "starting" {
		return nil, &account.Error{Code: account.Conflict, Key: "api.flow.stopped"}
	}
	code, _, err := p.o.Accounts.OpenFlowServer(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return reply(openBody{p.o.Flows.EditorURL(f) + "?code=" + url.QueryEscape(code)}), nil
}
