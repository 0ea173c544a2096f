package admin

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"tsunagi/internal/account"
)

// Hooks carry out webhooks and rules. The entries themselves are package account's.
type Hooks interface {
	State(instance, id string) HookState
	// Try carries a hook out once with a made-up event.
	Try(ctx context.Context, h account.Hook, e HookSample) (HookTried, error)
	// Again tries a dead letter once more; the error is in words.
	Again(ctx context.Context, h account.Hook, d account.DeadLetter) error
}

// HookState is how a hook is.
type HookState struct {
	State     string // "": it doesn't run
	Queued    int
	LastError string
}

// HookSample is a made-up event.
type HookSample struct {
	ID, Type, Topic, Client string
	Payload                 []byte
	Time                    time.Time
}

// HookTried is how a test went.
type HookTried struct {
	Done  bool
	Cause string // why not, in words
	Took  int64  // ms
	Topic string // that was published to
	Body  string // that was sent
}

// OnHooks says who carries hooks out; it comes before Start. Without it there are none here.
func (s *Server) OnHooks(h Hooks) { s.hooks = h }

// hookRoutes are the routes about webhooks and rules.
func (s *Server) hookRoutes(mux *http.ServeMux) {
	on := func(pattern string, f func(*http.Request) (any, error)) {
		mux.Handle(pattern, s.answer(func(r *http.Request) (any, error) {
			if s.hooks == nil {
				return nil, &account.Error{Code: account.NotFound, Key: "api.not_found"}
			}
			return f(r)
		}))
	}
	on("GET /instances/{id}/hooks", s.listHooks)
	on("POST /instances/{id}/hooks", s.createHook)
	on("PATCH /instances/{id}/hooks/{hook}", s.setHook)
	on("DELETE /instances/{id}/hooks/{hook}", s.deleteHook)
	on("POST /instances/{id}/hooks/{hook}/secret", s.rotateHook)
	on("POST /instances/{id}/hooks/{hook}/test", s.testHook)
	on("GET /instances/{id}/hooks/{hook}/dead-letters", s.listDeadLetters)
	on("POST /instances/{id}/hooks/{hook}/dead-letters/retry", s.retryDeadLetters)
	on("POST /instances/{id}/hooks/{hook}/dead-letters/discard", s.discardDeadLetters)
}

// showHook is a hook with its state.
func (s *Server) showHook(ctx context.Context, h account.Hook, secret string) (hookShape, error) {
	out := hookShape{ID: h.ID, Name: h.Name, Enabled: h.Enabled, Events: h.Events, Filter: h.Filter, Client: h.Client, Condition: h.Condition, Action: h.Action,
		URL: h.URL, Topic: h.Topic, Template: h.Template, QoS: h.QoS, Retain: h.Retain, MailTo: h.MailTo, CreatedAt: h.CreatedAt, Secret: secret}
	if out.MailTo == nil {
		out.MailTo = []string{}
	}
	state := s.hooks.State(h.Instance, h.ID)
	out.State, out.Queued, out.LastError = state.State, state.Queued, state.LastError
	if !h.Enabled {
		out.State, out.LastError = "off", ""
	} else if out.State == "" {
		out.State = "waiting"
	}
	var err error
	out.DeadLetters, err = s.accounts.CountDeadLetters(ctx, h.Instance, h.ID)
	return out, err
}

func (s *Server) listHooks(r *http.Request) (any, error) {
	list, err := s.accounts.Hooks(r.Context(), actor(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	out := []hookShape{}
	for _, h := range list {
		one, err := s.showHook(r.Context(), h, "")
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func (s *Server) createHook(r *http.Request) (any, error) {
	in, err := decode[account.HookChange](r)
	if err != nil {
		return nil, err
	}
	h, secret, err := s.accounts.CreateHook(r.Context(), actor(), r.PathValue("id"), in)
	if err != nil {
		return nil, err
	}
	return s.showHook(r.Context(), h, secret)
}

func (s *Server) setHook(r *http.Request) (any, error) {
	in, err := decode[account.HookChange](r)
	if err != nil {
		return nil, err
	}
	h, secret, err := s.accounts.ChangeHook(r.Context(), actor(), r.PathValue("id"), r.PathValue("hook"), in)
	if err != nil {
		return nil, err
	}
	return s.showHook(r.Context(), h, secret)
}

func (s *Server) deleteHook(r *http.Request) (any, error) {
	return nil, s.accounts.DeleteHook(r.Context(), actor(), r.PathValue("id"), r.PathValue("hook"))
}

func (s *Server) rotateHook(r *http.Request) (any, error) {
	secret, err := s.accounts.RotateHook(r.Context(), actor(), r.PathValue("id"), r.PathValue("hook"))
	return secretShape{secret}, err
}

func (s *Server) testHook(r *http.Request) (any, error) {
	in, err := decode[hookSample](r)
	if err != nil {
		return nil, err
	}
	h, err := s.accounts.Hook(r.Context(), actor(), r.PathValue("id"), r.PathValue("hook"))
	if err != nil {
		return nil, err
	}
	switch account.HookEvent(in.Type) {
	case account.HookMessage, account.HookConnect, account.HookDisconnect, account.HookQuota:
	case "":
		in.Type = string(h.Events[0])
	default:
		return nil, &account.Error{Code: account.Invalid, Key: "api.hook.events"}
	}
	if err := s.accounts.AuditInstance(r.Context(), actor(), h.Instance, "hook.test", h.Name); err != nil {
		return nil, err
	}
	out, err := s.hooks.Try(r.Context(), h, HookSample{ID: rand.Text(), Type: in.Type, Topic: in.Topic, Client: in.Client, Payload: []byte(in.Payload), Time: time.Now().UTC()})
	return triedShape(out), err
}

func (s *Server) listDeadLetters(r *http.Request) (any, error) {
	out := []deadLetterShape{}
	q := account.DeadLetterQuery{Instance: r.PathValue("id"), Hook: r.PathValue("hook"), Limit: 1000} // as many as an instance has at most
	list, _, err := s.accounts.DeadLetters(r.Context(), actor(), q)
	for _, d := range list {
		out = append(out, deadLetterShape{ID: d.ID, Topic: d.Topic, Cause: d.Cause, Attempts: d.Attempts, CreatedAt: d.CreatedAt, Event: d.Body})
	}
	return out, err
}

func (s *Server) retryDeadLetters(r *http.Request) (any, error) {
	in, err := decode[someLetters](r)
	if err != nil {
		return nil, err
	}
	out, err := s.accounts.RetryDeadLetters(r.Context(), actor(), r.PathValue("id"), r.PathValue("hook"), in.IDs, s.hooks.Again)
	return retriedShape(out), err
}

func (s *Server) discardDeadLetters(r *http.Request) (any, error) {
	in, err := decode[someLetters](r)
	if err != nil {
		return nil, err
	}
	n, err := s.accounts.DropDeadLetters(r.Context(), actor(), r.PathValue("id"), r.PathValue("hook"), in.IDs)
	return countShape{n}, err
}
