package account

import (
	"bytes"
	"errors"

	"tsunagi/internal/cert"
)

// judgeLogins plans with what clients log in.
func (w *restoring) judgeLogins(r Reader) error {
	l := w.from.Logins
	have, err := r.Logins(w.in.ID)
	return settle(w, have, err, DefaultLogins(w.in.ID),
		LoginsChange{&l.Password, &l.Token, &l.Certificate, &l.CertificateUser, &l.TokenIssuer, &l.TokenAudience, &l.TokenUser}.apply)
}

// tokenKey plans one key or key set of tokens.
func (w *restoring) tokenKey(i int, k PortableTokenKey) error {
	row, err := w.s.tokenKey(w.in.ID, NewTokenKey(k))
	if err != nil {
		return err
	}
	if i >= maxTokenKeys {
		return fail(Limit, "api.login.keys", "limit", maxTokenKeys)
	}
	w.rows = append(w.rows, row)
	w.TokenKeys++
	return nil
}

// pageKey plans one publishable key.
func (w *restoring) pageKey(i int, k PortablePageKey) error {
	row, err := w.s.pageKey(w.in.ID, NewPublishableKey{Name: k.Name, Publish: k.Publish, Subscribe: k.Subscribe, Origins: k.Origins, Connections: k.Connections})
	if err != nil {
		return err
	}
	if i >= maxPageKeys {
		return fail(Limit, "api.page_key.limit", "limit", maxPageKeys)
	}
	row.ExpiresAt = never(k.ExpiresAt)
	w.note("api.restore.page_key", "name", clip(k.Name))
	w.rows = append(w.rows, row)
	w.PageKeys++
	return nil
}

// authority plans one authority of client certificates, with the certificates that it takes back.
func (w *restoring) authority(_ int, a PortableAuthority) error {
	list, err := cert.ParseAuthorities([]byte(a.Certificate), w.s.now())
	if err != nil || len(list) != 1 {
		if err == nil {
			err = errors.New("want one certificate")
		}
		return invalid("pem", "api.login.authority", "cause", causeOf(err, cert.ErrClient))
	}
	if w.Authorities >= maxClientAuthorities {
		return fail(Limit, "api.login.authorities", "limit", maxClientAuthorities)
	}
	for _, have := range w.rows {
		if h, ok := have.(ClientAuthority); ok && bytes.Equal(h.Certificate, list[0].Raw) {
			return fail(Conflict, "api.login.twice")
		}
	}
	row := ClientAuthority{Instance: w.in.ID, ID: newID(), Certificate: list[0].Raw, CreatedAt: w.at(w.Authorities)}
	rows := []Row{row}
	if len(a.Revoked) > maxClientCertificates {
		return fail(Limit, "api.login.certificates", "limit", maxClientCertificates)
	}
	seen := map[string]bool{}
	for _, serial := range a.Revoked {
		if !serialForm.MatchString(serial) || seen[serial] {
			return invalid("serial", "api.login.serial")
		}
		seen[serial] = true
		rows = append(rows, ClientCertificate{Instance: w.in.ID, Authority: row.ID, Serial: serial, CreatedAt: w.s.now(), RevokedAt: w.s.now()})
	}
	if a.Signs {
		w.note("api.restore.authority", "name", clip(row.Name()))
	}
	w.rows = append(w.rows, rows...)
	w.Authorities++
	return nil
}
