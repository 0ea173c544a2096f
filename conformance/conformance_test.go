package conformance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

var (
	addr     = flag.String("addr", os.Getenv("CONFORMANCE_ADDR"), "host:port of the broker [our own, started for the test]")
	user     = flag.String("user", os.Getenv("CONFORMANCE_USER"), "user name")
	password = flag.String("password", os.Getenv("CONFORMANCE_PASSWORD"), "password")
	useTLS   = flag.Bool("tls", false, "TLS")
	cafile   = flag.String("cafile", os.Getenv("CONFORMANCE_CAFILE"), "PEM file with the authority for TLS")
	patience = flag.Duration("patience", 5*time.Second, "longest wait of one step")
	differs  = flag.String("known", os.Getenv("CONFORMANCE_KNOWN"), "name of a file in known with what that broker does otherwise")
)

// startOwn starts our broker for the test and returns its address. Another test file of this package sets it.
var startOwn func(t *testing.T) string

func TestConformance(t *testing.T) {
	target := Target{Addr: *addr, User: *user, Password: *password, Timeout: *patience}
	if target.Addr == "" {
		if startOwn == nil {
			t.Skip("no -addr, and our own broker can't be started here")
		}
		target.Addr, *differs = startOwn(t), "tsunagi"
	}
	if *useTLS || *cafile != "" {
		target.TLS = &tls.Config{}
		if *cafile != "" {
			pem, err := os.ReadFile(*cafile)
			if err != nil {
				t.Fatal(err)
			}
			target.TLS.RootCAs = x509.NewCertPool()
			if !target.TLS.RootCAs.AppendCertsFromPEM(pem) {
				t.Fatalf("no certificate in %s", *cafile)
			}
		}
	}
	runAll(t, target, *differs)
}

// runAll runs every case in every version it is for. What stands in the file known/<name>.txt may fail.
func runAll(t *testing.T, target Target, knownName string) {
	t.Helper()
	cases, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	tolerated, err := Known(knownName)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for _, v := range c.Versions {
			t.Run(VersionName(v)+"/"+c.File+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				runOne(t, target, c, v, tolerated)
			})
		}
	}
}

func runOne(t *testing.T, target Target, c Case, v mqtt.Version, tolerated map[string]string) {
	err := Run(t.Context(), target, c, v)
	why, known := tolerated[VersionName(v)+" "+c.Name]
	switch {
	case errors.Is(err, ErrNotOffered):
		t.Skip(err)
	case err != nil && context.Cause(t.Context()) == nil && known:
		t.Skipf("known difference (%s): %v", why, err)
	case err != nil:
		t.Error(err)
	case known:
		t.Logf("passes although it is listed as a known difference: %s", why)
	}
}
