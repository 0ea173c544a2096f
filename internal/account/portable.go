package account

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"time"
)

// Portable is what an instance is made of, for a file from which another one can be made, here or elsewhere. The only
// secrets in it are hashes of passwords, which are of its users and only there when they were asked for: no password of a
// bridge, no key, no signing secret.
type Portable struct {
	Instance string `json:"instance"` // id where it comes from, which is the name of its first user, too
	Name     string `json:"name"`
	Plan     string `json:"plan"`
	Region   string `json:"region"`
	Server   string `json:"server"` // fingerprint of the key file: generated passwords go on working under the same one only
	Hashes   bool   `json:"hashes"` // the users have their password hashes

	Logins      PortableLogins      `json:"logins"`
	Rules       []PortableRule      `json:"rules"`
	Hooks       []PortableHook      `json:"hooks"`
	Bridges     []PortableBridge    `json:"bridges"`
	History     []HistoryFilter     `json:"history"`
	Retain      []RetainExpiry      `json:"retain_expiry,omitempty"`
	ClientIDs   ClientIDPolicy      `json:"client_ids,omitempty"`
	Authorities []PortableAuthority `json:"client_authorities"`
	TokenKeys   []PortableTokenKey  `json:"token_keys"`
	PageKeys    []PortablePageKey   `json:"publishable_keys"`
	HostNames   []string            `json:"host_names,omitempty"` // told only: whose they are is proven anew

	Guard     *PortableGuard        `json:"guard,omitempty"` // absent in files from before there was one
	Addresses []PortableAddressRule `json:"addresses,omitempty"`
}

// PortableGuard is a Guard. Bans are not taken along: they are about what happens where they were made.
type PortableGuard struct {
	Others      Effect `json:"others"`
	Ban         bool   `json:"ban"`
	BanTries    int    `json:"ban_tries"`
	BanWindow   int    `json:"ban_window"` // seconds, as the next
	BanLength   int    `json:"ban_length"`
	ConnectRate int    `json:"connect_rate"` // a minute
}

// PortableAddressRule is an AddressRule.
type PortableAddressRule struct {
	Prefix string `json:"prefix"`
	Effect Effect `json:"effect"`
	Note   string `json:"note,omitempty"`
}

// PortableUser is a user, but for the first one, whom every instance has of its own.
type PortableUser struct {
	Name      string     `json:"name"`
	Connect   bool       `json:"connect"`
	Note      string     `json:"note,omitempty"`
	ClientID  string     `json:"client_id,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	// Hash is the password's: $argon2id$…, as other programs write it, $6$… or $7$… as mosquitto_passwd does, or
	// $tsunagi$… of a generated one. Empty: a new password is generated.
	Hash string `json:"hash,omitempty"`
}

// PortableLogins are Logins.
type PortableLogins struct {
	Password        bool           `json:"password"`
	Token           bool           `json:"token"`
	Certificate     CertificateUse `json:"certificate"`
	CertificateUser IdentityField  `json:"certificate_user"`
	TokenIssuer     string         `json:"token_issuer,omitempty"`
	TokenAudience   string         `json:"token_audience,omitempty"`
	TokenUser       string         `json:"token_user,omitempty"`
}

// PortableRule is a Rule.
type PortableRule struct {
	User      string     `json:"user,omitempty"`
	Effect    Effect     `json:"effect"`
	Access    Access     `json:"access"`
	Filter    string     `json:"filter"`
	QoSBelow  int        `json:"qos_below,omitempty"`
	NoRetain  bool       `json:"no_retain,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	Note      string     `json:"note,omitempty"`
}

// PortableHook is a Hook without its secrets.
type PortableHook struct {
	Name             string      `json:"name"`
	Enabled          bool        `json:"enabled"`
	Events           []HookEvent `json:"events"`
	Filter           string      `json:"filter,omitempty"`
	Client           string      `json:"client,omitempty"`
	Condition        string      `json:"condition,omitempty"`
	Action           HookAction  `json:"action"`
	URL              string      `json:"url,omitempty"`
	HasAuthorization bool        `json:"has_authorization,omitempty"` // it is to be given anew
	Topic            string      `json:"topic,omitempty"`
	Template         string      `json:"template,omitempty"`
	QoS              int         `json:"qos,omitempty"`
	Retain           bool        `json:"retain,omitempty"`
	MailTo           []string    `json:"mail_to,omitempty"`
	Edge             bool        `json:"edge,omitempty"`
	Rearm            string      `json:"rearm,omitempty"`
	Quiet            int         `json:"quiet,omitempty"` // seconds
	Together         bool        `json:"together,omitempty"`
	Silence          int         `json:"silence,omitempty"` // seconds
	Schedule         string      `json:"schedule,omitempty"`
	Zone             string      `json:"zone,omitempty"`
}

// PortableBridge is a Bridge without its password.
type PortableBridge struct {
	Name        string        `json:"name"`
	Address     string        `json:"address"`
	Roots       string        `json:"roots,omitempty"`
	ClientID    string        `json:"client_id"`
	User        string        `json:"user,omitempty"`
	HasPassword bool          `json:"has_password,omitempty"` // it is to be given anew
	Version     BridgeVersion `json:"version"`
	KeepAlive   int           `json:"keep_alive"`
	Topics      []BridgeTopic `json:"topics"`
}

// PortableAuthority is an authority of client certificates without its key.
type PortableAuthority struct {
	Certificate string   `json:"certificate"` // PEM
	Signs       bool     `json:"signs"`       // the instance had its key; what is made of this only checks
	Revoked     []string `json:"revoked"`     // serials
}

// PortableTokenKey is a TokenKey.
type PortableTokenKey struct {
	KeyID string `json:"key_id,omitempty"`
	Key   string `json:"key,omitempty"`
	URL   string `json:"url,omitempty"`
}

// PortablePageKey is a publishable key; the key itself is made anew.
type PortablePageKey struct {
	Name        string     `json:"name"`
	Publish     []string   `json:"publish"`
	Subscribe   []string   `json:"subscribe"`
	Origins     []string   `json:"origins"`
	Connections int        `json:"connections"`
	ExpiresAt   *time.Time `json:"expires_at,omitempty"`
}

// hashOfGenerated begins the hash of a generated password in a Portable: fingerprint of the server, instance, HMAC in base64.
const hashOfGenerated = "$tsunagi$"

// Server is a fingerprint of the key file.
func (k *Keys) Server() string { return hex.EncodeToString(mac(k.check, []byte("server"))[:8]) }

// portableHash is a user's password hash as text.
func (k *Keys) portableHash(u User) string {
	if u.Kind == SecretGenerated {
		return hashOfGenerated + k.Server() + "$" + u.Instance + "$" + base64.StdEncoding.EncodeToString(u.Secret)
	}
	return string(u.Secret)
}

// parseGenerated takes the hash of a generated password apart; false: it is none.
func parseGenerated(text string) (server, instance string, hmac []byte, ok bool) {
	rest, ok := strings.CutPrefix(text, hashOfGenerated)
	parts := strings.Split(rest, "$")
	if !ok || len(parts) != 3 || len(parts[1]) == 0 || len(parts[1]) > 64 {
		return "", "", nil, false
	}
	hmac, err := base64.StdEncoding.DecodeString(parts[2])
	return parts[0], parts[1], hmac, err == nil && len(hmac) == 32
}

// Export reads what an instance is made of, for a person who has confirmed that it is them, and notes it
// in the audit. ExportUsers reads its users.
func (s *Service) Export(ctx context.Context, by Actor, instance string, proof Proof, hashes bool) (p Portable, err error) {
	if !by.Operator {
		if _, err := s.Instance(ctx, by, instance); err != nil { // not found before wrong password
			return Portable{}, err
		}
		if err := s.confirm(ctx, by, proof, Intent{ToExport, instance}); err != nil {
			return Portable{}, err
		}
	}
	err = s.update(ctx, func(tx Tx) error {
		in, err := instanceOf(tx, by, instance)
		if err != nil {
			return err
		}
		if p, err = s.portable(tx, in); err != nil {
			return err
		}
		p.Hashes = hashes
		words := "without password hashes"
		if hashes {
			words = "with password hashes"
		}
		return s.audit(tx, by, "instance.export", instance, words)
	})
	return p, err
}

// ExportUsers is one page of the users of an instance, but for the first one; next is the page behind it, "" on the last.
func (s *Service) ExportUsers(ctx context.Context, by Actor, instance string, hashes bool, after string) (list []PortableUser, next string, err error) {
	page, err := s.Users(ctx, by, UserQuery{Instance: instance, After: after, Limit: 1000})
	for _, u := range page.Users {
		if u.First {
			continue
		}
		one := PortableUser{Name: u.Name, Connect: u.Connect, Note: u.Note, ClientID: u.ClientID, ExpiresAt: orNever(u.ExpiresAt)}
		if hashes {
			one.Hash = s.o.Keys.portableHash(u)
		}
		list = append(list, one)
	}
	return list, page.Next, err
}

func orNever(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func never(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func (s *Service) portable(r Reader, in Instance) (p Portable, err error) {
	p = Portable{Instance: in.ID, Name: in.Name, Plan: in.Plan, Region: in.Region, Server: s.o.Keys.Server(), Rules: []PortableRule{}, Hooks: []PortableHook{},
		Bridges: []PortableBridge{}, Authorities: []PortableAuthority{}, TokenKeys: []PortableTokenKey{}, PageKeys: []PortablePageKey{}}
	l, err := loginsOf(r, in.ID)
	if err != nil {
		return p, err
	}
	p.Logins = PortableLogins{l.Password, l.Token, l.Certificate, l.CertificateUser, l.TokenIssuer, l.TokenAudience, l.TokenUser}
	rules, err := r.Rules(in.ID)
	if err != nil {
		return p, err
	}
	for _, n := range rules {
		p.Rules = append(p.Rules, PortableRule{n.User, n.Effect, n.Access, n.Filter, n.QoSBelow, n.NoRetain, orNever(n.ExpiresAt), n.Note})
	}
	if p.History, err = historyOf(r, in.ID); err != nil {
		return p, err
	}
	if p.History == nil {
		p.History = []HistoryFilter{}
	}
	if p.Retain, err = RetainExpiriesOf(r, in.ID); err != nil {
		return p, err
	}
	if p.ClientIDs, err = ClientIDsOf(r, in.ID); err != nil {
		return p, err
	}
	bridges, err := r.Bridges(in.ID)
	if err != nil {
		return p, err
	}
	for _, b := range bridges {
		p.Bridges = append(p.Bridges, PortableBridge{b.Name, b.Address, b.Roots, b.ClientID, b.User, len(b.Sealed) > 0, b.Version, b.KeepAlive, b.Topics})
	}
	if err := s.portableHooks(r, in, &p); err != nil {
		return p, err
	}
	if err := portableAddresses(r, in, &p); err != nil {
		return p, err
	}
	return p, portableKeys(r, in, &p)
}

// portableAddresses adds from where clients may come.
func portableAddresses(r Reader, in Instance, p *Portable) error {
	g, err := guardOf(r, in.ID)
	if err != nil {
		return err
	}
	p.Guard = &PortableGuard{g.Others, g.Ban, g.BanTries, g.BanWindow, g.BanLength, g.ConnectRate}
	rules, err := r.AddressRules(in.ID)
	for _, a := range rules {
		p.Addresses = append(p.Addresses, PortableAddressRule{a.Prefix, a.Effect, a.Note})
	}
	return err
}

func (s *Service) portableHooks(r Reader, in Instance, p *Portable) error {
	hooks, err := r.Hooks(in.ID)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		secrets, err := s.HookSecrets(h)
		if err != nil {
			return err
		}
		p.Hooks = append(p.Hooks, PortableHook{h.Name, h.Enabled, h.Events, h.Filter, h.Client, h.Condition, h.Action, h.URL, secrets.Authorization != "", h.Topic,
			h.Template, h.QoS, h.Retain, h.MailTo, h.Edge, h.Rearm, h.Quiet, h.Together, h.Silence, h.Schedule, h.Zone})
	}
	return nil
}

// portableKeys adds what judges certificates and tokens, and the keys of pages.
func portableKeys(r Reader, in Instance, p *Portable) error {
	authorities, err := r.ClientAuthorities(in.ID)
	if err != nil {
		return err
	}
	revoked := map[string][]string{}
	for after := ""; ; {
		page, err := r.ClientCertificates(CertificateQuery{Instance: in.ID, After: after, Limit: 1000})
		if err != nil {
			return err
		}
		for _, c := range page {
			if !c.RevokedAt.IsZero() {
				revoked[c.Authority] = append(revoked[c.Authority], c.Serial)
			}
			after = c.Authority + c.Serial
		}
		if len(page) < 1000 {
			break
		}
	}
	for _, a := range authorities {
		p.Authorities = append(p.Authorities, PortableAuthority{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate})), len(a.Sealed) > 0,
			append([]string{}, revoked[a.ID]...)})
	}
	keys, err := r.TokenKeys(in.ID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		p.TokenKeys = append(p.TokenKeys, PortableTokenKey{k.KeyID, k.Key, k.URL})
	}
	pages, err := r.PublishableKeys(in.ID)
	for _, k := range pages {
		p.PageKeys = append(p.PageKeys, PortablePageKey{k.Name, k.Publish, k.Subscribe, k.Origins, k.Connections, orNever(k.ExpiresAt)})
	}
	if err != nil {
		return err
	}
	hosts, err := r.HostNames(in.ID)
	for _, h := range hosts {
		p.HostNames = append(p.HostNames, h.Name)
	}
	return err
}
