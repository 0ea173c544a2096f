package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// Identity is a person's account with a provider of OpenID Connect, linked to the account here. Primary key ID; parent
// Account.
type Identity struct {
	ID        string // IdentityID of issuer and subject
	Account   string // Account.ID
	Issuer    string // of the provider, as its tokens say it
	Subject   string // what the provider calls the person; never another's
	Email     string // that the provider named when it was linked, to be shown; nothing is judged by it
	CreatedAt time.Time
	UsedAt    time.Time
}

func (Identity) row() {}

// IdentityID names what an issuer calls by a subject [OpenID Connect Core 1.0, 5.7].
func IdentityID(issuer, subject string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + subject))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Provider is one of OpenID Connect with which people may sign in.
type Provider struct{ ID, Name, Issuer string }

// ProviderAsk is what a visit to a provider is made with. State, Nonce and Verifier are secrets by chance, of 256 bits.
type ProviderAsk struct {
	State    string
	Nonce    string // the token must name it
	Verifier string // of PKCE: whoever has the code alone has nothing

	// Since wants the person to prove at the provider that it is them after that moment, whoever is signed in there; zero: not.
	Since time.Time
}

// ProviderAnswer is what a browser brought back from a provider; it may be made up.
type ProviderAnswer struct {
	Code   string
	Issuer string // "iss" [RFC 9207]; "" where there was none
	Error  string // code of a refusal, such as access_denied; "" for none
}

// Proved is whom a provider vouches for.
type Proved struct {
	Issuer, Subject string
	Email           string // normal; "" where the provider names none, or doesn't vouch for it
	Domain          bool   // whoever has such an e-mail may sign in with the provider
}

// Providers talk to the providers of OpenID Connect. What went wrong there comes back as an *Error.
type Providers interface {
	List() []Provider
	// Begin gives the provider's address to which the browser goes.
	Begin(ctx context.Context, id string, ask ProviderAsk) (address string, err error)
	// End proves an answer: its issuer, and with its code the token's signature, issuer, audience, nonce and times.
	End(ctx context.Context, id string, ask ProviderAsk, answer ProviderAnswer) (Proved, error)
}
