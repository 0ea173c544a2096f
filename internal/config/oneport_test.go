package config

import (
	"strings"
	"testing"
)

func TestOnePort(t *testing.T) {
	const from = "TSUNAGI_FORWARDED_FROM=10.0.0.0/8"
	tests := []struct {
		name               string
		args, env          []string
		one                bool
		http, https, mqtts string
		domain             string
		fault              string
	}{
		{name: "off", http: ":8080", https: ":8443", mqtts: ":8883"},
		{name: "PORT", env: []string{"PORT=5000", from}, one: true, http: ":5000", https: Off, mqtts: Off},
		{name: "switch", args: []string{"--behind-proxy"}, env: []string{from}, one: true, http: ":8080", https: Off, mqtts: Off},
		{name: "flag wins over PORT", args: []string{"--port", "6000"}, env: []string{"PORT=5000", from}, one: true, http: ":6000", https: Off, mqtts: Off},
		{name: "our variable wins over PORT", env: []string{"PORT=5000", "TSUNAGI_PORT=7000", from}, one: true, http: ":7000", https: Off, mqtts: Off},
		{name: "PORT refused", args: []string{"--port", "off"}, env: []string{"PORT=5000"}, http: ":8080", https: ":8443", mqtts: ":8883"},
		{name: "a door of its own for devices", args: []string{"--mqtts", ":8883"}, env: []string{"PORT=5000", from}, one: true, http: ":5000", https: Off, mqtts: ":8883"},
		{name: "address of http stays", args: []string{"--http", "127.0.0.1:99"}, env: []string{"PORT=5000", from}, one: true, http: "127.0.0.1:99", https: Off, mqtts: Off},
		{name: "dev", args: []string{"--dev"}, env: []string{"PORT=5000"}, http: "127.0.0.1:8080", https: Off, mqtts: Off},
		{name: "name of the platform", env: []string{"RENDER_EXTERNAL_HOSTNAME=x.example.org"}, http: ":8080", https: ":8443", mqtts: ":8883", domain: "x.example.org"},
		{name: "no proxy named", env: []string{"PORT=5000"}, fault: "forwarded_from is empty"},
		{name: "everybody is a proxy", env: []string{"PORT=5000", "TSUNAGI_FORWARDED_FROM=0.0.0.0/0"}, fault: "forwarded_from"},
		{name: "no number", env: []string{"PORT=http", from}, fault: "port's number"},
		{name: "too large", env: []string{"PORT=70000", from}, fault: "port's number"},
		{name: "dev for all", args: []string{"--dev", "--behind-proxy"}, fault: "behind_proxy with dev"},
		{name: "closed", args: []string{"--behind-proxy", "--http", "off"}, env: []string{from}, fault: "proxy connects to"},
		{name: "plain", args: []string{"--behind-proxy", "--plain", "--http", "127.0.0.1:1"}, env: []string{from}, fault: "plain in one-port mode"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Serve
			_, err := Load(&s, tt.args, tt.env)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Fatalf("error %v, want one that says %q", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.domain == "" {
				tt.domain = "localhost"
			}
			if s.BehindProxy != tt.one || s.HTTP != tt.http || s.HTTPS != tt.https || s.MQTTS != tt.mqtts || s.Domain != tt.domain {
				t.Errorf("one port %v, http %q, https %q, mqtts %q, domain %q", s.BehindProxy, s.HTTP, s.HTTPS, s.MQTTS, s.Domain)
			}
		})
	}
}
