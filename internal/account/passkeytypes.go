package account

import (
	"encoding/json"
	"time"
)

// Passkey is a WebAuthn credential of a person. Primary key ID; parent Account.
type Passkey struct {
	ID        string // credential id, base64url
	Account   string // Account.ID
	Name      string
	Record    []byte // as Passkeys keeps it: public key, counter and flags; no secret
	CreatedAt time.Time
	UsedAt    time.Time
}

func (Passkey) row() {}

// PasskeyUser is a person in a ceremony.
type PasskeyUser struct {
	ID      string // Account.ID, which is the user handle
	Name    string // e-mail
	Records [][]byte
}

// Passkeys do the ceremonies of WebAuthn. State lies with the server between the two halves of one; answers are what the
// browser's API gave, as JSON, and whoever sends them may have made them up.
type Passkeys interface {
	// BeginRegister is for a new passkey; those that the user has are excluded.
	BeginRegister(u PasskeyUser) (options json.RawMessage, state []byte, err error)
	EndRegister(u PasskeyUser, state, answer []byte) (id string, record []byte, err error)
	// BeginSignIn asks for one of the user's passkeys or, where u is nil, for any that the browser knows. Either way the
	// authenticator must have verified its person.
	BeginSignIn(u *PasskeyUser) (options json.RawMessage, state []byte, err error)
	// EndSignIn proves that the answer is signed by one of the passkeys of the user whom find finds by the user handle,
	// and returns which, with its record as it is now. One whose counter says that there are two of it is refused.
	EndSignIn(find func(user string) (PasskeyUser, error), known *PasskeyUser, state, answer []byte) (id string, record []byte, err error)
}
