package account

import (
	"context"
	"crypto/x509"
	"errors"
	"regexp"
	"strings"
	"time"

	"tsunagi/internal/cert"
)

// Bounds of an instance.
const (
	maxClientAuthorities  = 8
	maxClientCertificates = 10_000
)

// ClientAuthorities lists an instance's authorities.
func (s *Service) ClientAuthorities(ctx context.Context, by Actor, instance string) (list []ClientAuthority, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		list, err = r.ClientAuthorities(instance)
		return err
	})
	return list, err
}

// AddClientAuthorities takes authorities of the instance's people in (PEM), or makes a private one where text is empty.
func (s *Service) AddClientAuthorities(ctx context.Context, by Actor, instance, text string) (list []ClientAuthority, err error) {
	if text != "" {
		certificates, err := cert.ParseAuthorities([]byte(text), s.now())
		if err != nil {
			return nil, invalid("pem", "api.login.authority", "cause", causeOf(err, cert.ErrClient))
		}
		for _, c := range certificates {
			list = append(list, ClientAuthority{Instance: instance, ID: newID(), Certificate: c.Raw, CreatedAt: s.now()})
		}
	} else {
		der, key, err := cert.NewClientAuthority(instance, s.now())
		if err != nil {
			return nil, err
		}
		id := newID()
		list = []ClientAuthority{{Instance: instance, ID: id, Certificate: der, Sealed: s.o.Keys.sealKey(instance, id, key), CreatedAt: s.now()}}
	}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		have, err := tx.ClientAuthorities(instance)
		if err != nil {
			return Change{}, err
		}
		if len(have)+len(list) > maxClientAuthorities {
			return Change{}, fail(Limit, "api.login.authorities", "limit", maxClientAuthorities)
		}
		for _, a := range list {
			for _, h := range have {
				if string(h.Certificate) == string(a.Certificate) {
					return Change{}, fail(Conflict, "api.login.twice")
				}
			}
			if err := tx.Insert(a); err != nil {
				return Change{}, err
			}
			have = append(have, a)
		}
		return Change{Instance: instance, Logins: true}, s.audit(tx, by, "authority.add", instance, list[0].Name())
	})
	return list, err
}

// Name is the authority's own name.
func (a ClientAuthority) Name() string {
	c, err := x509.ParseCertificate(a.Certificate)
	if err != nil {
		return ""
	}
	return c.Subject.String()
}

// DeleteClientAuthority deletes an authority; connections with its certificates end.
func (s *Service) DeleteClientAuthority(ctx context.Context, by Actor, instance, id string) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		a, err := tx.ClientAuthority(instance, id)
		if err != nil {
			return Change{}, err
		}
		if err := tx.Delete(a); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Logins: true}, s.audit(tx, by, "authority.delete", instance, a.Name())
	})
}

// NewCertificate is a certificate to be issued for a user of the instance.
type NewCertificate struct {
	Authority string // ClientAuthority.ID; "" for the newest one of ours
	User      string
	Days      int    // of life; 0 for 365
	Request   string // PEM of a certificate request; "" to have a key made
	Note      string
}

// IssueCertificate signs a certificate for a user. A key that is made here is returned once and not kept.
func (s *Service) IssueCertificate(ctx context.Context, by Actor, instance string, n NewCertificate) (row ClientCertificate, out cert.Issued, err error) {
	life := time.Duration(n.Days) * 24 * time.Hour
	if n.Days == 0 {
		life = 365 * 24 * time.Hour
	}
	if n.Days < 0 || n.Days > int(cert.MaxClientLife/(24*time.Hour)) {
		return row, out, invalid("days", "api.login.days", "limit", int(cert.MaxClientLife/(24*time.Hour)))
	}
	if n.Note, err = checkText("note", n.Note, 200, true); err != nil {
		return row, out, err
	}
	a, key, err := s.signer(ctx, by, instance, n)
	if err != nil {
		return row, out, err
	}
	out, err = cert.IssueClient(a.Certificate, key, n.User, n.Request, life, s.now())
	if errors.Is(err, cert.ErrClient) {
		return row, out, invalid("request", "api.login.authority", "cause", causeOf(err, cert.ErrClient))
	}
	if err != nil {
		return row, out, err
	}
	row = ClientCertificate{Instance: instance, Authority: a.ID, Serial: out.Serial, User: n.User, Note: n.Note, CreatedAt: s.now(), ExpiresAt: out.NotAfter}
	err = s.update(ctx, func(tx Tx) error {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return err
		}
		if err := roomForCertificate(tx, instance); err != nil {
			return err
		}
		if err := tx.Insert(row); err != nil {
			return err
		}
		return s.audit(tx, by, "certificate.issue", instance+":"+n.User, row.Serial)
	})
	if err != nil {
		return ClientCertificate{}, cert.Issued{}, err
	}
	return row, out, nil
}

// signer is the authority that signs, with its key.
func (s *Service) signer(ctx context.Context, by Actor, instance string, n NewCertificate) (a ClientAuthority, key []byte, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		if _, err := r.User(instance, n.User); errors.Is(err, ErrNotFound) {
			return invalid("user", "api.rule.user", "name", n.User)
		} else if err != nil {
			return err
		}
		list, err := r.ClientAuthorities(instance)
		for _, one := range list {
			if len(one.Sealed) > 0 && (n.Authority == "" || n.Authority == one.ID) {
				a = one
			}
		}
		return err
	})
	if err == nil && a.ID == "" {
		err = invalid("authority", "api.login.signer")
	}
	if err != nil {
		return a, nil, err
	}
	key, err = s.o.Keys.openKey(instance, a.ID, a.Sealed)
	return a, key, err
}

func roomForCertificate(r Reader, instance string) error {
	n, err := r.CountClientCertificates(instance)
	if err == nil && n >= maxClientCertificates {
		err = fail(Limit, "api.login.certificates", "limit", maxClientCertificates)
	}
	return err
}

// ClientCertificates reads a page of certificates and the cursor of the next one.
func (s *Service) ClientCertificates(ctx context.Context, by Actor, q CertificateQuery) (list []ClientCertificate, next string, err error) {
	q.Limit = PageSize(q.Limit)
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, q.Instance); err != nil {
			return err
		}
		list, err = searchCertificates(r, q, q.Limit+1) // one more tells whether there is a next page
		if len(list) > q.Limit {
			list = list[:q.Limit]
			next = list[q.Limit-1].Authority + list[q.Limit-1].Serial
		}
		return err
	})
	return list, next, err
}

// searchCertificates reads in steps until most are found; an instance has maxClientCertificates at the most.
func searchCertificates(r Reader, q CertificateQuery, most int) (found []ClientCertificate, err error) {
	wanted := strings.ToLower(q.Contains)
	if q.Limit = most; wanted != "" {
		q.Limit = 1000
	}
	for {
		list, err := r.ClientCertificates(q)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			q.After = c.Authority + c.Serial
			if wanted != "" && !strings.Contains(strings.ToLower(c.User+"\n"+c.Serial+"\n"+c.Note), wanted) {
				continue
			}
			if found = append(found, c); len(found) == most {
				return found, nil
			}
		}
		if len(list) < q.Limit {
			return found, nil
		}
	}
}

var serialForm = regexp.MustCompile(`^[0-9a-f]{1,64}$`)

// RevokeCertificate takes a certificate back; connections with it end. Of another's authority any serial number
// (hexadecimal; colons and capitals don't matter) can be revoked, of ours those that were issued.
func (s *Service) RevokeCertificate(ctx context.Context, by Actor, instance, authority, serial string) (row ClientCertificate, err error) {
	serial = strings.TrimLeft(strings.ToLower(strings.ReplaceAll(serial, ":", "")), "0")
	if !serialForm.MatchString(serial) {
		return row, invalid("serial", "api.login.serial")
	}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		a, err := tx.ClientAuthority(instance, authority)
		if err != nil {
			return Change{}, err
		}
		row, err = tx.ClientCertificate(instance, authority, serial)
		switch {
		case errors.Is(err, ErrNotFound) && len(a.Sealed) == 0:
			if err := roomForCertificate(tx, instance); err != nil {
				return Change{}, err
			}
			row = ClientCertificate{Instance: instance, Authority: authority, Serial: serial, CreatedAt: s.now(), RevokedAt: s.now()}
			err = tx.Insert(row)
		case err == nil && row.RevokedAt.IsZero():
			row.RevokedAt = s.now()
			err = tx.Save(row)
		}
		if err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Logins: true, revoked: []shown{{authority: authority, serial: serial}}},
			s.audit(tx, by, "certificate.revoke", instance+":"+row.User, serial)
	})
	return row, err
}

// causeOf is the text of an error without that of the kind that it wraps.
func causeOf(err, kind error) string { return strings.TrimPrefix(err.Error(), kind.Error()+": ") }

// sealKey encrypts the key of an authority for this instance.
func (k *Keys) sealKey(instance, id string, key []byte) []byte {
	return k.seal.Seal(nil, nil, key, []byte("authority "+instance+" "+id))
}

func (k *Keys) openKey(instance, id string, sealed []byte) ([]byte, error) {
	return k.seal.Open(nil, nil, sealed, []byte("authority "+instance+" "+id))
}
