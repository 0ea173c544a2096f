package app

import (
	"context"
	"log/slog"
	"sync"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
)

// rights shows an account's rights to the broker.
type rights struct{ *account.Rights }

func (r rights) MayPublish(topic, clientID string, qos byte, retain bool) broker.Verdict {
	return broker.Verdict(r.Rights.MayPublish(topic, clientID, qos, retain))
}

func (r rights) MaySubscribe(filter, clientID string) broker.Verdict {
	return broker.Verdict(r.Rights.MaySubscribe(filter, clientID))
}

func (r rights) MayReceive(topic, clientID string) broker.Verdict {
	return broker.Verdict(r.Rights.MayReceive(topic, clientID))
}

// openRights are everybody's in --dev: all but what no broker allows.
type openRights struct{}

var allowed = broker.Verdict{Allowed: true, Rule: "dev allows everything"}

func (openRights) Generation() uint64 { return 1 }

func (openRights) MayPublish(topic, _ string, _ byte, _ bool) broker.Verdict {
	if len(topic) > 0 && topic[0] == '$' {
		return broker.Verdict{Rule: "topics that begin with $ are read-only"}
	}
	return allowed
}

func (openRights) MaySubscribe(string, string) broker.Verdict { return allowed }
func (openRights) MayReceive(string, string) broker.Verdict   { return allowed }

// awayRights remembers the rights of users who need not be connected, so that a replay of many retained messages
// doesn't read the store for each. What was revoked is read again.
type awayRights struct {
	directory *account.Directory
	log       *slog.Logger

	mu    sync.Mutex // guards known
	known map[awayUser]rights
}

type awayUser struct{ instance, user string }

// maxAway bounds awayRights; beyond it everything is forgotten once.
const maxAway = 10_000

// of is the broker's question. A store that fails answers no: nothing is allowed by mistake.
func (a *awayRights) of(instance, user string) (broker.Rights, bool) {
	key := awayUser{instance, user}
	a.mu.Lock()
	have, ok := a.known[key]
	a.mu.Unlock()
	if ok && !have.Revoked() {
		return have, true
	}
	r, connect, err := a.directory.RightsOf(context.Background(), instance, user)
	if err != nil {
		a.log.Warn("rights of a user can't be read", "instance", instance, "user", user, "error", err)
	}
	if err != nil || r == nil {
		return nil, false
	}
	if connect {
		a.mu.Lock()
		if a.known == nil || len(a.known) >= maxAway {
			a.known = map[awayUser]rights{}
		}
		a.known[key] = rights{r}
		a.mu.Unlock()
	}
	return rights{r}, connect
}
