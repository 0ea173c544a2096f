package panel

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"time"

	"tsunagi/internal/account"
)

type loginsBody struct {
	Password        bool   `json:"password" doc:"User name and password"`
	Token           bool   `json:"token" doc:"A signed token (JWT) as password"`
	Certificate     string `json:"certificate" enum:"off,accepted,required" doc:"accepted: a certificate logs in by itself; required: every login needs one, and a password or token where these are on"`
	CertificateUser string `json:"certificate_user" enum:"cn,dns,email,uri" doc:"What of a certificate names the user"`
	TokenIssuer     string `json:"token_issuer" doc:"Claim iss; empty: any"`
	TokenAudience   string `json:"token_audience" doc:"Claim aud; empty: the instance's id"`
	TokenUser       string `json:"token_user" doc:"Claim that names the user; empty: sub"`
	MetricsToken    bool   `json:"metrics_token" doc:"There is a token that reads the instance's metrics"`
}

func (p *Panel) showLogins(ctx context.Context, l account.Logins, instance string) (*tagged[loginsBody], error) {
	has, err := p.o.Accounts.HasMetricsToken(ctx, actor(ctx), instance)
	return tag(p, l, loginsBody{l.Password, l.Token, string(l.Certificate), string(l.CertificateUser), l.TokenIssuer, l.TokenAudience, l.TokenUser, has}), err
}

func (p *Panel) getLogins(ctx context.Context, in *WithID) (*tagged[loginsBody], error) {
	l, err := p.o.Accounts.Logins(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return p.showLogins(ctx, l, in.ID)
}

type changeLoginsInput struct {
	WithID
	Body struct {
		Password        *bool                   `json:"password,omitempty"`
		Token           *bool                   `json:"token,omitempty"`
		Certificate     *account.CertificateUse `json:"certificate,omitempty" maxLength:"16" doc:"off, accepted or required"`
		CertificateUser *account.IdentityField  `json:"certificate_user,omitempty" maxLength:"16" doc:"cn, dns, email or uri"`
		TokenIssuer     *string                 `json:"token_issuer,omitempty" maxLength:"1024"`
		TokenAudience   *string                 `json:"token_audience,omitempty" maxLength:"1024"`
		TokenUser       *string                 `json:"token_user,omitempty" maxLength:"1024"`
	}
}

func (p *Panel) changeLogins(ctx context.Context, in *changeLoginsInput) (*tagged[loginsBody], error) {
	l, err := p.o.Accounts.ChangeLogins(ctx, actor(ctx), in.ID, account.LoginsChange(in.Body))
	if err != nil {
		return nil, err
	}
	return p.showLogins(ctx, l, in.ID)
}

type authorityBody struct {
	ID        string    `json:"id"`
	Name      string    `json:"name" doc:"Its own name"`
	Own       bool      `json:"own" doc:"Made here: it can sign"`
	PEM       string    `json:"pem"`
	ExpiresAt time.Time `json:"expires_at"`
	CreatedAt time.Time `json:"created_at"`
}

func showAuthority(a account.ClientAuthority) authorityBody {
	out := authorityBody{ID: a.ID, Name: a.Name(), Own: len(a.Sealed) > 0, CreatedAt: a.CreatedAt,
		PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate}))}
	if c, err := x509.ParseCertificate(a.Certificate); err == nil {
		out.ExpiresAt = c.NotAfter
	}
	return out
}

func (p *Panel) listClientAuthorities(ctx context.Context, in *WithID) (*answer[page[authorityBody]], error) {
	list, err := p.o.Accounts.ClientAuthorities(ctx, actor(ctx), in.ID)
	return reply(pageOf(list, showAuthority)), err
}

type addAuthorityInput struct {
	WithID
	Body struct {
		PEM string `json:"pem,omitempty" maxLength:"49152" doc:"Certificates of your own authorities; empty: a private one is made"`
	}
}

func (p *Panel) addClientAuthority(ctx context.Context, in *addAuthorityInput) (*answer[page[authorityBody]], error) {
	list, err := p.o.Accounts.AddClientAuthorities(ctx, actor(ctx), in.ID, in.Body.PEM)
	return reply(pageOf(list, showAuthority)), err
}

// OneThing is the input of a route about one thing of an instance.
type OneThing struct {
	WithID
	Thing string `path:"thing" maxLength:"64"`
}

func (p *Panel) deleteClientAuthority(ctx context.Context, in *OneThing) (*nothing, error) {
	return nil, p.o.Accounts.DeleteClientAuthority(ctx, actor(ctx), in.ID, in.Thing)
}

type certificateBody struct {
	Authority   string     `json:"authority"`
	Serial      string     `json:"serial" doc:"Hexadecimal"`
	User        string     `json:"user" doc:"Empty with an authority that is not ours"`
	Note        string     `json:"note"`
	CreatedAt   time.Time  `json:"created_at"`
	ExpiresAt   *time.Time `json:"expires_at,omitempty"`
	RevokedAt   *time.Time `json:"revoked_at,omitempty"`
	Certificate string     `json:"certificate,omitempty" doc:"PEM; in the answer to issue only"`
	Key         string     `json:"key,omitempty" doc:"PEM of the private key, where it was made here; in this answer only"`
}

func showCertificate(c account.ClientCertificate) certificateBody {
	out := certificateBody{Authority: c.Authority, Serial: c.Serial, User: c.User, Note: c.Note, CreatedAt: c.CreatedAt}
	if !c.ExpiresAt.IsZero() {
		out.ExpiresAt = &c.ExpiresAt
	}
	if !c.RevokedAt.IsZero() {
		out.RevokedAt = &c.RevokedAt
	}
	return out
}

type listCertificatesInput struct {
	WithID
	User   string `query:"user" maxLength:"256" doc:"Only this user's"`
	Query  string `query:"query" maxLength:"256" doc:"Part of user, serial number or note; case is ignored"`
	Cursor string `query:"cursor" maxLength:"128"`
	Limit  int    `query:"limit" minimum:"0" maximum:"1000" doc:"0: 100"`
}

func (p *Panel) listCertificates(ctx context.Context, in *listCertificatesInput) (*answer[page[certificateBody]], error) {
	list, next, err := p.o.Accounts.ClientCertificates(ctx, actor(ctx), account.CertificateQuery{Instance: in.ID, User: in.User, Contains: in.Query, After: in.Cursor, Limit: in.Limit})
	out := pageOf(list, showCertificate)
	out.Next = next
	return reply(out), err
}

type issueInput struct {
	WithID
	Body struct {
		User      string `json:"user" maxLength:"256"`
		Authority string `json:"authority,omitempty" maxLength:"64" doc:"Empty: the newest of ours"`
		Days      int    `json:"days,omitempty" doc:"0: 365"`
		Request   string `json:"request,omitempty" maxLength:"16384" doc:"PEM of a certificate request, so that the key stays with the client; empty: a key is made, too"`
		Note      string `json:"note,omitempty" maxLength:"1024"`
	}
}

func (p *Panel) issueCertificate(ctx context.Context, in *issueInput) (*answer[certificateBody], error) {
	b := in.Body
	row, made, err := p.o.Accounts.IssueCertificate(ctx, actor(ctx), in.ID, account.NewCertificate{Authority: b.Authority, User: b.User, Days: b.Days, Request: b.Request, Note: b.Note})
	out := showCertificate(row)
	out.Certificate, out.Key = string(made.Certificate), string(made.Key)
	return reply(out), err
}

type revokeInput struct {
	WithID
	Body struct {
		Authority string `json:"authority" maxLength:"64"`
		Serial    string `json:"serial" maxLength:"256" doc:"Hexadecimal, as openssl shows it"`
	}
}

func (p *Panel) revokeCertificate(ctx context.Context, in *revokeInput) (*answer[certificateBody], error) {
	row, err := p.o.Accounts.RevokeCertificate(ctx, actor(ctx), in.ID, in.Body.Authority, in.Body.Serial)
	return reply(showCertificate(row)), err
}

type tokenKeyBody struct {
	ID        string    `json:"id"`
	KeyID     string    `json:"kid" doc:"The key's id, which tokens name in their header; empty for a key set"`
	Algorithm string    `json:"algorithm" doc:"EdDSA, ES256 or RS256; empty for a key set"`
	Key       string    `json:"key" doc:"The public key as it was given"`
	URL       string    `json:"url" doc:"Address of a key set"`
	CreatedAt time.Time `json:"created_at"`
}

func showTokenKey(k account.TokenKey) tokenKeyBody {
	return tokenKeyBody{k.ID, k.KeyID, k.Algorithm(), k.Key, k.URL, k.CreatedAt}
}

func (p *Panel) listTokenKeys(ctx context.Context, in *WithID) (*answer[page[tokenKeyBody]], error) {
	list, err := p.o.Accounts.TokenKeys(ctx, actor(ctx), in.ID)
	return reply(pageOf(list, showTokenKey)), err
}

type addTokenKeyInput struct {
	WithID
	Body struct {
		KeyID string `json:"kid,omitempty" maxLength:"256" doc:"Empty: the JWK's own, or the key's thumbprint (RFC 7638)"`
		Key   string `json:"key,omitempty" maxLength:"16384" doc:"Public key: PEM or JWK; Ed25519, ECDSA P-256 or RSA"`
		URL   string `json:"url,omitempty" maxLength:"2048" doc:"https address of a key set (JWKS), instead of a key"`
	}
}

func (p *Panel) addTokenKey(ctx context.Context, in *addTokenKeyInput) (*answer[tokenKeyBody], error) {
	k, err := p.o.Accounts.AddTokenKey(ctx, actor(ctx), in.ID, account.NewTokenKey(in.Body))
	return reply(showTokenKey(k)), err
}

func (p *Panel) deleteTokenKey(ctx context.Context, in *OneThing) (*nothing, error) {
	return nil, p.o.Accounts.DeleteTokenKey(ctx, actor(ctx), in.ID, in.Thing)
}
