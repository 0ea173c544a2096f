package admin

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/pflag"

	"tsunagi/internal/account"
)

// The shapes of logins; see doc.go.

type loginsShape struct {
	Password        bool   `json:"password"`
	Token           bool   `json:"token"`
	Certificate     string `json:"certificate"`
	CertificateUser string `json:"certificate_user"`
	TokenIssuer     string `json:"token_issuer"`
	TokenAudience   string `json:"token_audience"`
	TokenUser       string `json:"token_user"`
}

type loginsChange struct {
	Password, Token                       *bool
	Certificate, CertificateUser          *string
	TokenIssuer, TokenAudience, TokenUser *string
}

type authorityShape struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Own       bool      `json:"own"`
	PEM       string    `json:"pem"`
	CreatedAt time.Time `json:"created_at"`
}

type certificateShape struct {
	Authority   string    `json:"authority"`
	Serial      string    `json:"serial"`
	User        string    `json:"user"`
	Note        string    `json:"note"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	RevokedAt   time.Time `json:"revoked_at,omitzero"`
	Certificate string    `json:"certificate,omitempty"` // PEM; in the answer to issue only
	Key         string    `json:"key,omitempty"`         // PEM; in the answer to issue only
}

type tokenKeyShape struct {
	ID        string `json:"id"`
	KeyID     string `json:"kid"`
	Algorithm string `json:"algorithm"`
	URL       string `json:"url"`
}

type newCertificate struct {
	User, Note, Request, Authority string
	Days                           int
}

type newTokenKey struct{ KeyID, Key, URL string }

type newAuthority struct{ PEM string }

type tokenWish struct{ Drop bool }

type tokenShape struct {
	Token string `json:"token,omitempty"`
}

func showLogins(l account.Logins) loginsShape {
	return loginsShape{l.Password, l.Token, string(l.Certificate), string(l.CertificateUser), l.TokenIssuer, l.TokenAudience, l.TokenUser}
}

func showAuthority(a account.ClientAuthority) authorityShape {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate})
	return authorityShape{a.ID, a.Name(), len(a.Sealed) > 0, string(text), a.CreatedAt}
}

func showCertificate(c account.ClientCertificate) certificateShape {
	return certificateShape{Authority: c.Authority, Serial: c.Serial, User: c.User, Note: c.Note, ExpiresAt: c.ExpiresAt, RevokedAt: c.RevokedAt}
}

func showTokenKey(k account.TokenKey) tokenKeyShape {
	return tokenKeyShape{k.ID, k.KeyID, k.Algorithm(), k.URL}
}

// loginCommands are the commands about ways of logging in.
func loginCommands() []command {
	none := func(*pflag.FlagSet) {}
	return []command{
		{"login show", "INSTANCE", "show how clients of an instance log in", none, showLogin},
		{"login set", "INSTANCE", "change how clients log in; who would not be let in any more is disconnected", func(f *pflag.FlagSet) {
			f.Bool("password", true, "user name and password")
			f.Bool("token", false, "signed tokens (JWT) as password")
			f.String("certificate", "", "client certificates: off, accepted or required")
			f.String("certificate-user", "", "what of a certificate names the user: cn, dns, email or uri")
			f.String("token-issuer", "", "claim iss [any]")
			f.String("token-audience", "", "claim aud [the instance's id]")
			f.String("token-user", "", "claim that names the user [sub]")
		}, setLogin},
		{"authority create", "INSTANCE", "make a private authority of client certificates, or take one's own in", func(f *pflag.FlagSet) {
			f.String("pem", "", "file with certificates of your own authorities, - for standard input [a private one is made]")
		}, createAuthority},
		{"authority list", "INSTANCE", "list authorities of client certificates", none, listAuthorities},
		{"authority delete", "INSTANCE AUTHORITY", "delete an authority; its clients are disconnected", none, deleteAuthority},
		{"certificate issue", "INSTANCE USER", "issue a client certificate; prints it, and its key where none was asked for by request", func(f *pflag.FlagSet) {
			f.Int("days", 0, "life in days [365]")
			f.String("request", "", "file with a certificate request (PEM), - for standard input [a key is made]")
			f.String("authority", "", "authority that signs [the newest of ours]")
			f.String("note", "", "note")
		}, issueCertificate},
		{"certificate list", "INSTANCE", "list client certificates", none, listCertificates},
		{"certificate revoke", "INSTANCE AUTHORITY SERIAL", "revoke a client certificate; its client is disconnected", none, revokeCertificate},
		{"token-key add", "INSTANCE", "add a public key or a key set that judges tokens", func(f *pflag.FlagSet) {
			f.String("key", "", "file with a public key (PEM or JWK), - for standard input")
			f.String("url", "", "https address of a key set (JWKS)")
			f.String("kid", "", "id of the key [the JWK's own, or its thumbprint]")
		}, addTokenKey},
		{"token-key list", "INSTANCE", "list keys that judge tokens", none, listTokenKeys},
		{"token-key delete", "INSTANCE KEY", "delete a key; clients with its tokens are disconnected", none, deleteTokenKey},
		{"metrics token", "INSTANCE", "make the token that reads the instance's metrics; the one before ends", func(f *pflag.FlagSet) {
			f.Bool("drop", false, "only take it back")
		}, metricsToken},
	}
}

// file reads what a flag names; "" without it.
func (k *call) file(flag string) (string, error) {
	name := k.text(flag)
	var in io.Reader
	switch name {
	case "":
		return "", nil
	case "-":
		in = k.in
	default:
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxBody))
	if err == nil && len(raw) == 0 {
		err = errors.New("there is nothing in it")
	}
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	return string(raw), nil
}

func (k *call) get(out any, words ...string) error {
	return k.client.call(k.ctx, http.MethodGet, path(append([]string{"instances", k.args[0]}, words...)...), nil, out)
}

func (k *call) post(in, out any, words ...string) error {
	return k.client.call(k.ctx, http.MethodPost, path(append([]string{"instances", k.args[0]}, words...)...), in, out)
}

func (k *call) remove(words ...string) error {
	return k.client.call(k.ctx, http.MethodDelete, path(append([]string{"instances", k.args[0]}, words...)...), nil, nil)
}

func showLogin(k *call) error {
	var l loginsShape
	if err := k.get(&l, "logins"); err != nil {
		return err
	}
	return k.printLogin(l)
}

func (k *call) printLogin(l loginsShape) error {
	return k.print(l, row("password", l.Password), row("token", l.Token), row("certificate", l.Certificate), row("certificate user", l.CertificateUser),
		row("token issuer", l.TokenIssuer), row("token audience", l.TokenAudience), row("token user", l.TokenUser))
}

func setLogin(k *call) error {
	var in loginsChange
	for name, into := range map[string]**bool{"password": &in.Password, "token": &in.Token} {
		if k.flags.Changed(name) {
			*into = new(k.on(name))
		}
	}
	for name, into := range map[string]**string{"certificate": &in.Certificate, "certificate-user": &in.CertificateUser,
		"token-issuer": &in.TokenIssuer, "token-audience": &in.TokenAudience, "token-user": &in.TokenUser} {
		if k.flags.Changed(name) {
			*into = new(k.text(name))
		}
	}
	if in == (loginsChange{}) {
		return &usageError{"nothing to change: see --help"}
	}
	var l loginsShape
	if err := k.client.call(k.ctx, http.MethodPatch, path("instances", k.args[0], "logins"), in, &l); err != nil {
		return err
	}
	return k.printLogin(l)
}

func createAuthority(k *call) error {
	text, err := k.file("pem")
	if err != nil {
		return err
	}
	var list []authorityShape
	if err := k.post(newAuthority{text}, &list, "authorities"); err != nil {
		return err
	}
	return k.printAuthorities(list)
}

func (k *call) printAuthorities(list []authorityShape) error {
	rows := []string{row("ID", "OURS", "CREATED", "NAME")}
	for _, a := range list {
		rows = append(rows, row(a.ID, a.Own, a.CreatedAt, a.Name))
	}
	return k.print(list, rows...)
}

func listAuthorities(k *call) error {
	var list []authorityShape
	if err := k.get(&list, "authorities"); err != nil {
		return err
	}
	return k.printAuthorities(list)
}

func deleteAuthority(k *call) error { return k.remove("authorities", k.args[1]) }

func issueCertificate(k *call) error {
	request, err := k.file("request")
	if err != nil {
		return err
	}
	days, err := k.flags.GetInt("days")
	if err != nil {
		return err
	}
	var c certificateShape
	in := newCertificate{User: k.args[1], Note: k.text("note"), Request: request, Authority: k.text("authority"), Days: days}
	if err := k.post(in, &c, "certificates"); err != nil {
		return err
	}
	if k.json {
		return k.print(c)
	}
	_, err = fmt.Fprint(k.out, c.Certificate, c.Key)
	return err
}

func listCertificates(k *call) error {
	var list []certificateShape
	if err := k.get(&list, "certificates"); err != nil {
		return err
	}
	rows := []string{row("AUTHORITY", "SERIAL", "USER", "UNTIL", "REVOKED", "NOTE")}
	for _, c := range list {
		rows = append(rows, row(c.Authority, c.Serial, c.User, c.ExpiresAt, !c.RevokedAt.IsZero(), c.Note))
	}
	return k.print(list, rows...)
}

func revokeCertificate(k *call) error {
	var c certificateShape
	if err := k.post(nil, &c, "authorities", k.args[1], "revoke", k.args[2]); err != nil {
		return err
	}
	return k.print(c, row("revoked", c.Serial))
}

func addTokenKey(k *call) error {
	text, err := k.file("key")
	if err != nil {
		return err
	}
	var key tokenKeyShape
	if err := k.post(newTokenKey{KeyID: k.text("kid"), Key: text, URL: k.text("url")}, &key, "token-keys"); err != nil {
		return err
	}
	return k.print(key, row("id", key.ID), row("kid", key.KeyID), row("algorithm", key.Algorithm), row("url", key.URL))
}

func listTokenKeys(k *call) error {
	var list []tokenKeyShape
	if err := k.get(&list, "token-keys"); err != nil {
		return err
	}
	rows := []string{row("ID", "KID", "ALGORITHM", "URL")}
	for _, t := range list {
		rows = append(rows, row(t.ID, t.KeyID, t.Algorithm, t.URL))
	}
	return k.print(list, rows...)
}

func deleteTokenKey(k *call) error { return k.remove("token-keys", k.args[1]) }

func metricsToken(k *call) error {
	var t tokenShape
	if err := k.post(tokenWish{k.on("drop")}, &t, "metrics-token"); err != nil {
		return err
	}
	return k.print(t, t.Token)
}
