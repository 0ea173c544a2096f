package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"tsunagi/internal/account"
	"tsunagi/internal/config"
	"tsunagi/internal/oidc"
	"tsunagi/internal/outside"
)

// providers are those of OpenID Connect that the settings name; nil for none.
func (c *cloud) providers() (account.Providers, error) {
	if len(c.cfg.OIDC) == 0 {
		return nil, nil
	}
	inner, err := config.Networks(c.cfg.OIDCAllow)
	if err != nil {
		return nil, err
	}
	o := oidc.Options{Origin: c.panelURL(), Dial: (&outside.Dialer{Allow: inner}).DialContext, Log: c.log}
	for _, p := range c.cfg.OIDC {
		secret, err := clientSecret(p)
		if err != nil {
			return nil, err
		}
		made := oidc.Provider{ID: p.ID, Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, Secret: secret, Scopes: p.Scopes, Domains: p.Domains, TrustEmail: p.TrustEmail}
		if p.Roots != "" {
			pem, err := os.ReadFile(p.Roots)
			if err != nil {
				return nil, fmt.Errorf("oidc %q: roots: %w", p.ID, err)
			}
			pool := x509.NewCertPool()
			if !pool.AppendCertsFromPEM(pem) {
				return nil, fmt.Errorf("oidc %q: roots: no certificate in %s", p.ID, p.Roots)
			}
			made.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		}
		o.Providers = append(o.Providers, made)
	}
	return oidc.New(o), nil
}

// clientSecret is a provider's secret from where the settings say. An empty one is a mistake.
func clientSecret(p config.OIDC) (secret string, err error) {
	switch {
	case p.ClientSecretFile != "":
		raw, err := os.ReadFile(p.ClientSecretFile)
		if err != nil {
			return "", fmt.Errorf("oidc %q: client_secret_file: %w", p.ID, err)
		}
		if secret = strings.TrimSpace(string(raw)); secret == "" {
			return "", fmt.Errorf("oidc %q: client_secret_file: %s is empty", p.ID, p.ClientSecretFile)
		}
		return secret, nil
	case p.ClientSecretEnv != "":
		if secret = os.Getenv(p.ClientSecretEnv); secret == "" {
			return "", fmt.Errorf("oidc %q: client_secret_env: the variable %s is not set", p.ID, p.ClientSecretEnv)
		}
		return secret, nil
	}
	return p.ClientSecret, nil
}
