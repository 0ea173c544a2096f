package rows

import (
	"database/sql"
	"fmt"

	"tsunagi/internal/account"
)

func (r reader) Logins(instance string) (account.Logins, error) {
	return logins.one(r.c, "instance", instance)
}

func (r reader) LoginsByCertificate() ([]account.Logins, error) {
	return logins.all(r.c, "where certificate <> ? order by instance", account.CertificateOff)
}

func (r reader) ClientAuthority(instance, id string) (account.ClientAuthority, error) {
	return clientAuthorities.one(r.c, "instance, id", instance, id)
}

func (r reader) ClientAuthorities(instance string) ([]account.ClientAuthority, error) {
	return clientAuthorities.all(r.c, "where instance = ? "+byAge, instance)
}

func (r reader) ClientCertificate(instance, authority, serial string) (account.ClientCertificate, error) {
	return clientCertificates.one(r.c, "instance, authority, serial", instance, authority, serial)
}

func (r reader) ClientCertificates(q account.CertificateQuery) ([]account.ClientCertificate, error) {
	where, args := "where instance = ?", []any{q.Instance}
	if q.User != "" {
		where, args = where+" and user = ?", append(args, q.User)
	}
	if q.After != "" {
		where, args = where+" and authority || serial > ?", append(args, q.After)
	}
	return clientCertificates.all(r.c, where+" order by authority || serial limit ?", append(args, max(q.Limit, 0))...)
}

func (r reader) CountClientCertificates(instance string) (n int, err error) {
	err = r.c.Rows("select count(*) from client_certificate where instance = ?", []any{instance},
		func(r *sql.Rows) (bool, error) { return false, r.Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("count certificates: %w", err)
	}
	return n, nil
}

func (r reader) TokenKey(instance, id string) (account.TokenKey, error) {
	return tokenKeys.one(r.c, "instance, id", instance, id)
}

func (r reader) TokenKeys(instance string) ([]account.TokenKey, error) {
	return tokenKeys.all(r.c, "where instance = ? "+byAge, instance)
}

func (r reader) MetricsToken(instance string) (account.MetricsToken, error) {
	return metricsTokens.one(r.c, "instance", instance)
}
