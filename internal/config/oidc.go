package config

import (
	"net/url"
	"slices"
	"strings"
)

// maxOIDC bounds the providers of sign-in: each has its button.
const maxOIDC = 10

// OIDC is a provider of OpenID Connect with which people may sign in to the panel.
type OIDC struct {
	ID               string   `toml:"id"`                 // in the address to which the provider sends people back: PANEL/sign-in/ID
	Name             string   `toml:"name"`               // on its button
	Issuer           string   `toml:"issuer"`             // https address, exactly as the provider writes it
	ClientID         string   `toml:"client_id"`          // by which the provider knows this server
	ClientSecret     string   `toml:"client_secret"`      // or one of the two below; none for a public client
	ClientSecretFile string   `toml:"client_secret_file"` // file that holds it
	ClientSecretEnv  string   `toml:"client_secret_env"`  // variable that holds it
	Scopes           []string `toml:"scopes"`             // besides openid [email]
	Domains          []string `toml:"domains"`            // of e-mails that may sign in [any]
	TrustEmail       bool     `toml:"trust_email"`        // e-mails count as verified though the provider doesn't say so
	Roots            string   `toml:"roots"`              // PEM file with the certificates that the provider is checked by [the system's]
}

func (s *Serve) validateOIDC(fault func(string, ...any)) {
	if _, err := Networks(s.OIDCAllow); err != nil {
		fault("oidc_allow %v", err)
	}
	if len(s.OIDC) > maxOIDC {
		fault("oidc: %d providers: want at most %d", len(s.OIDC), maxOIDC)
	}
	seen := map[string]bool{}
	for i := range s.OIDC {
		o := &s.OIDC[i]
		if !idPattern.MatchString(o.ID) || seen[o.ID] {
			fault("oidc.id %q: want a word of its own of a-z, 0-9 and -, at most 32", o.ID)
		}
		seen[o.ID] = true
		if o.Name == "" || len([]rune(o.Name)) > 40 {
			fault("oidc %q: name %q: want 1 to 40 characters", o.ID, o.Name)
		}
		if u, err := url.Parse(o.Issuer); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			fault("oidc %q: issuer %q: want an https address, without query, exactly as the provider writes it", o.ID, o.Issuer)
		}
		if o.ClientID == "" {
			fault("oidc %q: client_id is empty: want the one that the provider gave", o.ID)
		}
		if given := len(slices.DeleteFunc([]string{o.ClientSecret, o.ClientSecretFile, o.ClientSecretEnv}, func(v string) bool { return v == "" })); given > 1 {
			fault("oidc %q: want one of client_secret, client_secret_file and client_secret_env, not %d", o.ID, given)
		}
		if strings.HasPrefix(o.ClientSecretEnv, EnvPrefix) {
			fault("oidc %q: client_secret_env %q: want a name that doesn't begin with %s, which settings have", o.ID, o.ClientSecretEnv, EnvPrefix)
		}
		if len(o.Scopes) > 10 || len(o.Domains) > 100 {
			fault("oidc %q: want at most 10 scopes and 100 domains", o.ID)
		}
		for _, d := range o.Domains {
			if d == "" || strings.ContainsAny(d, "@ *") {
				fault("oidc %q: domains %q: want names such as example.org", o.ID, d)
			}
		}
	}
}
