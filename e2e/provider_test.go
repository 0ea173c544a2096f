package e2e

import (
	"fmt"
	"io"
	"os"
	"testing"

	"tsunagi/internal/oidc/oidctest"
)

// TestProvider is a provider of OpenID Connect for oidc.test.mjs, which starts it with the address that it sends browsers
// back to, and ends it by closing its input.
func TestProvider(t *testing.T) {
	back := os.Getenv("E2E_PROVIDER_BACK")
	if back == "" {
		t.Skip("for the tests in the browser")
	}
	p := oidctest.Start(t, oidctest.Person{ID: "ann", Email: "ann@example.org"}, oidctest.Person{ID: "boss", Email: "owner@example.org"},
		oidctest.Person{ID: "vague", Email: "vague@example.org", Unverified: true})
	p.SendBack(back)
	fmt.Printf("provider %s %s\n", p.Issuer, p.Roots())
	_, _ = io.Copy(io.Discard, os.Stdin)
}
