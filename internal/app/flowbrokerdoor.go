package app

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/gate"
	"tsunagi/internal/mqtt"
)

// lanDoor lets clients of the local network in, by the users of the local broker.
type lanDoor struct{ *lanBroker }

// Admit checks the login. Whatever is wrong, the client gets the same answer, and the log says which it was.
func (d lanDoor) Admit(ctx context.Context, h gate.Hello) (*broker.Broker, broker.Identity, error) {
	var none broker.Identity
	if h.ClientID == d.brokers.keep {
		return nil, none, &broker.Refusal{Reason: mqtt.ClientIdentifierNotValid, Words: "this client identifier is the bridge's"}
	}
	login, err := d.accounts.Directory().Authenticate(ctx, account.Credentials{
		Instance: lanInstance, User: h.User, Password: string(h.Password), ClientID: h.ClientID, Remote: h.Remote,
	})
	if refused, ok := errors.AsType[*account.Refusal](err); ok {
		answer := &broker.Refusal{Reason: mqtt.BadUserNameOrPassword, Words: "user name or password is wrong; the log of the device says more"}
		if refused.Busy {
			answer = &broker.Refusal{Reason: mqtt.ServerBusy, Words: "too many logins at once; try again in some seconds"}
		}
		d.event(lanInstance, broker.Event{Kind: "refused", Client: h.ClientID, User: h.User, Remote: h.Remote, Gate: "login",
			Cause: refused.Cause, Reason: answer.Reason})
		return nil, none, answer
	}
	if err != nil {
		return nil, none, err
	}
	b, err := d.brokers.get(ctx, lanInstance)
	if err != nil {
		return nil, none, err
	}
	return b, broker.Identity{User: login.User, Rights: rights{login.Rights}, Until: login.Until, Most: login.Most}, nil
}

// event writes what a person may have to look into to the log of the flow server, which the panel shows.
func (b *lanBroker) event(_ string, e broker.Event) {
	switch {
	case e.Gate == "bridge": // it is told already
	case e.Kind == "connected" || e.Kind == "disconnected":
		b.log.Debug("client", "kind", e.Kind, "client", e.Client, "user", e.User, "remote", e.Remote)
	case b.refusals.news(e, time.Now()):
		b.log.Info("client", "kind", e.Kind, "client", e.Client, "user", e.User, "remote", e.Remote, "topic", e.Topic, "gate", e.Gate, "cause", e.Cause)
	}
}

// refusals keep one device that tries the same again and again from filling the log.
type refusals struct {
	mu   sync.Mutex
	seen map[string]time.Time // guarded by mu: when it was told last
}

const (
	refusalPause = time.Minute
	maxRefusals  = 256 // that are remembered; beyond it everything is forgotten once
)

// news says whether an event was not told within the last minute.
func (r *refusals) news(e broker.Event, now time.Time) bool {
	host, _, err := net.SplitHostPort(e.Remote)
	if err != nil {
		host = e.Remote
	}
	key := e.Kind + "\x00" + e.Client + "\x00" + e.User + "\x00" + host + "\x00" + e.Gate + "\x00" + e.Cause
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.seen[key]; ok && now.Sub(last) < refusalPause {
		return false
	}
	if r.seen == nil || len(r.seen) >= maxRefusals {
		r.seen = map[string]time.Time{}
	}
	r.seen[key] = now
	return true
}
