package rows

import "tsunagi/internal/account"

var (
	logins = entity[account.Logins]{"logins",
		[]string{"instance", "password", "token", "certificate", "certificate_user", "token_issuer", "token_audience", "token_user"}, 1,
		func(l *account.Logins) []any {
			return []any{&l.Instance, &l.Password, &l.Token, &l.Certificate, &l.CertificateUser, &l.TokenIssuer, &l.TokenAudience, &l.TokenUser}
		}}
	clientAuthorities = entity[account.ClientAuthority]{"client_authority",
		[]string{"instance", "id", "certificate", "sealed", "created_at"}, 2,
		func(a *account.ClientAuthority) []any {
			return []any{&a.Instance, &a.ID, &a.Certificate, &a.Sealed, stamp{&a.CreatedAt}}
		}}
	clientCertificates = entity[account.ClientCertificate]{"client_certificate",
		[]string{"instance", "authority", "serial", "user", "note", "created_at", "expires_at", "revoked_at"}, 3,
		func(c *account.ClientCertificate) []any {
			return []any{&c.Instance, &c.Authority, &c.Serial, orNull{&c.User}, &c.Note, stamp{&c.CreatedAt}, stamp{&c.ExpiresAt}, stamp{&c.RevokedAt}}
		}}
	tokenKeys = entity[account.TokenKey]{"token_key",
		[]string{"instance", "id", "key_id", "key", "url", "created_at"}, 2,
		func(k *account.TokenKey) []any {
			return []any{&k.Instance, &k.ID, &k.KeyID, &k.Key, &k.URL, stamp{&k.CreatedAt}}
		}}
	metricsTokens = entity[account.MetricsToken]{"metrics_token",
		[]string{"instance", "hash", "created_at"}, 1,
		func(m *account.MetricsToken) []any { return []any{&m.Instance, digest{&m.Hash}, stamp{&m.CreatedAt}} }}
)
