package jwt

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Bounds of tokens.
const (
	MaxToken = 8 << 10          // bytes
	Skew     = 60 * time.Second // by which the clocks of maker and server may differ
	maxTries = 8                // keys that are tried for a token that names none
	maxACL   = 64               // filters of one direction
	maxText  = 1024             // bytes of one text claim that is looked at
	farAway  = 1 << 40          // seconds: no time of a token is later
)

// Policy is what a token must say.
type Policy struct {
	Issuer    string // "iss"; "" for any
	Audience  string // must be among "aud"
	UserClaim string // names the user ["sub"]
}

// Claims are what a token says, as far as it matters here.
type Claims struct {
	Key      Key // that signed it
	User     string
	ClientID string    // claim "client_id"; "" where it isn't bound to one
	Until    time.Time // the login ends then
	ACL      *ACL      // nil: no claim "acl", so nothing is narrowed
}

// ACL are topic filters that narrow a user's rights. A direction without filters allows nothing.
type ACL struct{ Publish, Subscribe []string }

// ErrToken is wrapped by the errors of a token that is refused. Their texts are for a log: they never hold the token.
var ErrToken = errors.New("the token is refused")

func refuse(format string, a ...any) error {
	return fmt.Errorf("%w: %w", ErrToken, fmt.Errorf(format, a...))
}

// Looks says whether a password could be a token: three parts of base64url, the first of which begins an object.
func Looks(password string) bool {
	return strings.HasPrefix(password, "ey") && strings.Count(password, ".") == 2
}

// Token is one that has been taken apart and not judged yet.
type Token struct {
	signature *jose.JSONWebSignature
	kid       string
	algorithm Algorithm
}

// Parse takes a compact token apart. What its header says besides algorithm and key id (keys, addresses of keys) is
// never used; a critical extension is refused.
func Parse(text string) (*Token, error) {
	if len(text) > MaxToken {
		return nil, refuse("it is longer than %d bytes", MaxToken)
	}
	s, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256})
	if err != nil {
		return nil, refuse("it is not one signed with EdDSA, ES256 or RS256")
	}
	if len(s.Signatures) != 1 {
		return nil, refuse("it has %d signatures", len(s.Signatures))
	}
	h := s.Signatures[0].Protected
	return &Token{s, h.KeyID, Algorithm(h.Algorithm)}, nil
}

// KeyID is the id of the key that the token names; "" for none.
func (t *Token) KeyID() string { return t.kid }

// Judge checks signature, times and contents against the keys. A token that names a key is judged by that one alone;
// one that names none is tried with the keys of its algorithm.
func (t *Token) Judge(keys []Key, p Policy, now time.Time) (Claims, error) {
	tries, known := 0, false
	for _, k := range keys {
		if t.kid != "" && t.kid != k.ID {
			continue
		}
		known = true
		if k.Algorithm != t.algorithm {
			continue
		}
		if tries++; tries > maxTries {
			return Claims{}, refuse("it names no key, and more than %d could be meant: give it a kid", maxTries)
		}
		if body, err := t.signature.Verify(k.Public); err == nil {
			c, err := read(body, p, now)
			c.Key = k
			return c, err
		}
	}
	switch {
	case tries > 0:
		return Claims{}, refuse("its signature is wrong")
	case known:
		return Claims{}, refuse("it is signed with %s, which is not the algorithm of that key", t.algorithm)
	case t.kid != "":
		return Claims{}, refuse("it names a key that is not known here")
	}
	return Claims{}, refuse("there is no key for it")
}

// read judges what a token says whose signature is good.
func read(body []byte, p Policy, now time.Time) (c Claims, err error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil || all == nil {
		return c, refuse("its body is not a JSON object")
	}
	exp, err := seconds(all, "exp")
	if err != nil {
		return c, err
	}
	if exp.IsZero() {
		return c, refuse("it has no exp")
	}
	nbf, err := seconds(all, "nbf")
	if err != nil {
		return c, err
	}
	switch {
	case !now.Before(exp.Add(Skew)):
		return c, refuse("it ended at %s", exp.UTC().Format(time.RFC3339))
	case now.Add(Skew).Before(nbf):
		return c, refuse("it begins at %s", nbf.UTC().Format(time.RFC3339))
	}
	if c.Until = exp; !now.Before(exp) {
		c.Until = exp.Add(Skew)
	}
	if p.Issuer != "" {
		if iss, err := text(all, "iss"); err != nil || iss != p.Issuer {
			return c, refuse("its iss is not %q", p.Issuer)
		}
	}
	if !audience(all["aud"], p.Audience) {
		return c, refuse("its aud is not %q", p.Audience)
	}
	claim := p.UserClaim
	if claim == "" {
		claim = "sub"
	}
	if c.User, err = text(all, claim); err != nil || c.User == "" {
		return c, refuse("its %s does not name a user", claim)
	}
	if c.ClientID, err = text(all, "client_id"); err != nil {
		return c, err
	}
	c.ACL, err = readACL(all["acl"])
	return c, err
}

// seconds is a NumericDate; zero where there is none.
func seconds(all map[string]json.RawMessage, name string) (time.Time, error) {
	raw, ok := all[name]
	if !ok {
		return time.Time{}, nil
	}
	var n *float64
	if err := json.Unmarshal(raw, &n); err != nil || n == nil || math.IsNaN(*n) || *n < 1 || *n > farAway {
		return time.Time{}, refuse("its %s is not a time in seconds", name)
	}
	whole, part := math.Modf(*n)
	return time.Unix(int64(whole), int64(part*1e9)), nil
}

// text is a claim that is a string; "" where there is none.
func text(all map[string]json.RawMessage, name string) (string, error) {
	raw, ok := all[name]
	if !ok {
		return "", nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil || len(*s) > maxText {
		return "", refuse("its %s is not a text of at most %d bytes", name, maxText)
	}
	return *s, nil
}

// audience says whether aud, a text or a list of texts, has the wanted one.
func audience(raw json.RawMessage, want string) bool {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one == want && want != ""
	}
	var list []string
	return json.Unmarshal(raw, &list) == nil && want != "" && slices.Contains(list, want)
}

// readACL reads {"publish": [filters], "subscribe": [filters]}. Anything that isn't understood is refused, because it
// was meant to take rights away.
func readACL(raw json.RawMessage) (*ACL, error) {
	if raw == nil {
		return nil, nil
	}
	var all map[string]*[]string
	if err := json.Unmarshal(raw, &all); err != nil || all == nil {
		return nil, refuse(`its acl is not {"publish": [filters], "subscribe": [filters]}`)
	}
	out := &ACL{}
	for name, list := range all {
		var into *[]string
		switch name {
		case "publish":
			into = &out.Publish
		case "subscribe":
			into = &out.Subscribe
		default:
			return nil, refuse("its acl has something else than publish and subscribe")
		}
		if list == nil || len(*list) > maxACL {
			return nil, refuse("its acl wants lists of at most %d filters", maxACL)
		}
		for _, f := range *list {
			if len(f) > maxText {
				return nil, refuse("its acl has a filter of more than %d bytes", maxText)
			}
		}
		*into = *list
	}
	return out, nil
}
