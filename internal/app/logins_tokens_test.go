package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// signToken makes a token of ES256.
func signToken(t *testing.T, key *ecdsa.PrivateKey, kid string, claims map[string]any) string {
	t.Helper()
	head, err1 := json.Marshal(map[string]string{"alg": "ES256", "kid": kid})
	body, err2 := json.Marshal(claims)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func TestTokensAsLogin(t *testing.T) {
	w := serveWorld(t)
	id, password := w.instance()
	w.admin(nil, "user", "create", id, "dev1")
	w.admin(nil, "rule", "create", id, "allow", "both", "dev1/#", "--user", "dev1")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	var added struct{ ID, Algorithm string }
	w.admin(&added, "token-key", "add", id, "--key", file, "--kid", "k1")
	if added.Algorithm != "ES256" {
		t.Errorf("algorithm %q", added.Algorithm)
	}
	claims := func(more ...any) map[string]any {
		c := map[string]any{"sub": "dev1", "aud": id, "exp": time.Now().Add(time.Hour).Unix()}
		for i := 0; i < len(more); i += 2 {
			c[more[i].(string)] = more[i+1]
		}
		return c
	}
	good := signToken(t, key, "k1", claims())
	if a, err := connect(w.dial(w.mqtts, w.tls(id+".localhost")), mqtt.Connect{Password: []byte(good)}); err != nil || a.Reason == mqtt.Success {
		t.Errorf("tokens are off, and one was let in: %v, %v", a.Reason, err)
	}
	w.admin(nil, "login", "set", id, "--token")
	for door, open := range w.doors(id, nil) {
		if door == "plain" {
			continue
		}
		for _, user := range []string{id + ":", id + ":dev1"} {
			c := open()
			if a, err := connect(c, mqtt.Connect{User: []byte(user), Password: []byte(good)}); err != nil || a.Reason != mqtt.Success {
				t.Errorf("%s as %q: %v %q, %v", door, user, a.Reason, a.ReasonString, err)
			}
			c.Close() // the plan has room for ten
		}
	}
	w.loginWith(w.dial(w.mqtts, w.tls(id+".localhost")), mqtt.Connect{Password: []byte(good)}) // no user name at all

	for name, tt := range map[string]struct {
		user  string
		token string
	}{
		"another's name":    {id, good},
		"another audience":  {"", signToken(t, key, "k1", claims("aud", "zzzzzzzz"))},
		"over":              {"", signToken(t, key, "k1", claims("exp", time.Now().Add(-2*time.Minute).Unix()))},
		"unknown kid":       {"", signToken(t, key, "k2", claims())},
		"no such user":      {"", signToken(t, key, "k1", claims("sub", "nobody"))},
		"the web client":    {"", signToken(t, key, "k1", claims("sub", "web-client"))},
		"another client id": {"", signToken(t, key, "k1", claims("client_id", "c2"))},
		"acl of nonsense":   {"", signToken(t, key, "k1", claims("acl", map[string]any{"publish": []string{"a/#/b"}}))},
	} {
		a, err := connect(w.dial(w.mqtts, w.tls(id+".localhost")), mqtt.Connect{ClientID: []byte("c1"), User: []byte(tt.user), Password: []byte(tt.token)})
		if err != nil || a.Reason != mqtt.BadUserNameOrPassword {
			t.Errorf("%s: %v, %v", name, a.Reason, err)
		}
	}
	w.login(w.dial(w.mqtts, w.tls(id+".localhost")), id, password)

	narrow := w.dial(w.mqtts, w.tls(id+".localhost"))
	w.loginWith(narrow, mqtt.Connect{Password: []byte(signToken(t, key, "k1", claims("acl", map[string]any{"subscribe": []string{"dev1/in/#", "other/#"}})))})
	if got := subscribe(t, narrow, "dev1/in/x", "dev1/out", "other/x", "dev1/#"); got != "00 87 87 87" {
		t.Errorf("with a narrow token: SUBACK %s", got)
	}
	w.admin(nil, "rule", "create", id, "allow", "both", "more/#", "--user", "dev1") // judged again, and still narrow
	if got := subscribe(t, narrow, "more/x", "dev1/in/y"); got != "87 00" {
		t.Errorf("after a change of rules: SUBACK %s", got)
	}

	short := w.dial(w.mqtts, w.tls(id+".localhost"))
	w.loginWith(short, mqtt.Connect{Password: []byte(signToken(t, key, "k1", claims("exp", time.Now().Add(2*time.Second).Unix())))})
	if f, err := readFrame(short); err != nil || f.Type() != mqtt.DISCONNECT {
		t.Errorf("the connection outlives its token: %v, %v", f.Type(), err)
	}
	w.admin(nil, "token-key", "delete", id, added.ID)
	if f, err := readFrame(narrow); err != nil || f.Type() != mqtt.DISCONNECT {
		t.Errorf("a connection outlives its key: %v, %v", f.Type(), err)
	}
	if strings.Contains(w.log.String(), good[:40]) || strings.Contains(w.log.String(), password) {
		t.Error("the log has a secret")
	}
}

// TestKeySets logs in by keys that lie elsewhere, which only the setting lets be fetched from inside.
// TestKeySets runs in a process of its own: Go reads the system's authorities once, and other tests ask for them, too.
func TestKeySets(t *testing.T) {
	if os.Getenv("SSL_CERT_FILE") == "" || os.Getenv("KEY_SETS") == "" {
		site := httptest.NewTLSServer(nil) // every one has the same certificate
		site.Close()
		pool := filepath.Join(t.TempDir(), "pool.pem")
		if err := os.WriteFile(pool, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKeySets$", "-test.count=1")
		cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+pool, "KEY_SETS=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(rw, `{"keys":[{"kty":"EC","crv":"P-256","kid":"s1","x":%q,"y":%q}]}`,
			base64.RawURLEncoding.EncodeToString(b[1:33]), base64.RawURLEncoding.EncodeToString(b[33:]))
	}))
	defer site.Close()
	site.Config.ErrorLog = nil
	inside := serveWorld(t, "--fetch-allow", "127.0.0.1")
	id, _ := inside.instance()
	inside.admin(nil, "user", "create", id, "dev1")
	inside.admin(nil, "login", "set", id, "--token")
	inside.admin(nil, "token-key", "add", id, "--url", site.URL)
	for kid, want := range map[string]mqtt.Reason{"s1": mqtt.Success, "s2": mqtt.BadUserNameOrPassword} {
		token := signToken(t, key, kid, map[string]any{"sub": "dev1", "aud": id, "exp": time.Now().Add(time.Hour).Unix()})
		a, err := connect(inside.dial(inside.mqtts, inside.tls(id+".localhost")), mqtt.Connect{Password: []byte(token)})
		if err != nil || a.Reason != want {
			t.Errorf("kid %s of a key set: %v, %v\n%s", kid, a.Reason, err, inside.log)
		}
	}

	w := serveWorld(t)
	id, _ = w.instance()
	w.admin(nil, "user", "create", id, "dev1")
	w.admin(nil, "login", "set", id, "--token")
	w.admin(nil, "token-key", "add", id, "--url", site.URL)
	token := signToken(t, key, "s1", map[string]any{"sub": "dev1", "aud": id, "exp": time.Now().Add(time.Hour).Unix()})
	a, err := connect(w.dial(w.mqtts, w.tls(id+".localhost")), mqtt.Connect{Password: []byte(token)})
	if err != nil || a.Reason != mqtt.ServerBusy {
		t.Errorf("a key set inside was fetched: %v, %v", a.Reason, err)
	}
	if !strings.Contains(w.log.String(), "inside the platform's network") {
		t.Errorf("the log doesn't say why: %s", w.log)
	}
}
