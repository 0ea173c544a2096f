package account

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

// codeLife is how long a single-use code for a flow server's editor can be exchanged.
const codeLife = 20 * time.Second

// codes are the single-use codes that wait to be exchanged, by the hash of the code. They are not stored: a restart
// makes them void.
type codes struct {
	mu   sync.Mutex // guards wait
	wait map[[32]byte]code
}

type code struct {
	server  string
	session [32]byte
	browser [32]byte
	ends    time.Time
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
	if !s.codes.add(hashToken(token), code{server, by.Session, browserKey(by.Agent), s.now().Add(codeLife)}, s.now()) {
		return "", &Error{Code: RateLimited, Key: "api.busy", Wait: codeLife}
	}
	return token, nil
}

// ExchangeFlowCode takes a code at the editor's origin of the flow server with that id. It works once, in the browser
// (judged by its User-Agent) that began, while that browser's session in the panel lives. Any other try also ends it.
func (s *Service) ExchangeFlowCode(ctx context.Context, server, token, agent string) (FlowLogin, error) {
	return s.exchangeCode(ctx, server, token, agent, func(r Reader, login *FlowLogin) (err error) {
		login.Server, err = flowServerOf(r, Actor{Account: login.Account}, server)
		return err
	})
}

// exchangeCode takes a code; mine says whether its person may still enter.
func (s *Service) exchangeCode(ctx context.Context, server, token, agent string, mine func(Reader, *FlowLogin) error) (FlowLogin, error) {
	refused := fail(Forbidden, "api.flow.code")
	c, ok := s.codes.take(hashToken(token))
	if !ok || c.server != server || c.browser != browserKey(agent) || s.now().After(c.ends) {
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

func (c *codes) add(hash [32]byte, n code, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wait == nil {
		c.wait = map[[32]byte]code{}
	}
	same := 0
	for h, w := range c.wait {
		if now.After(w.ends) {
			delete(c.wait, h)
		} else if w.session == n.session {
			same++
		}
	}
	if same >= maxCodes || len(c.wait) >= 1000*maxCodes {
		return false
	}
	c.wait[hash] = n
	return true
}

func (c *codes) take(hash [32]byte) (code, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.wait[hash]
	delete(c.wait, hash)
	return n, ok
}

func (c *codes) look(hash [32]byte) (code, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.wait[hash]
	return n, ok
}

func (c *codes) endSession(hash [32]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for h, w := range c.wait {
		if w.session == hash {
			delete(c.wait, h)
		}
	}
}
