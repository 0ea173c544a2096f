package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

var b64 = base64.RawURLEncoding

// private are one key of each kind.
var private = sync.OnceValue(func() map[Algorithm]crypto.Signer {
	_, ed, err1 := ed25519.GenerateKey(rand.Reader)
	ec, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, err3 := rsa.GenerateKey(rand.Reader, 2048)
	if err := errors.Join(err1, err2, err3); err != nil {
		panic(err)
	}
	return map[Algorithm]crypto.Signer{EdDSA: ed, ES256: ec, RS256: rs}
})

func keys(t testing.TB) (all []Key) {
	t.Helper()
	for _, a := range []Algorithm{EdDSA, ES256, RS256} {
		k, err := NewKey("key-"+string(a), private()[a].Public())
		if err != nil || k.Algorithm != a {
			t.Fatalf("%s: %+v, %v", a, k, err)
		}
		all = append(all, k)
	}
	return all
}

// sign makes a token by hand, so that also wrong ones can be made.
func sign(t testing.TB, a Algorithm, header, body string) string {
	t.Helper()
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(body))
	var sig []byte
	var err error
	switch key := private()[a].(type) {
	case ed25519.PrivateKey:
		sig = ed25519.Sign(key, []byte(input))
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case *rsa.PrivateKey:
		sum := sha256.Sum256([]byte(input))
		if sig, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]); err != nil {
			t.Fatal(err)
		}
	}
	return input + "." + b64.EncodeToString(sig)
}

var (
	now    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	policy = Policy{Issuer: "https://id.example", Audience: "abcdefgh"}
)

// body is a good one, with changes: "-x" takes a claim out.
func body(changes ...string) string {
	all := map[string]any{"iss": "https://id.example", "aud": "abcdefgh", "sub": "dev1", "exp": now.Add(time.Hour).Unix(), "nbf": now.Unix(), "iat": now.Unix()}
	for i := 0; i < len(changes); i += 2 {
		var v any
		if err := json.Unmarshal([]byte(changes[i+1]), &v); err != nil {
			panic(changes[i+1])
		}
		all[changes[i]] = v
		if changes[i+1] == "null" {
			delete(all, changes[i])
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func judge(token string, ks []Key) (Claims, error) {
	t, err := Parse(token)
	if err != nil {
		return Claims{}, err
	}
	return t.Judge(ks, policy, now)
}

func head(a Algorithm) string { return fmt.Sprintf(`{"alg":%q,"kid":"key-%s","typ":"JWT"}`, a, a) }

func TestGood(t *testing.T) {
	ks := keys(t)
	for _, a := range []Algorithm{EdDSA, ES256, RS256} {
		c, err := judge(sign(t, a, head(a), body()), ks)
		if err != nil || c.User != "dev1" || !c.Until.Equal(now.Add(time.Hour)) || c.ACL != nil || c.Key.ID != "key-"+string(a) {
			t.Errorf("%s: %+v, %v", a, c, err)
		}
		if c, err := judge(sign(t, a, fmt.Sprintf(`{"alg":%q}`, a), body()), ks); err != nil || c.Key.Algorithm != a {
			t.Errorf("%s without kid: %v", a, err)
		}
	}
	for name, tt := range map[string]struct {
		body string
		want func(Claims) bool
	}{
		"aud as a list":      {body("aud", `["other","abcdefgh"]`), func(c Claims) bool { return true }},
		"exp with fractions": {body("exp", fmt.Sprint(now.Unix()+60)+".5"), func(c Claims) bool { return c.Until.Equal(now.Add(60500 * time.Millisecond)) }},
		"just over":          {body("exp", fmt.Sprint(now.Unix()-59)), func(c Claims) bool { return c.Until.Equal(now.Add(time.Second)) }},
		"begins soon":        {body("nbf", fmt.Sprint(now.Unix()+60)), func(c Claims) bool { return true }},
		"no nbf":             {body("nbf", "null"), func(c Claims) bool { return true }},
		"client id":          {body("client_id", `"c1"`), func(c Claims) bool { return c.ClientID == "c1" }},
		"acl": {body("acl", `{"publish":["a/+"],"subscribe":["#"]}`), func(c Claims) bool {
			return c.ACL != nil && len(c.ACL.Publish) == 1 && c.ACL.Subscribe[0] == "#"
		}},
		"acl of nothing": {body("acl", `{}`), func(c Claims) bool { return c.ACL != nil && c.ACL.Publish == nil }},
	} {
		if c, err := judge(sign(t, EdDSA, head(EdDSA), tt.body), ks); err != nil || !tt.want(c) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

// TestAttacks is attack row 17.
func TestAttacks(t *testing.T) {
	ks := keys(t)
	hs := func(header string, secret []byte) string {
		input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(body()))
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(input))
		return input + "." + b64.EncodeToString(m.Sum(nil))
	}
	der, err := x509.MarshalPKIXPublicKey(private()[RS256].Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	none := func(alg string) string {
		return b64.EncodeToString([]byte(`{"alg":"`+alg+`","kid":"key-RS256"}`)) + "." + b64.EncodeToString([]byte(body())) + "."
	}
	_, strange, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	inlineHead := `{"alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"` + b64.EncodeToString(strange.Public().(ed25519.PublicKey)) + `"}}`
	inline := b64.EncodeToString([]byte(inlineHead)) + "." + b64.EncodeToString([]byte(body()))
	inline += "." + b64.EncodeToString(ed25519.Sign(strange, []byte(inline)))
	good := sign(t, ES256, head(ES256), body())
	sum := sha512.Sum384([]byte("x"))
	psHead := b64.EncodeToString([]byte(`{"alg":"PS256","kid":"key-RS256"}`)) + "." + b64.EncodeToString([]byte(body()))
	digest := sha256.Sum256([]byte(psHead))
	ps, err := rsa.SignPSS(rand.Reader, private()[RS256].(*rsa.PrivateKey), crypto.SHA256, digest[:], nil)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	at := func(name string, d time.Duration) string { return body(name, fmt.Sprint(now.Add(d).Unix())) }
	for name, token := range map[string]string{
		"alg none":                     none("none"),
		"alg None":                     none("None"),
		"no alg":                       b64.EncodeToString([]byte(`{"kid":"key-RS256"}`)) + "." + parts[1] + "." + parts[2],
		"HS256 with the public key":    hs(`{"alg":"HS256","kid":"key-RS256"}`, public),
		"HS256 with the key's DER":     hs(`{"alg":"HS256","kid":"key-RS256"}`, der),
		"HS256 with an empty key":      hs(`{"alg":"HS256"}`, nil),
		"HS384":                        hs(`{"alg":"HS384","kid":"key-RS256"}`, sum[:]),
		"PS256 with an RS256 key":      psHead + "." + b64.EncodeToString(ps),
		"another algorithm's key":      sign(t, ES256, `{"alg":"ES256","kid":"key-RS256"}`, body()),
		"RS256 under an EdDSA kid":     sign(t, RS256, `{"alg":"RS256","kid":"key-EdDSA"}`, body()),
		"unknown kid":                  sign(t, EdDSA, `{"alg":"EdDSA","kid":"other"}`, body()),
		"kid that is a path":           sign(t, EdDSA, `{"alg":"EdDSA","kid":"../../../dev/null"}`, body()),
		"kid that is SQL":              sign(t, EdDSA, `{"alg":"EdDSA","kid":"' or 1=1 --"}`, body()),
		"kid that is a number":         sign(t, EdDSA, `{"alg":"EdDSA","kid":1}`, body()),
		"key in its own header":        inline,
		"critical extension":           sign(t, EdDSA, `{"alg":"EdDSA","kid":"key-EdDSA","crit":["x"],"x":1}`, body()),
		"unencoded body":               sign(t, EdDSA, `{"alg":"EdDSA","kid":"key-EdDSA","crit":["b64"],"b64":false}`, body()),
		"signature of another body":    sign(t, ES256, head(ES256), body("sub", `"dev2"`))[:len(parts[0])+1] + parts[1] + "." + strings.Split(sign(t, ES256, head(ES256), body("sub", `"dev2"`)), ".")[2],
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"signature of zeros":           parts[0] + "." + parts[1] + "." + b64.EncodeToString(make([]byte, 64)),
		"JSON form":                    `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"five parts":                   good + ".a.b",
		"longer than 8 KB":             sign(t, EdDSA, head(EdDSA), body("x", `"`+strings.Repeat("a", 8<<10)+`"`)),
		"no exp":                       sign(t, EdDSA, head(EdDSA), body("exp", "null")),
		"exp null":                     sign(t, EdDSA, head(EdDSA), strings.Replace(body(), `"exp":`, `"exp":null,"was":`, 1)),
		"exp as text":                  sign(t, EdDSA, head(EdDSA), body("exp", `"9999999999"`)),
		"exp 0":                        sign(t, EdDSA, head(EdDSA), body("exp", `0`)),
		"exp without end":              sign(t, EdDSA, head(EdDSA), body("exp", `1e300`)),
		"over":                         sign(t, EdDSA, head(EdDSA), at("exp", -61*time.Second)),
		"not yet":                      sign(t, EdDSA, head(EdDSA), at("nbf", 62*time.Second)),
		"nbf as text":                  sign(t, EdDSA, head(EdDSA), body("nbf", `"x"`)),
		"another audience":             sign(t, EdDSA, head(EdDSA), body("aud", `"other"`)),
		"audience that begins so":      sign(t, EdDSA, head(EdDSA), body("aud", `"abcdefgh2"`)),
		"no audience":                  sign(t, EdDSA, head(EdDSA), body("aud", "null")),
		"audience of numbers":          sign(t, EdDSA, head(EdDSA), body("aud", "[1]")),
		"another issuer":               sign(t, EdDSA, head(EdDSA), body("iss", `"https://evil.example"`)),
		"no issuer":                    sign(t, EdDSA, head(EdDSA), body("iss", "null")),
		"no user":                      sign(t, EdDSA, head(EdDSA), body("sub", "null")),
		"empty user":                   sign(t, EdDSA, head(EdDSA), body("sub", `""`)),
		"user that is a list":          sign(t, EdDSA, head(EdDSA), body("sub", `["dev1"]`)),
		"body that is a list":          sign(t, EdDSA, head(EdDSA), `[]`),
		"body that is null":            sign(t, EdDSA, head(EdDSA), `null`),
		"acl that is null":             sign(t, EdDSA, head(EdDSA), strings.Replace(body(), `{`, `{"acl":null,`, 1)),
		"acl with null":                sign(t, EdDSA, head(EdDSA), body("acl", `{"publish":null}`)),
		"acl that is a text":           sign(t, EdDSA, head(EdDSA), body("acl", `"#"`)),
		"acl of something else":        sign(t, EdDSA, head(EdDSA), body("acl", `{"pub":["#"]}`)),
		"client id that is no text":    sign(t, EdDSA, head(EdDSA), body("client_id", `5`)),
		"acl of too many":              sign(t, EdDSA, head(EdDSA), body("acl", `{"publish":["a"`+strings.Repeat(`,"a"`, 64)+`]}`)),
		"acl with filter of 2000 byte": sign(t, EdDSA, head(EdDSA), body("acl", `{"publish":["`+strings.Repeat("a", 2000)+`"]}`)),
	} {
		if c, err := judge(token, ks); err == nil {
			t.Errorf("%s: accepted as %+v", name, c)
		} else if !errors.Is(err, ErrToken) || len(err.Error()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := judge(good, nil); err == nil {
		t.Error("accepted without keys")
	}
}

func TestKeys(t *testing.T) {
	for a, p := range private() {
		der, err := x509.MarshalPKIXPublicKey(p.Public())
		if err != nil {
			t.Fatal(err)
		}
		k, err := ParseKey("", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		if err != nil || k.Algorithm != a || k.ID == "" {
			t.Errorf("%s as PEM: %+v, %v", a, k, err)
		}
		jwk, err := (&jose.JSONWebKey{Key: p.Public(), KeyID: "k"}).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if k, err := ParseKey("", jwk); err != nil || k.Algorithm != a || k.ID != "k" {
			t.Errorf("%s as JWK: %+v, %v", a, k, err)
		}
		secret, err := (&jose.JSONWebKey{Key: p}).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseKey("", secret); !errors.Is(err, ErrKey) {
			t.Errorf("%s: a private key was taken: %v", a, err)
		}
		pk8, err := x509.MarshalPKCS8PrivateKey(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseKey("", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pk8})); !errors.Is(err, ErrKey) {
			t.Errorf("%s: a private PEM was taken: %v", a, err)
		}
		wrongUse, err := (&jose.JSONWebKey{Key: p.Public(), Use: "enc"}).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseKey("", wrongUse); !errors.Is(err, ErrKey) {
			t.Errorf("%s: a key for encryption was taken", a)
		}
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err == nil {
		if _, err := NewKey("", small.Public()); !errors.Is(err, ErrKey) {
			t.Error("an RSA key of 1024 bits was taken")
		}
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewKey("", p384.Public()); !errors.Is(err, ErrKey) {
		t.Error("a P-384 key was taken")
	}
	for _, text := range []string{"", "x", `{}`, `{"kty":"oct","k":"c2VjcmV0"}`, `{"kty":"RSA","n":"AQAB","e":"AQAB"}`, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := ParseKey("", []byte(text)); !errors.Is(err, ErrKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSets(t *testing.T) {
	var list []string
	for a, p := range private() {
		raw, err := (&jose.JSONWebKey{Key: p.Public(), KeyID: string(a)}).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(raw))
	}
	ks, err := ParseSet([]byte(`{"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"new"},` + strings.Join(list, ",") + `,` + list[0] + `]}`))
	if err != nil || len(ks) != 3 {
		t.Errorf("%v, %v", ks, err)
	}
	for _, text := range []string{"", "[]", "{}", `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`, `{"keys":"x"}`} {
		if _, err := ParseSet([]byte(text)); !errors.Is(err, ErrKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	ks := keys(f)
	for _, a := range []Algorithm{EdDSA, ES256, RS256} {
		f.Add(sign(f, a, head(a), body("acl", `{"publish":["a"]}`)))
	}
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := judge(token, ks); err != nil && !errors.Is(err, ErrToken) {
			t.Fatal(err)
		}
	})
}

// FuzzClaims reads bodies whose signature is good.
func FuzzClaims(f *testing.F) {
	f.Add(body())
	f.Add(body("acl", `{"publish":["a"]}`, "aud", `["abcdefgh"]`))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := read([]byte(text), policy, now)
		if err == nil && (c.User == "" || !c.Until.After(now)) {
			t.Fatalf("%q became %+v", text, c)
		}
		if err != nil && !errors.Is(err, ErrToken) {
			t.Fatal(err)
		}
	})
}

func FuzzKeySet(f *testing.F) {
	f.Add(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		ks, err := ParseSet([]byte(text))
		if (err == nil) == (len(ks) == 0) {
			t.Fatalf("%d keys, %v", len(ks), err)
		}
		_, _ = ParseKey("", []byte(text))
	})
}
