// Package jwt judges signed tokens (RFC 7519) that stand for a login: which key, which algorithm, which time, for whom.
// It knows public keys only and makes no tokens. Signatures are checked by go-jose; what a token must say is ours.
package jwt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// Algorithm is how a token is signed. Each key has one, so that a token can't choose [RFC 8725, 3.1].
type Algorithm string

// The algorithms. Nothing else is known: neither "none" nor HMAC, whose key would be a secret that both sides hold.
const (
	EdDSA Algorithm = "EdDSA" // Ed25519
	ES256 Algorithm = "ES256" // ECDSA with P-256 and SHA-256
	RS256 Algorithm = "RS256" // RSA PKCS #1 v1.5 with SHA-256, of 2048 to 8192 bits
)

// Bounds of keys.
const (
	MaxKeyText = 16 << 10 // bytes of a PEM or JWK
	MaxSetText = 256 << 10
	MaxSetKeys = 64 // usable keys of a set; those beyond are an error
	maxKeyID   = 256
	leastRSA   = 2048
	mostRSA    = 8192
)

// Key is a public key with its one algorithm. ID is the "kid" that a token names it by.
type Key struct {
	ID        string
	Algorithm Algorithm
	Public    crypto.PublicKey
}

// ErrKey is wrapped by the errors of a key that can't be used; their texts are for the person who gave it.
var ErrKey = errors.New("not a usable public key")

// NewKey makes a key of a public key; its kind tells the algorithm. Without an id its thumbprint (RFC 7638) is the id.
func NewKey(id string, public crypto.PublicKey) (Key, error) {
	k := Key{ID: id, Public: public}
	switch p := public.(type) {
	case ed25519.PublicKey:
		if len(p) != ed25519.PublicKeySize {
			return Key{}, fmt.Errorf("%w: an Ed25519 key has 32 bytes", ErrKey)
		}
		k.Algorithm = EdDSA
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return Key{}, fmt.Errorf("%w: of the elliptic curves only P-256 (ES256)", ErrKey)
		}
		if _, err := p.ECDH(); err != nil { // on the curve
			return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
		}
		k.Algorithm = ES256
	case *rsa.PublicKey:
		if n := p.N.BitLen(); n < leastRSA || n > mostRSA || p.E < 3 || p.E%2 == 0 {
			return Key{}, fmt.Errorf("%w: an RSA key needs %d to %d bits and an odd exponent", ErrKey, leastRSA, mostRSA)
		}
		k.Algorithm = RS256
	default:
		return Key{}, fmt.Errorf("%w: want Ed25519, ECDSA P-256 or RSA, not %T", ErrKey, public)
	}
	if k.ID == "" {
		sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
		if err != nil {
			return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
		}
		k.ID = base64.RawURLEncoding.EncodeToString(sum)
	}
	if len(k.ID) > maxKeyID {
		return Key{}, fmt.Errorf("%w: its id is longer than %d bytes", ErrKey, maxKeyID)
	}
	return k, nil
}

// ParseKey reads one public key: PEM (PUBLIC KEY, RSA PUBLIC KEY, CERTIFICATE) or a JWK. A private key is refused: it
// has no business here.
func ParseKey(id string, text []byte) (Key, error) {
	if len(text) > MaxKeyText {
		return Key{}, fmt.Errorf("%w: longer than %d bytes", ErrKey, MaxKeyText)
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return parseJWK(id, text)
	}
	block, rest := pem.Decode(text)
	if block == nil {
		return Key{}, fmt.Errorf("%w: want PEM (-----BEGIN PUBLIC KEY-----) or a JWK", ErrKey)
	}
	if next, _ := pem.Decode(rest); next != nil {
		return Key{}, fmt.Errorf("%w: more than one PEM block", ErrKey)
	}
	var public crypto.PublicKey
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var crt *x509.Certificate
		if crt, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = crt.PublicKey
		}
	default:
		return Key{}, fmt.Errorf("%w: a PEM block %q; want PUBLIC KEY", ErrKey, block.Type)
	}
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return NewKey(id, public)
}

func parseJWK(id string, text []byte) (Key, error) {
	var j jose.JSONWebKey
	if err := j.UnmarshalJSON(text); err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if !j.IsPublic() {
		return Key{}, fmt.Errorf("%w: this is a private or secret key; give the public one, and change that one", ErrKey)
	}
	return fromJWK(id, j)
}

// fromJWK wants a key that is meant for signatures, and for the algorithm that its kind has here.
func fromJWK(id string, j jose.JSONWebKey) (Key, error) {
	if id == "" {
		id = j.KeyID
	}
	k, err := NewKey(id, j.Key)
	switch {
	case err != nil:
		return Key{}, err
	case j.Use != "" && j.Use != "sig":
		return Key{}, fmt.Errorf("%w: its use is %q", ErrKey, j.Use)
	case j.Algorithm != "" && j.Algorithm != string(k.Algorithm):
		return Key{}, fmt.Errorf("%w: its algorithm is %q, want %s", ErrKey, j.Algorithm, k.Algorithm)
	}
	return k, nil
}

// ParseSet reads a JWKS. Keys of other kinds and uses are passed over, as RFC 7517 wants it; a set without any usable
// key is an error.
func ParseSet(text []byte) ([]Key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(text) > MaxSetText {
		return nil, fmt.Errorf("%w: a key set of more than %d bytes", ErrKey, MaxSetText)
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("%w: not a JSON Web Key Set: %w", ErrKey, err)
	}
	var keys []Key
	seen := map[string]bool{}
	for _, raw := range set.Keys {
		if len(raw) > MaxKeyText {
			continue
		}
		k, err := parseJWK("", raw)
		if err != nil || seen[k.ID] {
			continue
		}
		if len(keys) == MaxSetKeys {
			return nil, fmt.Errorf("%w: a key set of more than %d usable keys", ErrKey, MaxSetKeys)
		}
		seen[k.ID] = true
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: a key set without an Ed25519, P-256 or RSA signature key", ErrKey)
	}
	return keys, nil
}
