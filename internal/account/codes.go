package account

import (
	"context"
	"crypto/sha256"
	"time"
)

// codeLife is how long a single-use code for a flow server's editor can be exchanged.
const codeLife = 20 * time.Second

// code lets a browser into the editor of a flow server or a device.
type code struct {
	server  string
	session [32]byte
	browser [32]byte
}

// maxCodes bounds the codes of one session, and of all together to 1,000 times that.
const maxCodes = 10

// FlowLogin is a person at the door of a flow server's editor. Session is for SessionAlive and SessionEnd.
type FlowLogin struct {
	Server  FlowServer
	Account Account
	Session [32]byte
}

// browserKey is what binds a code to the browser that asked for it. Addresses are no part of it: a browser may reach
// two names of one machine by different ones.
func browserKey(agent string) [32]byte { return sha256.Sum256([]byte(clip(agent))) }

// OpenFlowServer makes a code with which the browser of the actor's session enters the editor of a flow server.
func (s *Service) OpenFlowServer(ctx context.Context, by Actor, id string) (string, FlowServer, error) {
	f, err := s.AuditFlowServer(ctx, by, id, "flow_server.open")
	if err != nil {
		return "", FlowServer{}, err
	}
	token, err := s.newCode(by, f.ID)
	return token, f, err
}

// newCode makes a code for the editor of a flow server or a device.
func (s *Service) newCode(by Actor, server string) (string, error) {
	token := newToken()
	c := code{server, by.Session, browserKey(by.Agent)}
	if !s.codes.add(hashToken(token), ticket[code]{value: c, group: string(by.Session[:]), session: by.Session, ends: s.now().Add(codeLife)}, s.now()) {
		return "", &Error{Code: RateLimited, Key: "api.busy", Wait: codeLife}
	}
	return token, nil
}

// ExchangeFlowCode takes a code at the editor's origin of the flow server with that id. It works once, in the browser
// (judged by its User-Agent) that began, while that browser's session in the panel lives. Any other try also ends it.
func (s *Service) ExchangeFlowCode(ctx context.Context, server, token, agent string) (FlowLogin, error) {
	return s.exchangeCode(ctx, server, token, agent, func(r Reader, login *FlowLogin) (err error) {
		if login.Server, err = r.FlowServer(server); err == nil {
			_, _, err = mayEnter(r, login.Account.ID, login.Server.Owner, TeamMember)
		}
		return err
	})
}

// exchangeCode takes a code; mine says whether its person may still enter.
func (s *Service) exchangeCode(ctx context.Context, server, token, agent string, mine func(Reader, *FlowLogin) error) (FlowLogin, error) {
	refused := fail(Forbidden, "api.flow.code")
	c, ok := s.codes.take(hashToken(token), s.now())
	if !ok || c.server != server || c.browser != browserKey(agent) {
		return FlowLogin{}, refused
	}
	login := FlowLogin{Session: c.session}
	err := s.view(ctx, func(r Reader) error {
		b, err := r.BrowserSession(c.session)
		if err != nil {
			return err
		}
		if s.expired(b) {
			return refused
		}
		if login.Account, err = r.Account(b.Account); err != nil {
			return err
		}
		return mine(r, &login)
	})
	if err != nil {
		return FlowLogin{}, err
	}
	return login, nil
}
