package app

import (
	"crypto/tls"
	"testing"

	"tsunagi/internal/cert"
)

// testTLS is a certificate for one name, and a client that trusts it.
type testTLS struct{ server, client *tls.Config }

func newTestTLS(t *testing.T, name string) testTLS {
	t.Helper()
	a, err := cert.OpenAuthority(t.TempDir(), name)
	if err != nil {
		t.Fatal(err)
	}
	return testTLS{a.TLSConfig(nil, "http/1.1"), &tls.Config{RootCAs: a.Pool(), ServerName: name}}
}
