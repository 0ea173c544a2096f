package conformance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

var (
	addr     = flag.String("addr", os.Getenv("CONFORMANCE_ADDR"), "host:port of the broker [our own, started for the test]")
	user     = flag.String("user", os.Getenv("CONFORMANCE_USER"), "user name")
	password = flag.String("password", os.Getenv("CONFORMANCE_PASSWORD"), "password")
	useTLS   = flag.Bool("tls", false, "TLS")
	wsPath   = flag.String("ws", os.Getenv("CONFORMANCE_WS"), "path of MQTT over WebSocket, such as /mqtt [none]")
	slicing  = flag.String("slicing", "whole", "how what is sent is cut: whole, bytes, merged or odd")
	cafile   = flag.String("cafile", os.Getenv("CONFORMANCE_CAFILE"), "PEM file with the authority for TLS")
	patience = flag.Duration("patience", 5*time.Second, "longest wait of one step")
	differs  = flag.String("known", os.Getenv("CONFORMANCE_KNOWN"), "name of a file in known with what that broker does otherwise")
	able     = flag.String("able", os.Getenv("CONFORMANCE_ABLE"), "what the broker has beyond what CONNACK tells, separated by commas: see README.md")
)

// startOwn starts our broker for the test, in all the ways in which it can be spoken to; the first is plain TCP.
// Another test file of this package sets it.
var startOwn func(t *testing.T) []Target

func TestConformance(t *testing.T) {
	if *addr == "" {
		ownBroker(t)
		return
	}
	target := Target{Addr: *addr, User: *user, Password: *password, Timeout: *patience, WebSocket: *wsPath, Slicing: Slicing(*slicing)}
	if *able != "" {
		target.Able = strings.Split(*able, ",")
	}
	if *wsPath != "" {
		target.Able = append(target.Able, "ws")
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
	runAll(t, target, *differs, &outcomes{})
}

// ownBroker runs the cases on our broker over every transport, cut in every way, and compares docs/spec.md with what
// has come out.
func ownBroker(t *testing.T) {
	if startOwn == nil {
		t.Skip("no -addr, and our own broker can't be started here")
	}
	var all outcomes
	targets := startOwn(t)
	t.Run("on", func(t *testing.T) {
		for _, target := range targets {
			t.Run(target.Name(), func(t *testing.T) {
				t.Parallel()
				runAll(t, target, "tsunagi", &all)
			})
		}
	})
	if !t.Failed() && flag.Lookup("test.run").Value.String() == "" || *writePage {
		comparePage(t, all.found)
	}
}

// outcomes collects results of cases that run at the same time.
type outcomes struct {
	mu    sync.Mutex
	found results // guarded by mu
}

func (o *outcomes) add(c *Case, v mqtt.Version, r Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.found == nil {
		o.found = results{}
	}
	o.found.add(c, v, r)
}

// runAll runs every case in every version it is for. What stands in the file known/<name>.txt may fail.
func runAll(t *testing.T, target Target, knownName string, all *outcomes) {
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
			if !c.fits(&target) {
				continue
			}
			t.Run(VersionName(v)+"/"+c.File+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				all.add(&c, v, runOne(t, target, c, v, tolerated))
			})
		}
	}
}

func runOne(t *testing.T, target Target, c Case, v mqtt.Version, tolerated map[string]string) Result {
	err := Run(t.Context(), target, c, v)
	why, known := tolerated[VersionName(v)+" "+c.Name]
	if !known {
		why, known = tolerated["* "+c.Name]
	}
	switch {
	case errors.Is(err, ErrNotOffered):
		t.Log(err)
		return NotOffered
	case err != nil && context.Cause(t.Context()) == nil && known:
		t.Logf("known difference (%s): %v", why, err)
		return Differs
	case err != nil:
		t.Error(err)
		return Failed
	case known:
		t.Logf("passes although it is listed as a known difference: %s", why)
	}
	return Passed
}
