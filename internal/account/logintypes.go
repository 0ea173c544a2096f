package account

import "time"

// Logins say how the clients of an instance log in. Primary key Instance; parent Instance. An instance without a row
// has those of DefaultLogins.
type Logins struct {
	Instance        string
	Password        bool           // user name and password
	Token           bool           // a signed token (JWT) as password
	Certificate     CertificateUse //
	CertificateUser IdentityField  // what of a certificate names the user
	TokenIssuer     string         // claim iss; "" for any
	TokenAudience   string         // claim aud; "" for the instance's id
	TokenUser       string         // claim that names the user; "" for sub
}

// CertificateUse says what the certificates of clients are for.
type CertificateUse string

// The uses.
const (
	CertificateOff      CertificateUse = "off"      // not asked for
	CertificateAccepted CertificateUse = "accepted" // logs in by itself; a password or token that comes along must be good, too
	CertificateRequired CertificateUse = "required" // every login needs one, and a password or token where these are on
)

// IdentityField is a part of a certificate.
type IdentityField string

// The fields.
const (
	FieldCN    IdentityField = "cn"    // common name of the subject
	FieldDNS   IdentityField = "dns"   // the subject alternative name of that kind; there must be just one
	FieldEmail IdentityField = "email" //
	FieldURI   IdentityField = "uri"   //
)

// DefaultLogins are those of an instance that has chosen nothing: passwords.
func DefaultLogins(instance string) Logins {
	return Logins{Instance: instance, Password: true, Certificate: CertificateOff, CertificateUser: FieldCN}
}

// ClientAuthority signs certificates of an instance's clients. Primary key (Instance, ID); parent Instance.
type ClientAuthority struct {
	Instance    string
	ID          string // random
	Certificate []byte // DER
	Sealed      []byte // the private key under the key file; nil: it is somebody else's and only checked against
	CreatedAt   time.Time
}

// ClientCertificate is one that an authority of ours has signed, or one of another's authority that was revoked.
// Primary key (Instance, Authority, Serial); parents ClientAuthority, and the User of that name where User isn't "".
type ClientCertificate struct {
	Instance  string
	Authority string // ClientAuthority.ID
	Serial    string // hexadecimal, lower case
	User      string // "" with another's authority
	Note      string
	CreatedAt time.Time
	ExpiresAt time.Time // zero with another's authority
	RevokedAt time.Time // zero: not revoked
}

// TokenKey judges tokens of an instance. Primary key (Instance, ID); parent Instance. It has either Key or URL.
type TokenKey struct {
	Instance  string
	ID        string // random
	KeyID     string // "kid" of the key; "" with URL
	Key       string // public key: PEM or JWK
	URL       string // https address of a key set
	CreatedAt time.Time
}

// MetricsToken lets a program read an instance's metrics. Primary key Instance; parent Instance.
type MetricsToken struct {
	Instance  string
	Hash      [32]byte // SHA-256 of the token
	CreatedAt time.Time
}

func (Logins) row()            {}
func (ClientAuthority) row()   {}
func (ClientCertificate) row() {}
func (TokenKey) row()          {}
func (MetricsToken) row()      {}
