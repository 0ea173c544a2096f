package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"tsunagi/internal/account"
	"tsunagi/internal/hosted"
	"tsunagi/internal/panel"
)

// openFlows makes the manager of the hosted flow servers. Without a name for their origins (an address as domain)
// there are none, and behind a proxy only where it serves their names.
func (c *cloud) openFlows() (err error) {
	if c.doors.https == nil && !(c.cfg.BehindProxy && c.cfg.ProxyFlows) || net.ParseIP(c.cfg.Domain) != nil {
		return nil
	}
	var ca []byte
	if c.authority != nil {
		ca = c.authority.PEM()
	}
	c.flows, err = hosted.New(hosted.Options{
		Dir: c.cfg.Data, Zone: ".flows." + c.cfg.Domain, Port: number(c.publicPort()), Panel: c.panelURL(),
		CA: ca, Brokers: c.brokerAddresses(), Allow: []netip.Prefix{}, Log: c.log, LogLevel: c.cfg.Log.Level,
		Exchange: c.exchange, SessionAlive: c.sessionAlive, SessionEnd: c.sessionEnd, Instances: c.flowInstances, Credential: c.flowCredential,
	})
	return err
}

// brokerAddresses are what flows may always dial: this server's own MQTT, by every name it has.
func (c *cloud) brokerAddresses() (list []string) {
	port := c.doors.port(c.doors.mqtts)
	if port == "" {
		return nil
	}
	for _, name := range append([]string{c.cfg.Domain, "*." + c.cfg.Domain, "localhost", "127.0.0.1", "::1"}, c.cfg.Names...) {
		list = append(list, net.JoinHostPort(name, port))
	}
	return list
}

// exchange says who a single-use code of the panel stands for.
func (c *cloud) exchange(ctx context.Context, server, code, agent string) (hosted.Person, error) {
	login, err := c.accounts.ExchangeFlowCode(ctx, server, code, agent)
	if err != nil {
		return hosted.Person{}, err
	}
	return hosted.Person{Name: login.Account.Email, Scope: "*", Session: hex.EncodeToString(login.Session[:]) + "." + server}, nil
}

func (c *cloud) sessionAlive(ctx context.Context, session string) (bool, error) {
	hash, server, err := sessionHash(session)
	if err != nil {
		return false, err
	}
	return c.accounts.EditorAlive(ctx, hash, account.Thing{Kind: account.ThingFlowServer, ID: server})
}

func (c *cloud) sessionEnd(session string) (<-chan struct{}, func()) {
	hash, _, err := sessionHash(session)
	if err != nil {
		ended := make(chan struct{})
		close(ended)
		return ended, func() {}
	}
	return c.accounts.SessionEnd(hash)
}

// sessionHash reads what exchange made: a session in the panel, and the flow server whose editor it opened.
func sessionHash(text string) (hash [32]byte, server string, err error) {
	digits, server, ok := strings.Cut(text, ".")
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != len(hash) || !ok {
		return hash, "", fmt.Errorf("session %q: want 64 hex digits, a dot and a flow server", text)
	}
	return [32]byte(raw), server, nil
}

// startFlows starts every flow server that the accounts have.
func (c *cloud) startFlows(ctx context.Context) error {
	var list []account.FlowServer
	err := c.kept.View(ctx, func(r account.Reader) error {
		all, err := r.FlowServers("")
		for _, f := range all {
			owner, err := r.Account(f.Owner)
			if err != nil {
				return err
			}
			if owner.SuspendedAt.IsZero() {
				list = append(list, f)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range list {
		if err := c.panelFlows().Start(ctx, f); err != nil {
			c.log.Error("flow server not started", "name", f.Name, "error", err)
		}
	}
	return nil
}

// panelFlows shows the hosted flow servers to the panel; nil where there are none.
func (c *cloud) panelFlows() panel.FlowServers {
	if c.flows == nil {
		return nil
	}
	return panelFlows{c.flows, c.flowPlan}
}

// flowPlan is the plan whose bounds a flow server has.
func (c *cloud) flowPlan(ctx context.Context, f account.FlowServer) (account.Plan, error) {
	var owner account.Account
	err := c.kept.View(ctx, func(r account.Reader) (err error) {
		owner, err = r.Account(f.Owner)
		return err
	})
	return c.accounts.FlowPlan(owner), err
}

type panelFlows struct {
	*hosted.Manager
	plan func(context.Context, account.FlowServer) (account.Plan, error)
}

func (p panelFlows) Start(ctx context.Context, f account.FlowServer) error {
	plan, err := p.plan(ctx, f)
	if err != nil {
		return err
	}
	return p.Manager.Start(hosted.Server{ID: f.ID, Name: f.Name, MemoryMB: plan.FlowMemoryMB, CPU: plan.FlowCPUPercent})
}

func (p panelFlows) Restart(ctx context.Context, f account.FlowServer) error {
	err := p.Manager.Restart(ctx, f.ID)
	if errors.Is(err, hosted.ErrUnknown) {
		return p.Start(ctx, f)
	}
	return err
}

func (p panelFlows) Stop(ctx context.Context, f account.FlowServer) error {
	err := p.Manager.Stop(ctx, f.ID)
	if errors.Is(err, hosted.ErrUnknown) {
		return nil
	}
	return err
}

func (p panelFlows) Remove(ctx context.Context, f account.FlowServer) error {
	return p.Manager.Remove(ctx, f.ID)
}

func (p panelFlows) State(f account.FlowServer) panel.FlowState {
	return panel.FlowState(p.Status(f.ID))
}

func (p panelFlows) PagesURL(f account.FlowServer) string { return p.Manager.PagesURL(f.Name) }

func (p panelFlows) EditorURL(f account.FlowServer) string { return p.Manager.EditorURL(f.Name) }
