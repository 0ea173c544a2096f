package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/gate"
	"tsunagi/internal/mqtt"
)

// door lets clients in by the logins of the accounts.
type door struct {
	directory *account.Directory
	brokers   *brokers
	journal   *account.Journal
	tripwire  *tripwire
	pages     pageLogins
	told      told
}

// Admit finds the instance and checks the login. Whatever is wrong, instance, user or password, the client gets the
// same answer; the log says which it was.
func (d *door) Admit(ctx context.Context, h gate.Hello) (*broker.Broker, broker.Identity, error) {
	var none broker.Identity
	instance, user := d.resolve(h)
	if err := d.barred(instance, user, h); err != nil {
		return nil, none, err
	}
	login, err := d.directory.Authenticate(ctx, account.Credentials{
		Instance: instance, User: user, Password: string(h.Password), ClientID: h.ClientID, Remote: h.Remote,
		Certificates: h.Certificates, Key: h.Key, Origin: h.Origin,
	})
	var refused *account.Refusal
	if errors.As(err, &refused) {
		answer := &broker.Refusal{Reason: mqtt.BadUserNameOrPassword, Words: "user name, password or certificate is wrong; the instance's log says more"}
		if refused.Busy {
			answer = &broker.Refusal{Reason: mqtt.ServerBusy, Words: "too many logins at once; try again in some seconds"}
		}
		if refused.Closed {
			answer = &broker.Refusal{Reason: mqtt.Banned, Words: refused.Cause}
		}
		d.record(refused.Instance, broker.Event{Kind: "refused", Client: h.ClientID, User: h.User, Remote: h.Remote,
			Gate: "login", Cause: refused.Cause, Reason: answer.Reason})
		if b := refused.Banned; b != nil && refused.Instance != "" {
			d.record(refused.Instance, broker.Event{Kind: "banned", Client: h.ClientID, User: h.User, Remote: h.Remote, Gate: "ban", Reason: mqtt.Banned,
				Rule: b.Rule(), Cause: b.Cause()})
		}
		return nil, none, answer
	}
	if err != nil {
		return nil, none, err
	}
	if err := d.paced(login, h); err != nil {
		return nil, none, err
	}
	if e, ok := d.pages.notice(h, login, time.Now()); ok {
		d.record(login.Instance.ID, e)
	}
	b, err := d.brokers.get(ctx, login.Instance.ID)
	if err != nil {
		return nil, none, err
	}
	who := broker.Identity{User: login.User, Rights: rights{login.Rights}, Web: login.Web, Until: login.Until, Most: login.Most}
	if !login.Web {
		remote := h.Remote // without the rest of h, which would be kept with it
		who.Again = func() *broker.Eviction { return d.evict(instance)(remote) }
	}
	return b, who, nil
}

// checkPage judges the publishable key of a WebSocket's address, with the origin of the page, at the handshake.
func (d *door) checkPage(r *http.Request) error {
	if !r.URL.Query().Has("key") {
		return nil
	}
	h := gate.Hello{Host: r.Host, Key: r.URL.Query().Get("key"), Origin: r.Header.Get("Origin"), Remote: r.RemoteAddr}
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		h.Host = host
	}
	h.Instance = strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/mqtt"), "/")
	instance, _ := d.resolve(h)
	if d.barred(instance, "", h) != nil {
		return errPage
	}
	_, _, err := d.directory.CheckPublishableKey(r.Context(), instance, h.Key, h.Origin)
	refused, ok := errors.AsType[*account.Refusal](err)
	if !ok {
		return err
	}
	d.record(refused.Instance, broker.Event{Kind: "refused", User: refused.User, Remote: h.Remote, Gate: "listener", Rule: "publishable key",
		Cause: refused.Cause, Reason: mqtt.NotAuthorized})
	return errPage
}

var errPage = errors.New("This key does not let this page in: the instance's log says why.")

func (d *door) resolve(h gate.Hello) (instance, user string) {
	w := account.Where{Host: h.Host, User: h.User}
	if h.Instance != "" {
		w.Path = "/mqtt/" + h.Instance
	}
	return d.directory.Resolve(w)
}

// refused records a connection that was turned away before its login was looked at, in the log of the instance that
// it seems to mean if there is one.
func (d *door) refused(exists func(instance string) bool) func(gate.Hello, broker.Event) {
	return func(h gate.Hello, e broker.Event) {
		instance, user := d.resolve(h)
		if instance != "" && !exists(instance) {
			instance = ""
		}
		if e.Reason == mqtt.UseAnotherServer && d.directory.Barred(instance, h.Remote) == nil {
			d.tripwire.offer(instance, user, h)
		}
		d.record(instance, e)
	}
}

// record writes an event into the log of an instance, or the operator's ("").
func (d *door) record(instance string, e broker.Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	d.journal.Add(account.LogLine{
		Instance: instance, Time: e.Time, Kind: e.Kind, Client: e.Client, User: e.User, Remote: e.Remote,
		Topic: e.Topic, Gate: e.Gate, Rule: e.Rule, Cause: e.Cause, Reason: byte(e.Reason),
	})
}

// openDoor lets everybody in: the door of --dev.
type openDoor struct{ brokers *brokers }

// devInstance is the one instance of --dev.
const devInstance = "dev"

func (d openDoor) Admit(ctx context.Context, h gate.Hello) (*broker.Broker, broker.Identity, error) {
	b, err := d.brokers.get(ctx, devInstance)
	return b, broker.Identity{User: h.User, Rights: openRights{}}, err
}
