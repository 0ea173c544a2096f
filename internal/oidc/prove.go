package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tsunagi/internal/account"
)

const (
	maxSubject = 255             // characters [OpenID Connect Core 1.0, 2]
	maxToken   = 32 << 10        // bytes
	oldest     = 5 * time.Minute // a token is made for a code, just now
)

// Kinds of refusal that a person can do something about.
var (
	errClock  = errors.New("the clocks of provider and server differ")
	errIssuer = errors.New("the token is another issuer's")

	errNotAnew = errors.New("the person didn't sign in anew")
)

// claims are what a token, or the user info, says of a person.
type claims struct {
	Subject   string `json:"sub"`
	Email     string `json:"email"`
	Verified  yes    `json:"email_verified"`
	For       string `json:"azp"`
	NotBefore *stamp `json:"nbf"`
	IssuedAt  *stamp `json:"iat"`
	SignedIn  *stamp `json:"auth_time"`
}

// yes is a truth that some providers write as a text.
type yes bool

func (y *yes) UnmarshalJSON(raw []byte) error {
	*y = string(raw) == "true" || string(raw) == `"true"`
	return nil
}

// stamp is a NumericDate.
type stamp float64

func (s *stamp) time() time.Time { return time.Unix(int64(*s), 0) }

// prove judges what came for the code, and says whom it is about [OpenID Connect Core 1.0, 3.1.3.7].
func (p *provider) prove(ctx context.Context, about *known, ask account.ProviderAsk, got *oauth2.Token) (account.Proved, error) {
	raw, _ := got.Extra("id_token").(string)
	if raw == "" || len(raw) > maxToken {
		return account.Proved{}, errors.New("there is no id_token, or one too long")
	}
	token, err := about.Verifier(&oidc.Config{ClientID: p.ClientID, SkipExpiryCheck: true, SkipIssuerCheck: true}).Verify(ctx, raw)
	if err != nil {
		return account.Proved{}, err
	}
	if token.Issuer != p.Issuer {
		return account.Proved{}, fmt.Errorf("%w: %q", errIssuer, cut(token.Issuer))
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(ask.Nonce)) != 1 {
		return account.Proved{}, errors.New("the token was made for another visit: its nonce is wrong")
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return account.Proved{}, err
	}
	if c.For != "" && c.For != p.ClientID || c.For == "" && len(token.Audience) > 1 {
		return account.Proved{}, errors.New("the token was made for another client: its azp is wrong")
	}
	if token.Subject == "" || len(token.Subject) > maxSubject {
		return account.Proved{}, errors.New("the token has no usable sub")
	}
	if err := p.times(token, c); err != nil {
		return account.Proved{}, err
	}
	if err := anew(ask, c); err != nil {
		return account.Proved{}, err
	}
	if c.Email == "" && about.UserInfoEndpoint() != "" {
		if c, err = info(ctx, about, token.Subject, got); err != nil {
			return account.Proved{}, err
		}
	}
	email := ""
	if bool(c.Verified) || p.TrustEmail {
		email = normal(c.Email)
	}
	return account.Proved{Issuer: token.Issuer, Subject: token.Subject, Email: email, Domain: p.mayEnter(email)}, nil
}

// anew wants the person to have signed in at the provider since the visit began, where the visit is for that. A provider
// that doesn't say when they did can't vouch for it: a browser that is still signed in there would go right through.
func anew(ask account.ProviderAsk, c claims) error {
	switch {
	case ask.Since.IsZero():
		return nil
	case c.SignedIn == nil:
		return fmt.Errorf("%w: the token has no auth_time", errNotAnew)
	case c.SignedIn.time().Add(skew).Before(ask.Since):
		return fmt.Errorf("%w: they did at %s", errNotAnew, c.SignedIn.time().UTC().Format(time.RFC3339))
	}
	return nil
}

// times wants a token of just now, as far as the clocks may differ.
func (p *provider) times(token *oidc.IDToken, c claims) error {
	now := p.now()
	switch {
	case c.IssuedAt == nil || token.Expiry.IsZero():
		return errors.New("the token has no iat or no exp")
	case !now.Before(token.Expiry.Add(skew)):
		return fmt.Errorf("%w: the token ended at %s", errClock, token.Expiry.UTC().Format(time.RFC3339))
	case now.Add(skew).Before(c.IssuedAt.time()), now.Sub(c.IssuedAt.time()) > oldest+skew:
		return fmt.Errorf("%w: the token was made at %s", errClock, c.IssuedAt.time().UTC().Format(time.RFC3339))
	case c.NotBefore != nil && now.Add(skew).Before(c.NotBefore.time()):
		return fmt.Errorf("%w: the token begins at %s", errClock, c.NotBefore.time().UTC().Format(time.RFC3339))
	}
	return nil
}

// info asks for the e-mail of a person, where the token has none. What it says of anybody else is refused.
func info(ctx context.Context, about *known, subject string, got *oauth2.Token) (c claims, err error) {
	u, err := about.UserInfo(ctx, oauth2.StaticTokenSource(got))
	if err != nil {
		return c, fmt.Errorf("user info: %w", err)
	}
	if u.Subject != subject {
		return c, errors.New("the user info is about somebody else")
	}
	var raw json.RawMessage
	if err := u.Claims(&raw); err != nil {
		return c, err
	}
	return c, json.Unmarshal(raw, &c)
}

// normal is an e-mail as package account has it; "" for what is none.
func normal(email string) string {
	email = strings.ToLower(strings.TrimSpace(email))
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > 254 {
		return ""
	}
	return email
}
