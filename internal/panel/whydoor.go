package panel

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"tsunagi/internal/account"
)

// hostAddress is an address without its port; "" for what is none.
func hostAddress(text string) string {
	text = strings.TrimSpace(text)
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().Unmap().String()
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	return addr.Unmap().String()
}

// tls says how the client came, or last tried to come.
func (a *asking) tls(ctx context.Context) (bool, error) {
	e := a.p.o.Endpoints
	if s := a.session; s != nil && s.Connected {
		if s.TLS == "" {
			return a.say("tls", true, "", "", "api.why.tls_elsewhere", "via", s.Via), nil
		}
		return a.say("tls", true, "", "", "api.why.tls_on", "via", s.Via, "tls", s.TLS), nil
	}
	for _, l := range a.seen {
		if l.Kind == "connected" {
			break
		}
		if l.Gate == "listener" && l.Rule == "TLS required" {
			return a.say("tls", false, l.Rule, "", "api.why.tls_clear", "when", moments(l.Time), "server", e.Server, "port", e.SSLPort), nil
		}
	}
	l, err := a.p.o.Accounts.Logins(ctx, actor(ctx), a.instance.ID)
	if err != nil {
		return false, err
	}
	if l.Certificate == account.CertificateRequired {
		return a.say("tls", true, "certificate", "/logins", "api.why.tls_certificate", "server", e.Server), nil
	}
	return a.say("tls", true, "", "", "api.why.tls"), nil
}

func moments(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

const addressesPage = "/addresses"

// address judges where the client comes from.
func (a *asking) address(ctx context.Context) (bool, error) {
	list, err := a.p.o.Accounts.AddressRules(ctx, actor(ctx), a.instance.ID)
	if err != nil {
		return false, err
	}
	g, _, err := a.p.o.Accounts.Guard(ctx, actor(ctx), a.instance.ID)
	if err != nil {
		return false, err
	}
	switch why := a.barred(); {
	case len(list) == 0 && g.Others == account.Allow:
		return a.say("address", true, "", "", "api.why.address_any"), nil
	case a.from == "":
		return a.say("address", true, "", "", "api.why.address_unknown"), nil
	case why != nil && !why.Ban:
		return a.say("address", false, why.Rule, addressesPage, "api.why.address_no", "address", a.from), nil
	}
	return a.say("address", true, "", "", "api.why.address_ok", "address", a.from), nil
}

// barred is why nobody may come from the address; nil where it isn't known or may come.
func (a *asking) barred() *account.Barred {
	if a.from == "" {
		return nil
	}
	return a.p.o.Accounts.Directory().Barred(a.instance.ID, a.from)
}

// ban says whether the address is shut out for a time. Who is connected stays.
func (a *asking) ban(ctx context.Context) (bool, error) {
	if a.from == "" {
		list, err := a.p.o.Accounts.Bans(ctx, actor(ctx), a.instance.ID)
		return a.say("ban", true, "", "", "api.why.ban_unknown", "count", len(list)), err
	}
	why := a.barred()
	if why == nil || !why.Ban {
		return a.say("ban", true, "", "", "api.why.ban_none", "address", a.from), nil
	}
	connected := a.session != nil && a.session.Connected && hostAddress(a.session.Remote) == a.from
	key := "api.why.ban"
	if connected {
		key = "api.why.ban_connected"
	}
	return a.say("ban", connected, why.Rule, addressesPage, key, "address", a.from, "time", moments(why.Until)), nil
}

// standing says how the client's session is, or what becomes of it when the client connects.
func (a *asking) standing(ctx context.Context) (bool, error) {
	b, plan := a.in.Body, a.p.o.Accounts.Plan(a.instance.Plan)
	client := b.Client
	if client == "" && a.session != nil {
		client = a.session.ClientID
	}
	for _, f := range a.p.o.Brokers.Fights(a.instance.ID) {
		if f.ClientID == client && client != "" {
			return a.say("session", false, "client_id", "/connections", "api.why.session_fight", "client", client, "addresses", strings.Join(f.Addresses, ", "),
				"count", f.Takeovers), nil
		}
	}
	if refused, err := a.clash(ctx); err != nil {
		return false, err
	} else if refused {
		return a.say("session", false, "client_id", "#client-ids-head", "api.why.session_refused", "client", client, "address", hostAddress(a.session.Remote)), nil
	}
	switch s := a.session; {
	case s == nil:
		return a.say("session", true, "", "", "api.why.session_none"), nil
	case plan.BindClientIDs && s.User != a.user:
		return a.say("session", false, "bind_client_ids", "/connections", "api.why.session_bound", "client", client, "user", s.User), nil
	case s.Connected && b.Action == "connect":
		return a.say("session", true, "", "/connections", "api.why.session_taken", "client", client), nil
	case s.Connected:
		return a.say("session", true, "", "/connections", "api.why.session_on", "client", client, "since", moments(s.Since)), nil
	case s.Expiry < 0:
		return a.say("session", true, "", "/connections", "api.why.session_forever", "client", client, "since", moments(s.Since)), nil
	default:
		return a.say("session", true, "", "/connections", "api.why.session_away", "client", client, "since", moments(s.Since), "time", moments(s.Since.Add(time.Duration(s.Expiry)*time.Second))), nil
	}
}

// clash says whether the client would be refused because a connected one has its client id: another user or address was
// named, or the log says that one was refused last.
func (a *asking) clash(ctx context.Context) (bool, error) {
	s, b := a.session, a.in.Body
	if s == nil || !s.Connected || b.Action != "connect" {
		return false, nil
	}
	policy, err := a.p.o.Accounts.ClientIDs(ctx, actor(ctx), a.instance.ID)
	if err != nil || policy != account.RefuseNewcomer {
		return false, err
	}
	if s.User != a.user || b.From != "" {
		return s.User != a.user || account.AddressKey(a.from) != account.AddressKey(s.Remote), nil
	}
	for _, l := range a.seen {
		if l.Client == s.ClientID && (l.Kind == "connected" || l.Kind == "refused") {
			return l.Rule == "client_id", nil
		}
	}
	return false, nil
}
