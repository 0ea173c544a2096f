package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tsunagi/internal/account"
	"tsunagi/internal/oidc"
)

// hostile is a provider that says what a test wants.
type hostile struct {
	server *httptest.Server

	mu    sync.Mutex // guards the rest
	key   *rsa.PrivateKey
	kid   string
	about map[string]any // beside what it needs
	token string         // for any code
	info  map[string]any
	keys  int // times that its keys were read
}

func newHostile(t *testing.T) *hostile {
	t.Helper()
	h := &hostile{about: map[string]any{}, info: map[string]any{}}
	h.turn(t, "one")
	mux := http.NewServeMux()
	h.server = httptest.NewTLSServer(mux)
	t.Cleanup(h.server.Close)
	say := func(path string, what func() any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			h.mu.Lock()
			defer h.mu.Unlock()
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(what())
		})
	}
	say("/.well-known/openid-configuration", func() any {
		u := h.server.URL
		out := map[string]any{"issuer": u, "authorization_endpoint": u + "/auth", "token_endpoint": u + "/token", "jwks_uri": u + "/keys", "userinfo_endpoint": u + "/info",
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}}
		maps.Copy(out, h.about)
		return out
	})
	say("/token", func() any { return map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": h.token} })
	say("/info", func() any { return h.info })
	say("/keys", func() any {
		h.keys++
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: h.key.Public(), KeyID: h.kid, Algorithm: "RS256", Use: "sig"}}}
	})
	mux.HandleFunc("/elsewhere/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, h.server.URL+"/token", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"access_token":"` + strings.Repeat("x", 1<<20) + `"}`))
	})
	return h
}

// turn gives it another key.
func (h *hostile) turn(t *testing.T, kid string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.key, h.kid = key, kid
}

func (h *hostile) desk(t *testing.T) *desk {
	pool := x509.NewCertPool()
	pool.AddCert(h.server.Certificate())
	return newDesk(t, oidc.Provider{Issuer: h.server.URL, ClientID: "us", Secret: "s", TLS: &tls.Config{RootCAs: pool}}, loopback)
}

// good are the claims of a token that is as it should be.
func (h *hostile) good() map[string]any {
	now := time.Now()
	return map[string]any{"iss": h.server.URL, "sub": "ann", "aud": "us", "nonce": ask.Nonce, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"email": "ann@example.org", "email_verified": true}
}

func (h *hostile) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	return signed(t, jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: h.key, KeyID: h.kid}}, claims)
}

func signed(t *testing.T, key jose.SigningKey, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := out.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (h *hostile) end(t *testing.T, d *desk, token string) (account.Proved, error) {
	h.mu.Lock()
	h.token = token
	h.mu.Unlock()
	return d.End(t.Context(), "real", ask, account.ProviderAnswer{Code: "x"})
}

// TestTamperedTokens changes one thing of a good token at a time.
func TestTamperedTokens(t *testing.T) {
	h := newHostile(t)
	d := h.desk(t)
	if who, err := h.end(t, d, h.sign(t, h.good())); err != nil || who.Subject != "ann" || who.Email != "ann@example.org" {
		t.Fatalf("a good token: %+v, %v\n%s", who, err, d.log)
	}
	now := time.Now()
	for _, tt := range []struct {
		name  string
		claim map[string]any // nil values are left out
		key   string
	}{
		{"nonce of another visit", map[string]any{"nonce": "other"}, "wrong"},
		{"no nonce", map[string]any{"nonce": nil}, "wrong"},
		{"aud of another client", map[string]any{"aud": "them"}, "wrong"},
		{"several aud without azp", map[string]any{"aud": []string{"us", "them"}}, "wrong"},
		{"azp of another client", map[string]any{"aud": []string{"us", "them"}, "azp": "them"}, "wrong"},
		{"iss of another", map[string]any{"iss": "https://other.example"}, "issuer"},
		{"iss with a slash", map[string]any{"iss": h.server.URL + "/"}, "issuer"},
		{"over", map[string]any{"exp": now.Add(-2 * time.Minute).Unix()}, "clock"},
		{"no exp", map[string]any{"exp": nil}, "wrong"},
		{"no iat", map[string]any{"iat": nil}, "wrong"},
		{"made tomorrow", map[string]any{"iat": now.Add(24 * time.Hour).Unix()}, "clock"},
		{"made yesterday", map[string]any{"iat": now.Add(-24 * time.Hour).Unix()}, "clock"},
		{"begins tomorrow", map[string]any{"nbf": now.Add(24 * time.Hour).Unix()}, "clock"},
		{"no sub", map[string]any{"sub": nil}, "wrong"},
		{"long sub", map[string]any{"sub": strings.Repeat("x", 256)}, "wrong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claims := h.good()
			for k, v := range tt.claim {
				if claims[k] = v; v == nil {
					delete(claims, k)
				}
			}
			d.t = t
			who, err := h.end(t, d, h.sign(t, claims))
			d.refused(err, tt.key)
			if who != (account.Proved{}) {
				t.Errorf("it proves %+v", who)
			}
		})
	}
	for name, claims := range map[string]map[string]any{
		"clocks a little apart": {"exp": now.Add(-30 * time.Second).Unix(), "iat": now.Add(-3 * time.Minute).Unix()},
		"clock a little ahead":  {"iat": now.Add(30 * time.Second).Unix()},
		"verified as a text":    {"email_verified": "true"},
		"azp of ours":           {"aud": []string{"us", "them"}, "azp": "us"},
	} {
		all := h.good()
		maps.Copy(all, claims)
		if who, err := h.end(t, d, h.sign(t, all)); err != nil || who.Email != "ann@example.org" {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
}

// TestForgedSignatures signs with nothing, with what is public, and with somebody's own key.
func TestForgedSignatures(t *testing.T) {
	h := newHostile(t)
	d := h.desk(t)
	raw, err := json.Marshal(h.good())
	if err != nil {
		t.Fatal(err)
	}
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(raw) + "."
	public := x509.MarshalPKCS1PublicKey(&h.key.PublicKey)
	confused := signed(t, jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: public, KeyID: h.kid}}, h.good())
	mine, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	own := signed(t, jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: mine, KeyID: h.kid}}, h.good())
	good := h.sign(t, h.good())
	for name, token := range map[string]string{"none": none, "HS256 with the public key": confused, "own key": own, "cut": good[:len(good)-8],
		"empty": "", "long": strings.Repeat("x", 64<<10)} {
		if _, err := h.end(t, d, token); err == nil {
			t.Errorf("%s: taken", name)
		} else {
			d.refused(err, "wrong")
		}
	}
}

// TestKeysAreTurned takes a token of a key that the provider has only just begun to use.
func TestKeysAreTurned(t *testing.T) {
	h := newHostile(t)
	d := h.desk(t)
	for _, kid := range []string{"one", "two"} {
		if kid != h.kid {
			h.turn(t, kid)
		}
		for range 3 {
			if _, err := h.end(t, d, h.sign(t, h.good())); err != nil {
				t.Fatal(err, d.log)
			}
		}
	}
	if h.keys != 2 {
		t.Errorf("keys read %d times, want one for each", h.keys)
	}
}

// TestUserInfo asks it for an e-mail that the token hasn't, and believes it about nobody else.
func TestUserInfo(t *testing.T) {
	h := newHostile(t)
	d := h.desk(t)
	bare := h.good()
	delete(bare, "email")
	for _, tt := range []struct {
		info  map[string]any
		email string
		key   string
	}{
		{map[string]any{"sub": "ann", "email": "Ann@Example.org", "email_verified": "true"}, "ann@example.org", ""},
		{map[string]any{"sub": "ann", "email": "ann@example.org"}, "", ""},
		{map[string]any{"sub": "ann", "email": "\"x\" <a@b.example>", "email_verified": true}, "", ""},
		{map[string]any{"sub": "bob", "email": "bob@example.org", "email_verified": true}, "", "wrong"},
	} {
		h.mu.Lock()
		h.info = tt.info
		h.mu.Unlock()
		who, err := h.end(t, d, h.sign(t, bare))
		if tt.key != "" {
			d.refused(err, tt.key)
		} else if err != nil || who.Email != tt.email {
			t.Errorf("%v: %+v, %v", tt.info, who, err)
		}
	}
}

// TestDescriptions has the provider say odd things of itself.
func TestDescriptions(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		about     map[string]any
		begins    bool
	}{
		{"another issuer", "issuer", map[string]any{"issuer": "https://other.example"}, false},
		{"plain token endpoint", "setup", map[string]any{"token_endpoint": "http://127.0.0.1/token"}, false},
		{"keys from a file", "setup", map[string]any{"jwks_uri": "file:///etc/passwd"}, false},
		{"plain user info", "setup", map[string]any{"userinfo_endpoint": "http://127.0.0.1/info"}, false},
		{"too long", "down", map[string]any{"x": strings.Repeat("x", 1<<20)}, false},
		{"iss promised and missing", "issuer", map[string]any{"authorization_response_iss_parameter_supported": true}, true},
		{"sends on elsewhere", "down", map[string]any{"token_endpoint": "/elsewhere/"}, true},
		{"endless answer", "wrong", map[string]any{"token_endpoint": "/endless"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			for k, v := range tt.about {
				if s, ok := v.(string); ok && strings.HasPrefix(s, "/") {
					v = h.server.URL + s
				}
				h.about[k] = v
			}
			d := h.desk(t)
			if _, err := d.Begin(t.Context(), "real", ask); !tt.begins {
				d.refused(err, tt.key)
				return
			} else if err != nil {
				t.Fatal(err)
			}
			_, err := h.end(t, d, h.sign(t, h.good()))
			d.refused(err, tt.key)
		})
	}
}

// TestSignedInAnew is a visit that wants its person to have signed in at the provider since it began.
func TestSignedInAnew(t *testing.T) {
	h := newHostile(t)
	d := h.desk(t)
	now := time.Now()
	anew := ask
	anew.Since = now
	address, err := d.Begin(t.Context(), "real", anew)
	if err != nil || !strings.Contains(address, "max_age=0") || !strings.Contains(address, "prompt=login") {
		t.Fatalf("address %q, %v", address, err)
	}
	if address, err := d.Begin(t.Context(), "real", ask); err != nil || strings.Contains(address, "prompt=") {
		t.Errorf("a usual visit: %q, %v", address, err)
	}
	for _, tt := range []struct {
		name string
		at   any
		good bool
	}{
		{"just now", now.Unix(), true},
		{"clocks a little apart", now.Add(-30 * time.Second).Unix(), true},
		{"an hour ago", now.Add(-time.Hour).Unix(), false},
		{"no word of it", nil, false},
	} {
		claims := h.good()
		if tt.at != nil {
			claims["auth_time"] = tt.at
		}
		token := h.sign(t, claims)
		h.mu.Lock()
		h.token = token
		h.mu.Unlock()
		who, err := d.End(t.Context(), "real", anew, account.ProviderAnswer{Code: "x"})
		if tt.good && (err != nil || who.Subject != "ann") {
			t.Errorf("%s: %+v, %v", tt.name, who, err)
		}
		if !tt.good {
			d.refused(err, "not_anew")
		}
	}
}
