package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// TestNoDescriptorsLeft is attack row 30: more idle connections than the process has descriptors, on every listener. Who
// is in is served on, the operator's commands go on, the settings stay what they were, and when the crowd has gone
// everybody gets in again.
func TestNoDescriptorsLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	limited := filepath.Join(t.TempDir(), "limited")
	script := fmt.Sprintf("#!/bin/sh\nulimit -n 160\nexec %s \"$@\"\n", name)
	if err := os.WriteFile(limited, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	addr, https, http := freeAddr(t), freeAddr(t), freeAddr(t)
	s := startProgram(t, limited, addr, "serve", "--data", dir, "--plain", "--mqtt", addr, "--mqtts", "off", "--https", https, "--http", http,
		"--store-reserve-mb", "1")
	admin := func(into any, args ...string) {
		t.Helper()
		out, err := exec.Command(name, append(append([]string{"admin"}, args...), "--data", dir, "--json")...).Output()
		if err != nil {
			t.Fatalf("admin %v: %v\n%s\n%s", args, err, out, s.printed())
		}
		if into != nil {
			if err := json.Unmarshal(out, into); err != nil {
				t.Fatal(err)
			}
		}
	}
	admin(nil, "account", "create", "--email", "owner@example.org")
	var in struct{ ID, Password string }
	admin(&in, "instance", "create", "--name", "x")
	login := mqtt.Connect{Version: mqtt.V311, Clean: true, ClientID: []byte("in"), User: []byte(in.ID), HasUser: true,
		Password: []byte(in.Password), HasPassword: true, ReceiveMaximum: 65535}
	inside, _, err := dialWith(addr, login)
	if err != nil {
		t.Fatal(err)
	}
	_ = inside.SetDeadline(time.Now().Add(time.Minute))
	inside.subscribe(t, "t", 0)

	var crowd []net.Conn
	leave := func() {
		for _, c := range crowd {
			c.Close()
		}
		crowd = nil
	}
	defer leave()
	for i := range 300 {
		to := []string{addr, https, http}[i%3]
		c, err := net.DialTimeout("tcp", to, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, c)
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		switch to {
		case https:
			conf := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"} // only its descriptor is of interest
			go func() {
				if c := tls.Client(c, conf); c.Handshake() == nil {
					_, _ = io.WriteString(c, "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n") // and stays
				}
			}()
		case http:
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		}
	}
	var list []struct{ ID string }
	admin(&list, "instance", "list")
	if len(list) != 1 || list[0].ID != in.ID {
		t.Errorf("the operator sees %+v", list)
	}
	admin(nil, "user", "create", in.ID, "made-in-the-crowd")
	for i := range 10 {
		if err := inside.publish("t", uint16(i+1), "x"); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the message and its acknowledgement
			if _, err := inside.read(); err != nil {
				t.Fatalf("who is in is not served: %v\n%s", err, s.printed())
			}
		}
	}
	if c, _, err := dialWith(addr, mqtt.Connect{Version: mqtt.V311, Clean: true, ClientID: []byte("anybody"), ReceiveMaximum: 65535}); err == nil {
		c.Close()
		t.Error("without descriptors the server lets anybody in")
	}
	leave()
	for end := time.Now().Add(30 * time.Second); ; {
		login.ClientID = []byte("late")
		c, _, err := dialWith(addr, login)
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatalf("nobody gets in when the crowd has gone: %v\n%s", err, s.printed())
		}
	}
	if text := s.printed(); strings.Contains(text, "goroutine ") || strings.Contains(text, "panic") {
		t.Error(text)
	}
}
