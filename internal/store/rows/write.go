package rows

import (
	"fmt"

	"tsunagi/internal/account"
)

// NewTx returns a Tx over a connection that writes.
func NewTx(c Conn) account.Tx { return transaction{reader{c}} }

// transaction is an account.Tx over a connection that writes.
type transaction struct{ reader }

// verb is what is done to a row.
type verb int

const (
	inserting verb = iota
	saving
	removing
)

// Insert implements account.Tx.
func (t transaction) Insert(rows ...account.Row) error { return t.each(inserting, rows) }

// Save implements account.Tx.
func (t transaction) Save(rows ...account.Row) error { return t.each(saving, rows) }

// Delete implements account.Tx. What stands below a row goes with it by foreign keys, and log lines by a trigger.
func (t transaction) Delete(rows ...account.Row) error { return t.each(removing, rows) }

func (t transaction) each(v verb, rows []account.Row) error {
	for _, row := range rows {
		if err := t.one(v, row); err != nil {
			return err
		}
	}
	return nil
}

func (t transaction) one(v verb, row account.Row) error {
	switch r := row.(type) {
	case account.Account:
		return do(t.c, accounts, v, r)
	case account.Passkey:
		return do(t.c, passkeys, v, r)
	case account.Identity:
		return do(t.c, identities, v, r)
	case account.Membership:
		return do(t.c, memberships, v, r)
	case account.TeamInvitation:
		return do(t.c, teamInvitations, v, r)
	case account.BrowserSession:
		return do(t.c, sessions, v, r)
	case account.Invitation:
		return do(t.c, invitations, v, r)
	case account.ResetLink:
		return do(t.c, resetLinks, v, r)
	case account.APIToken:
		return do(t.c, apiTokens, v, r)
	case account.Factor:
		return do(t.c, factors, v, r)
	case account.Instance:
		return do(t.c, instances, v, r)
	case account.User:
		return do(t.c, users, v, r)
	case account.Rule:
		return do(t.c, rules, v, r)
	case account.FlowServer:
		return do(t.c, flowServers, v, r)
	case account.Device:
		return do(t.c, devices, v, r)
	case account.DeviceLabels:
		return do(t.c, deviceLabels, v, r)
	case account.Setting:
		return do(t.c, settings, v, r)
	case account.AuditEntry:
		return do(t.c, audits, v, r)
	case account.Logins:
		return do(t.c, logins, v, r)
	case account.ClientAuthority:
		return do(t.c, clientAuthorities, v, r)
	case account.ClientCertificate:
		return do(t.c, clientCertificates, v, r)
	case account.TokenKey:
		return do(t.c, tokenKeys, v, r)
	case account.MetricsToken:
		return do(t.c, metricsTokens, v, r)
	case account.Bridge:
		return do(t.c, bridges, v, r)
	case account.PublishableKey:
		return do(t.c, pageKeys, v, r)
	case account.HostName:
		return do(t.c, hostNames, v, r)
	case account.Exposure:
		return do(t.c, exposures, v, r)
	case account.Guard:
		return do(t.c, guards, v, r)
	case account.AddressRule:
		return do(t.c, addressRules, v, r)
	case account.Ban:
		return do(t.c, bans, v, r)
	case account.SignInPlace:
		return do(t.c, signInPlaces, v, r)
	case account.Once:
		return do(t.c, onces, v, r)
	case account.Hook:
		return do(t.c, hooks, v, r)
	case account.DeadLetter:
		return do(t.c, deadLetters, v, r)
	}
	return fmt.Errorf("rows of type %T aren't kept", row)
}

func do[T any](c Conn, e entity[T], v verb, row T) error {
	switch v {
	case inserting:
		return e.insert(c, row)
	case saving:
		return e.save(c, row)
	}
	return e.remove(c, row)
}
