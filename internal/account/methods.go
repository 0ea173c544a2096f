package account

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tsunagi/internal/cert"
	"tsunagi/internal/jwt"
	"tsunagi/internal/topic"
)

// methods are the ways of logging in to an instance, ready to judge by. They are never changed, only replaced.
type methods struct {
	Logins
	authorities []authority
	keys        []tokenKey
}

type authority struct {
	id   string
	own  bool // made here: what it signed is known one by one
	cert *x509.Certificate
}

type tokenKey struct {
	id  string
	key jwt.Key // or
	url string
}

// shown is what a login was judged by. Logins that showed the same share a credential, so that taking it back ends them.
type shown struct {
	authority, serial string // of a certificate; "" where there was none
	key               string // TokenKey.ID; "" where there was no token
	page              string // PublishableKey.ID; "" where there was none
	password          bool
}

// of is the certificate or the publishable key alone.
func (s shown) of() shown { return shown{authority: s.authority, serial: s.serial, page: s.page} }

// credential is shared by all logins that showed the same.
type credential struct{ revoked atomic.Bool }

// KeySets fetches the key sets of token keys with a URL. An error is no verdict: the client is told to come again.
type KeySets interface {
	Keys(ctx context.Context, url, kid string) ([]jwt.Key, error)
}

// readMethods reads an instance's methods; one that doesn't exist takes passwords as most do.
func readMethods(r Reader, instance string) (*methods, error) {
	m := &methods{Logins: DefaultLogins(instance)}
	l, err := r.Logins(instance)
	if errors.Is(err, ErrNotFound) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	m.Logins = l
	if l.Certificate != CertificateOff {
		rows, err := r.ClientAuthorities(instance)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			c, err := x509.ParseCertificate(row.Certificate)
			if err != nil {
				return nil, fmt.Errorf("client authority %s of instance %s: %w", row.ID, instance, err)
			}
			m.authorities = append(m.authorities, authority{row.ID, len(row.Sealed) > 0, c})
		}
	}
	if l.Token {
		rows, err := r.TokenKeys(instance)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			k := tokenKey{id: row.ID, url: row.URL}
			if row.URL == "" {
				if k.key, err = jwt.ParseKey(row.KeyID, []byte(row.Key)); err != nil {
					return nil, fmt.Errorf("token key %s of instance %s: %w", row.ID, instance, err)
				}
			}
			m.keys = append(m.keys, k)
		}
	}
	return m, nil
}

// allow says whether a login may still be judged by what it showed.
func (m *methods) allow(s shown) bool {
	if s.page != "" {
		return m.Certificate != CertificateRequired
	}
	if s.authority != "" {
		if m.Certificate == CertificateOff || !slices.ContainsFunc(m.authorities, func(a authority) bool { return a.id == s.authority }) {
			return false
		}
	} else if m.Certificate == CertificateRequired {
		return false
	}
	if s.key != "" && (!m.Token || !slices.ContainsFunc(m.keys, func(k tokenKey) bool { return k.id == s.key })) {
		return false
	}
	if s.password && !m.Password {
		return false
	}
	switch {
	case s.password || s.key != "":
		return true
	case m.Certificate == CertificateRequired:
		return !m.Password && !m.Token
	default:
		return s.authority != ""
	}
}

// proof is what a login has shown so far, and whose it is by that.
type proof struct {
	shown
	user    string
	until   time.Time // zero: never
	narrow  *narrow
	again   func(Reader) error // judges the certificate's standing once more; nil: there is none
	busy    bool               // what is wrong will pass
	decided bool               // no password is to be judged
}

func (p *proof) ends(at time.Time) {
	if p.until.IsZero() || at.Before(p.until) {
		p.until = at
	}
}

// errNoPassword marks a login that showed nothing which is on here.
var errNoPassword = errors.New("passwords are off for this instance")

// examine judges everything of a login but its password. An error is the cause of a refusal in words, unless it is the
// store's: then it wraps errStore.
func (d *Directory) examine(ctx context.Context, c Credentials, m *methods) (p proof, err error) {
	p.user = c.User
	if m.Certificate != CertificateOff {
		if err := d.byCertificate(ctx, c, m, &p); err != nil {
			return p, err
		}
	}
	secret := m.Password || m.Token
	switch {
	case m.Token && jwt.Looks(c.Password):
		p.decided = true
		return p, d.byToken(ctx, c, m, &p)
	case c.Password != "" && !secret && p.authority != "": // nothing here judges it
		p.decided = true
	case m.Password && (c.Password != "" || p.authority == ""):
		p.password = true
	case c.Password != "" && m.Token:
		return p, errors.New("the password is not a token, and passwords are off for this instance")
	case p.authority == "":
		return p, errNoPassword
	case m.Certificate == CertificateRequired && secret:
		return p, errors.New("a certificate alone is not enough for this instance: a password or token must come with it")
	default:
		p.decided = true
	}
	return p, nil
}

// errStore marks failures of our own among the causes of refusals.
type errStore struct{ error }

func (d *Directory) byCertificate(ctx context.Context, c Credentials, m *methods, p *proof) error {
	if len(c.Certificates) == 0 {
		if m.Certificate == CertificateRequired {
			return errors.New("no certificate came, which this instance requires: connect with TLS to the host <instance>.<domain>, or to the MQTT port, and give the client its certificate and key")
		}
		return nil
	}
	roots := make([]*x509.Certificate, len(m.authorities))
	for i, a := range m.authorities {
		roots[i] = a.cert
	}
	chain, err := cert.VerifyClient(c.Certificates, roots, d.o.Now())
	if err != nil {
		return err
	}
	root := chain[len(chain)-1]
	for _, a := range m.authorities {
		if a.cert.Equal(root) {
			p.authority, p.serial = a.id, cert.Serial(chain[0])
			p.again = func(r Reader) error { return standing(r, c.Instance, a, chain) }
			err = d.o.Store.View(ctx, p.again)
		}
	}
	if err != nil {
		return err
	}
	name, err := identity(chain[0], m.CertificateUser)
	if err != nil {
		return err
	}
	if p.user != "" && p.user != name {
		return fmt.Errorf("the certificate is user %q's, the login %q's: leave the user name out (or give <instance>: alone), or give the certificate's", clip(name), clip(p.user))
	}
	p.user = name
	p.ends(chain[0].NotAfter)
	return nil
}

// standing says whether nothing of a chain was revoked, and whether what our own authority signed is on its list.
func standing(r Reader, instance string, a authority, chain []*x509.Certificate) error {
	for _, c := range chain[:len(chain)-1] {
		row, err := r.ClientCertificate(instance, a.id, cert.Serial(c))
		switch {
		case errors.Is(err, ErrNotFound) && a.own:
			return fmt.Errorf("certificate %s is not on the list of those that were issued", cert.Serial(c))
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return errStore{err}
		case !row.RevokedAt.IsZero():
			return fmt.Errorf("certificate %s was revoked", row.Serial)
		}
	}
	return nil
}

// identity is the user that a certificate names.
func identity(c *x509.Certificate, field IdentityField) (string, error) {
	var list []string
	switch field {
	case FieldDNS:
		list = c.DNSNames
	case FieldEmail:
		list = c.EmailAddresses
	case FieldURI:
		for _, u := range c.URIs {
			list = append(list, u.String())
		}
	default:
		if c.Subject.CommonName != "" {
			list = []string{c.Subject.CommonName}
		}
	}
	if len(list) != 1 {
		return "", fmt.Errorf("the certificate has %d names of the kind %q; one is wanted", len(list), field)
	}
	return list[0], nil
}

func (d *Directory) byToken(ctx context.Context, c Credentials, m *methods, p *proof) error {
	t, err := jwt.Parse(c.Password)
	if err != nil {
		return err
	}
	policy := jwt.Policy{Issuer: m.TokenIssuer, Audience: m.TokenAudience, UserClaim: m.TokenUser}
	if policy.Audience == "" {
		policy.Audience = m.Instance
	}
	claims, err := d.judgeToken(ctx, t, m, policy, p)
	if err != nil {
		return err
	}
	switch {
	case p.user != "" && p.user != claims.User:
		return fmt.Errorf("the token is user %q's, the login %q's: leave the user name out (or give <instance>: alone), or give the token's", clip(claims.User), clip(p.user))
	case claims.ClientID != "" && claims.ClientID != c.ClientID:
		return errors.New("the token is for another client id")
	}
	p.user = claims.User
	p.ends(claims.Until)
	p.narrow, err = newNarrow(claims.ACL)
	return err
}

// judgeToken tries the keys that are at hand before those that must be fetched.
func (d *Directory) judgeToken(ctx context.Context, t *jwt.Token, m *methods, policy jwt.Policy, p *proof) (jwt.Claims, error) {
	var keys []jwt.Key
	for _, k := range m.keys {
		if k.url == "" {
			keys = append(keys, k.key)
		}
	}
	claims, err := t.Judge(keys, policy, d.o.Now())
	if err == nil {
		i := slices.IndexFunc(m.keys, func(k tokenKey) bool {
			return k.url == "" && k.key.ID == claims.Key.ID && k.key.Algorithm == claims.Key.Algorithm
		})
		p.key = m.keys[i].id
		return claims, nil
	}
	for _, k := range m.keys {
		if k.url == "" || d.o.KeySets == nil {
			continue
		}
		set, away := d.o.KeySets.Keys(ctx, k.url, t.KeyID())
		if away != nil {
			p.busy = true
			err = errors.Join(err, away)
			continue
		}
		claims, judged := t.Judge(set, policy, d.o.Now())
		if judged == nil {
			p.key, p.busy = k.id, false
			return claims, nil
		}
		err = judged
	}
	return jwt.Claims{}, err
}

// narrow takes rights away from one login: what no filter of it covers is not allowed.
type narrow struct {
	publish, subscribe []string
	no                 Verdict // what is said to all else
}

func newNarrow(acl *jwt.ACL) (*narrow, error) {
	if acl == nil {
		return nil, nil
	}
	for _, f := range append(slices.Clone(acl.Publish), acl.Subscribe...) {
		if parsed, err := topic.ParseFilter(f); err != nil || parsed.Share != "" {
			return nil, errors.New("the token's acl has something that is no topic filter")
		}
	}
	return &narrow{acl.Publish, acl.Subscribe, outsideToken}, nil
}

var outsideToken = Verdict{false, "the token's acl"}

// lets says whether a name is covered by one of the filters.
func lets(filters []string, name string) bool {
	return slices.ContainsFunc(filters, func(f string) bool { return topic.Match(f, name) })
}

// covers says whether a subscription is covered by one of the filters.
func covers(filters []string, filter string) bool {
	return slices.ContainsFunc(filters, func(f string) bool { return topic.Covers(f, filter) })
}

// askers are the instances that use certificates; the TLS listeners look here.
type askers struct {
	all atomic.Pointer[map[string]bool]
}

func (a *askers) set(instance string, asks bool) { // callers are one at a time
	next := map[string]bool{}
	if old := a.all.Load(); old != nil {
		for k := range *old {
			next[k] = true
		}
	}
	if asks {
		next[instance] = true
	} else {
		delete(next, instance)
	}
	a.all.Store(&next)
}

// AsksCertificate says whether a client that asked TLS for a host should be asked for a certificate: by the instance
// whose host it is, or, where the host tells no instance and the client speaks MQTT, because there is one that may be meant.
func (d *Directory) AsksCertificate(host string, mqtt bool) bool {
	all := d.askers.all.Load()
	if all == nil || len(*all) == 0 {
		return false
	}
	if instance, _ := d.Resolve(Where{Host: strings.ToLower(host)}); instance != "" {
		return (*all)[instance]
	}
	return mqtt
}
