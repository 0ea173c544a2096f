package app

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAlarmsOfConnections: a webhook that was made first gets each level of a limit once, signed, and the owner a letter for
// each.
func TestAlarmsOfConnections(t *testing.T) {
	type call struct {
		signed string // what the signature is over
		header http.Header
		body   struct {
			Type, Quota string
			Level       int
		}
	}
	calls := make(chan call, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		c := call{header: r.Header, signed: r.Header.Get("Webhook-Id") + "." + r.Header.Get("Webhook-Timestamp") + "." + string(raw)}
		if err != nil || json.Unmarshal(raw, &c.body) != nil {
			t.Errorf("%v: %s", err, raw)
		}
		calls <- c
	}))
	defer receiver.Close()
	config := filepath.Join(t.TempDir(), "tsunagi.toml")
	plan := "[[plans]]\nid = \"tiny\"\nname = \"Tiny\"\ndefault = true\nconnections = 4\nhooks = 2\nhook_calls = 100\n"
	if err := os.WriteFile(config, []byte(plan), 0o600); err != nil {
		t.Fatal(err)
	}
	w := serveWorld(t, "--config", config, "--hook-allow", "127.0.0.1")
	owner := w.caller()
	id, password := w.instance()
	var made struct{ Secret string }
	owner.want("POST", "/instances/"+id+"/hooks", map[string]any{"name": "alarms", "events": []string{"quota"},
		"condition": "payload.quota = connections", "action": "post", "url": receiver.URL}, 201, &made)
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(made.Secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	next := func(level int) {
		t.Helper()
		select {
		case c := <-calls:
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(c.signed))
			if c.body.Type != "quota" || c.body.Quota != "connections" || c.body.Level != level ||
				c.header.Get("Webhook-Signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
				t.Errorf("%+v, want level %d", c, level)
			}
		case <-time.After(90 * time.Second):
			t.Fatalf("no call at %d %%\n%s", level, w.log)
		}
	}
	for i := range 3 {
		w.device(id, password, fmt.Sprint("device", i), false)
	}
	next(75)
	w.device(id, password, "device3", false)
	next(100)
	if code := w.stop(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	letters := 0
	files, err := filepath.Glob(filepath.Join(w.data, "mail", "*.eml"))
	for _, name := range files {
		if raw, err := os.ReadFile(name); err == nil && strings.Contains(string(raw), "/instances/"+id+"/statistics") {
			letters++
		}
	}
	if err != nil || letters != 2 || len(calls) != 0 {
		t.Errorf("%d letters, %d more calls, %v", letters, len(calls), err)
	}
}
