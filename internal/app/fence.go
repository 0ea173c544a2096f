package app

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/gate"
	"tsunagi/internal/mqtt"
)

// barredWords is what a client is told whose address may not come; more is in the instance's log.
const barredWords = "clients may not connect from this address; the instance's log says more"

// barred turns away who comes from an address that may not, before anything else is judged; nil: they may. The panel's
// web client is spared: whoever is signed in there could change the rules.
func (d *door) barred(instance, user string, h gate.Hello) error {
	if user == account.WebUser {
		return nil
	}
	why := d.directory.Barred(instance, h.Remote)
	if why == nil {
		return nil
	}
	out := evictionOf(why)
	if why.Ban {
		d.directory.TurnedAway(instance, h.Remote)
	}
	if n, ok := d.told.once(instance, h.Remote); ok {
		cause := out.Cause
		if n > 0 {
			cause = fmt.Sprintf("%s (and %d more since the last such line)", cause, n)
		}
		d.record(instance, broker.Event{Kind: "refused", Client: h.ClientID, User: h.User, Remote: h.Remote, Gate: out.Gate, Rule: out.Rule,
			Cause: cause, Reason: out.Reason})
	}
	return &broker.Refusal{Reason: out.Reason, Words: out.ClientWords}
}

func evictionOf(why *account.Barred) *broker.Eviction {
	out := &broker.Eviction{Reason: mqtt.NotAuthorized, Gate: "address", Rule: why.Rule, Cause: why.Cause, ClientWords: barredWords}
	if why.Ban {
		out.Reason, out.Gate = mqtt.Banned, "ban"
	}
	return out
}

// evict judges a connected client anew. Who has logged in stays when a ban comes by itself: somebody else behind the
// same address may be the one who guesses.
func (d *door) evict(instance string) func(remote string) *broker.Eviction {
	return func(remote string) *broker.Eviction {
		why := d.directory.Barred(instance, remote)
		if why == nil || why.Automatic {
			return nil
		}
		return evictionOf(why)
	}
}

// paced turns away a client that is one too many in a minute. Only good logins count, so that a stranger uses nothing
// of it up.
func (d *door) paced(login *account.Login, h gate.Hello) error {
	if login.Web {
		return nil
	}
	ok, most := d.directory.Paced(login.Instance.ID)
	if ok {
		return nil
	}
	d.record(login.Instance.ID, broker.Event{Kind: "refused", Client: h.ClientID, User: h.User, Remote: h.Remote, Gate: "limits", Rule: "connect_rate",
		Cause:  fmt.Sprintf("more than %d clients log in in a minute: raise the bound on the addresses page, or find out which client connects again and again", most),
		Reason: mqtt.ConnectionRateExceeded})
	return &broker.Refusal{Reason: mqtt.ConnectionRateExceeded, Words: "too many clients of this instance connect at once; come again in some seconds"}
}

// Bounds of told.
const (
	toldEvery = time.Minute
	toldMost  = 10_000 // addresses; then all are told anew
)

// told keeps the refusals of one address from filling a log: one line a minute stands for all of them.
type told struct {
	mu   sync.Mutex
	last map[toldKey]*toldLine
}

type toldKey struct {
	instance string
	address  netip.Addr // an IPv6 peer has a whole /64 to choose from
}

type toldLine struct {
	at   time.Time
	more int // refusals since
}

// once says whether a line is due, and how many refusals went without one.
func (t *told) once(instance, remote string) (more int, due bool) {
	key := toldKey{instance: instance}
	if with, err := netip.ParseAddrPort(remote); err == nil {
		key.address = with.Addr().Unmap().WithZone("")
		if p, err := key.address.Prefix(64); err == nil && key.address.Is6() {
			key.address = p.Addr()
		}
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	line := t.last[key]
	if line != nil && now.Sub(line.at) < toldEvery {
		line.more++
		return 0, false
	}
	if line != nil {
		more = line.more
	} else if t.last == nil || len(t.last) >= toldMost {
		t.last = map[toldKey]*toldLine{}
	}
	t.last[key] = &toldLine{at: now}
	return more, true
}
