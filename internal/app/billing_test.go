package app

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPaidPlan pays for a plan by API and webhook: it can't be chosen without, and holds once the subscription is active.
func TestPaidPlan(t *testing.T) {
	var metadata string
	stripe := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch _ = r.ParseForm(); r.URL.Path {
		case "/v1/checkout/sessions":
			metadata = fmt.Sprintf(`{"tsunagi_instance":%q,"tsunagi":%q}`, r.PostForm.Get("subscription_data[metadata][tsunagi_instance]"), r.PostForm.Get("subscription_data[metadata][tsunagi]"))
			fmt.Fprint(rw, `{"url":"https://pay.example/session"}`)
		case "/v1/subscriptions/sub_1":
			fmt.Fprintf(rw, `{"id":"sub_1","status":"active","customer":"cus_1","created":1,"metadata":%s,"items":{"data":[{"id":"si_1","price":{"id":"price_pro"}}]}}`, metadata)
		}
	}))
	defer stripe.Close()
	config := filepath.Join(t.TempDir(), "tsunagi.toml")
	text := "[stripe]\nkey = \"sk_test_canary\"\nwebhook_secret = \"whsec_canary\"\nurl = \"" + stripe.URL + "\"\n[[plans]]\nid = \"free\"\nname = \"Free\"\ndefault = true\n" +
		"[[plans]]\nid = \"pro\"\nname = \"Pro\"\nstripe_price = \"price_pro\"\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w := serveWorld(t, "--config", config)
	w.signIn("owner@example.org")
	p := w.signIn("customer@example.org")
	if code := p.api("POST", "/instances", map[string]any{"name": "x", "plan": "pro"}, nil); code != 403 {
		t.Errorf("a paid plan at creation: %d", code)
	}
	var in struct{ ID, Plan string }
	p.api("POST", "/instances", map[string]any{"name": "x"}, &in)
	at := "/instances/" + in.ID
	if code := p.api("PATCH", at, map[string]any{"plan": "pro"}, nil); code != 403 {
		t.Errorf("a paid plan without paying: %d", code)
	}
	var to struct{ URL string }
	if p.api("POST", at+"/checkout", map[string]any{"plan": "pro"}, &to); to.URL != "https://pay.example/session" {
		t.Errorf("checkout: %+v", to)
	}
	hook := func(secret string) int {
		body, now := `{"id":"evt_1","type":"checkout.session.completed","data":{"object":{"object":"checkout.session","id":"cs_1","subscription":"sub_1"}}}`, time.Now().Unix()
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d.%s", now, body)
		r, err := http.NewRequestWithContext(t.Context(), "POST", "https://"+strings.Replace(w.https, "127.0.0.1", "localhost", 1)+"/api/stripe/webhook", bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", now, hex.EncodeToString(mac.Sum(nil))))
		answer, err := w.client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	if code := hook("whsec_guessed"); code != 400 {
		t.Errorf("an event of nobody: %d", code)
	}
	if code := hook("whsec_canary"); code != 204 {
		t.Errorf("an event: %d\n%s", code, w.log)
	}
	if p.api("GET", at, nil, &in); in.Plan != "pro" {
		t.Errorf("paid, and in the plan %s", in.Plan)
	}
	var how struct {
		Available    bool
		Status, Plan string
	}
	if p.api("GET", at+"/billing", nil, &how); !how.Available || how.Status != "active" || how.Plan != "pro" {
		t.Errorf("billing %+v", how)
	}
	if strings.Contains(w.log.String(), "canary") {
		t.Error("a secret is in the log")
	}
}
