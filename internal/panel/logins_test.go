package panel_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

// TestLoginsOverTheAPI walks the way of an instance's people: methods, an authority, a certificate, a key, and back.
func TestLoginsOverTheAPI(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	at := "/api/v1/instances/" + id
	b.want("POST", at+"/users", map[string]any{"name": "dev1"}, 201, nil)

	var l struct {
		Password, Token bool
		Certificate     string
		CertificateUser string `json:"certificate_user"`
	}
	b.want("GET", at+"/logins", nil, 200, &l)
	if !l.Password || l.Token || l.Certificate != "off" || l.CertificateUser != "cn" {
		t.Errorf("a new instance has %+v", l)
	}
	for _, bad := range []map[string]any{{"certificate": "maybe"}, {"password": false}, {"certificate_user": "serial"}, {"token_issuer": "a\nb"}} {
		b.refused("PATCH", at+"/logins", bad, 422, "invalid")
	}
	b.want("PATCH", at+"/logins", map[string]any{"certificate": "required", "token": true}, 200, &l)
	if !l.Password || !l.Token || l.Certificate != "required" {
		t.Errorf("changed to %+v", l)
	}

	b.refused("POST", at+"/client-certificates", map[string]any{"user": "dev1"}, 422, "invalid") // nobody can sign yet
	var made struct {
		Items []struct {
			ID, PEM string
			Own     bool
		}
	}
	b.want("POST", at+"/client-authorities", map[string]any{}, 201, &made)
	if len(made.Items) != 1 || !made.Items[0].Own {
		t.Fatalf("%+v", made)
	}
	b.refused("POST", at+"/client-authorities", map[string]any{"pem": made.Items[0].PEM}, 409, "conflict")
	b.refused("POST", at+"/client-authorities", map[string]any{"pem": "nonsense"}, 422, "invalid")
	b.refused("POST", at+"/client-certificates", map[string]any{"user": "nobody"}, 422, "invalid")
	b.refused("POST", at+"/client-certificates", map[string]any{"user": "dev1", "days": 100_000}, 422, "invalid")
	var c struct{ Authority, Serial, Certificate, Key string }
	b.want("POST", at+"/client-certificates", map[string]any{"user": "dev1", "note": "the gate"}, 201, &c)
	pair, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.Key))
	if err != nil || pair.Leaf.Subject.CommonName != "dev1" || pair.Leaf.SerialNumber.Text(16) != c.Serial {
		t.Fatalf("%v, %+v", err, pair.Leaf)
	}
	var list struct {
		Items []struct {
			Serial    string
			RevokedAt string `json:"revoked_at"`
		}
	}
	_, raw := b.do("GET", at+"/client-certificates", nil)
	if strings.Contains(string(raw), "PRIVATE KEY") || !strings.Contains(string(raw), c.Serial) {
		t.Errorf("list: %s", raw)
	}
	b.refused("POST", at+"/client-certificates/revoke", map[string]any{"authority": c.Authority, "serial": "xyz"}, 422, "invalid")
	b.refused("POST", at+"/client-certificates/revoke", map[string]any{"authority": c.Authority, "serial": "abc"}, 404, "not_found")
	b.want("POST", at+"/client-certificates/revoke", map[string]any{"authority": c.Authority, "serial": c.Serial}, 200, nil)
	for query, n := range map[string]int{"GATE": 1, c.Serial[:6]: 1, "dev": 1, "window": 0} {
		if b.want("GET", at+"/client-certificates?query="+query, nil, 200, &list); len(list.Items) != n {
			t.Errorf("certificates with %q: %+v", query, list)
		}
	}
	b.want("GET", at+"/client-certificates?user=dev1", nil, 200, &list)
	if len(list.Items) != 1 || list.Items[0].RevokedAt == "" {
		t.Errorf("after revoking: %+v", list)
	}

	der, err := x509.MarshalPKIXPublicKey(pair.Leaf.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	for _, bad := range []map[string]any{{}, {"key": c.Key}, {"key": public, "url": "https://id.example/"}, {"url": "http://id.example/"}, {"url": "https://u:p@id.example/"}} {
		b.refused("POST", at+"/token-keys", bad, 422, "invalid")
	}
	var key struct{ ID, Kid, Algorithm string }
	b.want("POST", at+"/token-keys", map[string]any{"key": public}, 201, &key)
	if key.Algorithm != "ES256" || key.Kid == "" {
		t.Errorf("%+v", key)
	}
	b.refused("POST", at+"/token-keys", map[string]any{"key": public}, 409, "conflict")
	b.want("DELETE", at+"/token-keys/"+key.ID, nil, 204, nil)
	b.refused("DELETE", at+"/token-keys/"+key.ID, nil, 404, "not_found")
	b.want("DELETE", at+"/client-authorities/"+c.Authority, nil, 204, nil)

	var token struct{ Token, URL string }
	has := func() bool {
		var logins struct {
			Has bool `json:"metrics_token"`
		}
		b.want("GET", at+"/logins", nil, 200, &logins)
		return logins.Has
	}
	before := has()
	b.want("POST", at+"/metrics-token", nil, 201, &token)
	if before || !has() {
		t.Error("it isn't told whether there is a token for metrics")
	}
	if !strings.HasPrefix(token.Token, "tsm_") || !strings.HasSuffix(token.URL, id+"/metrics") {
		t.Errorf("%+v", token)
	}
	for _, secret := range []string{token.Token, "PRIVATE KEY"} {
		if strings.Contains(w.log.String(), secret) {
			t.Error("a secret in the log")
		}
	}
}
