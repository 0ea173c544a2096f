// Package passkey does the ceremonies of WebAuthn (passkeys) for package account.
package passkey

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"tsunagi/internal/account"
)

// Ceremonies are those of one site.
type Ceremonies struct{ w *webauthn.WebAuthn }

var _ account.Passkeys = (*Ceremonies)(nil)

// New is for the site at an origin such as https://mqtt.example.org:8443, whose name is host.
func New(host, origin string) (*Ceremonies, error) {
	w, err := webauthn.New(&webauthn.Config{RPID: host, RPDisplayName: "Tsunagi", RPOrigins: []string{origin}})
	if err != nil {
		return nil, fmt.Errorf("passkeys for %s: %w", origin, err)
	}
	return &Ceremonies{w}, nil
}

// user is account.PasskeyUser as the library wants it.
type user struct {
	u           account.PasskeyUser
	credentials []webauthn.Credential
}

func (u *user) WebAuthnID() []byte                         { return []byte(u.u.ID) }
func (u *user) WebAuthnName() string                       { return u.u.Name }
func (u *user) WebAuthnDisplayName() string                { return u.u.Name }
func (u *user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

func open(u account.PasskeyUser) (*user, error) {
	out := &user{u: u}
	for _, record := range u.Records {
		var c webauthn.Credential
		if err := json.Unmarshal(record, &c); err != nil {
			return nil, fmt.Errorf("read a passkey: %w", err)
		}
		out.credentials = append(out.credentials, c)
	}
	return out, nil
}

// BeginRegister implements account.Passkeys. Attestation isn't asked for: which maker a passkey has is nobody's business.
func (c *Ceremonies) BeginRegister(u account.PasskeyUser) (json.RawMessage, []byte, error) {
	who, err := open(u)
	if err != nil {
		return nil, nil, err
	}
	options, session, err := c.w.BeginRegistration(who,
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired}),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
		webauthn.WithExclusions(webauthn.Credentials(who.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, nil, err
	}
	return packed(options, session)
}

// EndRegister implements account.Passkeys.
func (c *Ceremonies) EndRegister(u account.PasskeyUser, state, answer []byte) (string, []byte, error) {
	who, err := open(u)
	if err != nil {
		return "", nil, err
	}
	session, err := stateOf(state)
	if err != nil {
		return "", nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return "", nil, err
	}
	made, err := c.w.CreateCredential(who, session, parsed)
	if err != nil {
		return "", nil, err
	}
	return kept(made)
}

// BeginSignIn implements account.Passkeys.
func (c *Ceremonies) BeginSignIn(u *account.PasskeyUser) (json.RawMessage, []byte, error) {
	verified := webauthn.WithUserVerification(protocol.VerificationRequired)
	if u == nil {
		options, session, err := c.w.BeginDiscoverableLogin(verified)
		if err != nil {
			return nil, nil, err
		}
		return packed(options, session)
	}
	who, err := open(*u)
	if err != nil {
		return nil, nil, err
	}
	options, session, err := c.w.BeginLogin(who, verified)
	if err != nil {
		return nil, nil, err
	}
	return packed(options, session)
}

// EndSignIn implements account.Passkeys.
func (c *Ceremonies) EndSignIn(find func(user string) (account.PasskeyUser, error), known *account.PasskeyUser, state, answer []byte) (string, []byte, error) {
	session, err := stateOf(state)
	if err != nil {
		return "", nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return "", nil, err
	}
	var used *webauthn.Credential
	if known == nil {
		used, err = c.w.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
			u, err := find(string(handle))
			if err != nil {
				return nil, err
			}
			return open(u)
		}, session, parsed)
	} else {
		var who *user
		if who, err = open(*known); err != nil {
			return "", nil, err
		}
		used, err = c.w.ValidateLogin(who, session, parsed)
	}
	if err != nil {
		return "", nil, err
	}
	if used.Authenticator.CloneWarning {
		return "", nil, errors.New("the passkey's counter went back: there may be a copy of it")
	}
	return kept(used)
}

// packed is the first half of a ceremony: what the browser gets, and what stays here.
func packed(options, session any) (json.RawMessage, []byte, error) {
	browser, err := json.Marshal(options)
	if err != nil {
		return nil, nil, err
	}
	state, err := json.Marshal(session)
	return browser, state, err
}

func stateOf(state []byte) (session webauthn.SessionData, err error) {
	if err = json.Unmarshal(state, &session); err != nil {
		err = fmt.Errorf("read a ceremony: %w", err)
	}
	return session, err
}

// kept is what is stored of a passkey. The answer in which it came isn't.
func kept(c *webauthn.Credential) (string, []byte, error) {
	c.Attestation = webauthn.CredentialAttestation{}
	record, err := json.Marshal(c)
	return base64.RawURLEncoding.EncodeToString(c.ID), record, err
}
