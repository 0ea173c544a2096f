package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoadOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tsunagi.toml")
	text := "https = \":1001\"\nmqtts = \":1002\"\nhttp = \":1003\"\n[connect]\npatience = \"20s\"\n[[regions]]\nid = \"tokyo\"\nname = \"Tokyo\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var s Serve
	rest, err := Load(&s, []string{"--config", file, "--http=:3003", "left"}, []string{"TSUNAGI_MQTTS=:2002", "TSUNAGI_HTTP=:2003", "HOME=/"})
	if err != nil {
		t.Fatal(err)
	}
	if s.HTTPS != ":1001" || s.MQTTS != ":2002" || s.HTTP != ":3003" || s.MQTT != ":1883" {
		t.Errorf("default, file, environment, flag: got %q %q %q %q", s.MQTT, s.HTTPS, s.MQTTS, s.HTTP)
	}
	if s.Connect.Patience != 20*time.Second || s.Dev || len(s.Regions) != 1 || s.Regions[0].Name != "Tokyo" {
		t.Errorf("patience %v dev %v regions %v", s.Connect.Patience, s.Dev, s.Regions)
	}
	if len(rest) != 1 || rest[0] != "left" {
		t.Errorf("arguments left over = %q", rest)
	}
	if len(s.Plans) == 0 || s.Plans[0].Connections != 10 {
		t.Errorf("plans = %+v, want the free plan of 10 connections first", s.Plans)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	tests := []struct {
		name string
		args []string
		env  []string
		want []string // all of these in the error
	}{
		{"unknown key in the file", []string{"--config", write("a.toml", "htps = \":1\"\n")}, nil, []string{"htps", "no such setting"}},
		{"unknown variable", nil, []string{"TSUNAGI_HTPS=:1"}, []string{"TSUNAGI_HTPS", "no such setting"}},
		{"unknown flag", []string{"--htps", ":1"}, nil, []string{"htps"}},
		{"broken file", []string{"--config", write("b.toml", "data = \"x\nhttp=1")}, nil, []string{"line 1"}},
		{"missing file", []string{"--config", filepath.Join(dir, "none.toml")}, nil, []string{"none.toml"}},
		{"port", []string{"--mqtts", "8883"}, nil, []string{"mqtts", `"8883"`, "host:port"}},
		{"port range", []string{"--mqtts", ":88830"}, nil, []string{"mqtts", "88830"}},
		{"choice", nil, []string{"TSUNAGI_SIGN_UP=maybe"}, []string{"sign_up", "maybe", "open, invite, closed"}},
		{"duration", []string{"--connect-patience", "soon"}, nil, []string{"connect.patience", "soon", "10s"}},
		{"number", []string{"--smtp-port", "x"}, nil, []string{"smtp.port", "whole number"}},
		{"two faults at once", []string{"--language", "fr", "--log-level", "loud"}, nil, []string{"language", "log.level"}},
		{"key without certificate", []string{"--tls-key", "k.pem"}, nil, []string{"tls.cert", "both or neither"}},
		{"certificates for this machine's name", []string{"--tls-acme", "--tls-email", "a@example.org"}, nil, []string{"domain \"localhost\" with tls.acme", "public DNS"}},
		{"certificates for nobody", []string{"--tls-acme", "--domain", "example.org"}, nil, []string{"tls.email"}},
		{"records for nothing", []string{"--dns-provider", "exec"}, nil, []string{"dns.provider", "tls.acme"}},
		{"unknown provider", []string{"--tls-acme", "--tls-email", "a@example.org", "--domain", "example.org", "--dns-provider", "x"}, nil, []string{"dns.provider", "rfc2136, webhook, exec"}},
		{"directory in clear", []string{"--tls-acme", "--tls-email", "a@example.org", "--domain", "example.org", "--tls-directory", "http://ca.example"}, nil, []string{"tls.directory", "https"}},
		{"plain for the network", []string{"--plain", "--mqtt", ":1883", "--http", "off"}, nil, []string{"mqtt \":1883\" with plain", "loopback"}},
		{"two default plans", []string{"--config", write("c.toml", "[[plans]]\nid=\"a\"\nname=\"A\"\ndefault=true\n[[plans]]\nid=\"b\"\nname=\"B\"\ndefault=true\n")}, nil, []string{"exactly one"}},
		{"dev beyond loopback", []string{"--dev", "--mqtt", ":1883"}, nil, []string{"mqtt", "loopback"}},
		{"mail in clear", []string{"--smtp-host", "mail.example.org", "--smtp-from", "a@b.c", "--smtp-security", "none"}, nil, []string{"smtp.security", "loopback"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Serve
			_, err := Load(&s, tt.args, tt.env)
			if err == nil {
				t.Fatal("was accepted")
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}

func TestFlowLogin(t *testing.T) {
	for address, ok := range map[string]bool{"127.0.0.1:1880": true, "[::1]:1880": true, "localhost:0": true, ":1880": false, "0.0.0.0:1880": false} {
		_, err := Load(&Flow{}, []string{"--no-login", "--listen", address}, nil)
		if (err == nil) != ok {
			t.Errorf("--no-login on %s: %v, want accepted %v", address, err, ok)
		}
	}
}

func TestDevDefaults(t *testing.T) {
	var s Serve
	if _, err := Load(&s, []string{"--dev", "--mqtt", "127.0.0.1:0"}, nil); err != nil {
		t.Fatal(err)
	}
	if s.MQTT != "127.0.0.1:0" || s.HTTP != "127.0.0.1:8080" || s.HTTPS != Off || s.MQTTS != Off || s.Data != "" {
		t.Errorf("dev: mqtt %q http %q https %q mqtts %q data %q", s.MQTT, s.HTTP, s.HTTPS, s.MQTTS, s.Data)
	}
}

func TestHelp(t *testing.T) {
	if _, err := Load(&Serve{}, []string{"--help"}, nil); !errors.Is(err, ErrHelp) {
		t.Fatalf("--help: %v", err)
	}
	text := Usage(&Serve{})
	for _, s := range settings(&Serve{}) {
		if s.help == "" {
			t.Errorf("%s has no help", s.key)
		}
		if !s.file && !strings.Contains(text, s.env()) {
			t.Errorf("usage does not name %s", s.env())
		}
	}
}
