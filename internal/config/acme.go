package config

import (
	"net"
	"net/url"
	"strings"
	"time"
)

// validateACME checks what a public authority will want to know.
func (s *Serve) validateACME(fault func(string, ...any)) {
	if s.DNS.Wait < time.Second || s.DNS.Wait > time.Hour {
		fault("dns.wait %q: want 1s to 1h", s.DNS.Wait)
	}
	if !s.TLS.ACME {
		if s.DNS.Provider != "" {
			fault("dns.provider %q without tls.acme: want tls.acme as well, which the records are for", s.DNS.Provider)
		}
		return
	}
	if s.DNS.Provider != "" {
		oneOf(fault, "dns.provider", s.DNS.Provider, "rfc2136", "webhook", "exec", "cloudflare", "desec", "duckdns", "route53", "sakura")
	}
	switch {
	case s.Dev:
		fault("tls.acme with dev: want one of them; dev is for this machine only")
	case s.TLS.Cert != "":
		fault("tls.acme with tls.cert %q: want one of them", s.TLS.Cert)
	case !strings.Contains(s.Domain, ".") || net.ParseIP(s.Domain) != nil || strings.HasSuffix(s.Domain, ".localhost"):
		fault("domain %q with tls.acme: want a name of the public DNS", s.Domain)
	}
	if !strings.Contains(s.TLS.Email, "@") {
		fault("tls.email %q: want a mail address, to which the authority writes", s.TLS.Email)
	}
	if u, err := url.Parse(s.TLS.Directory); s.TLS.Directory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		fault("tls.directory %q: want an https address", s.TLS.Directory)
	}
	if (s.TLS.KeyID == "") != (s.TLS.KeySecret == "") {
		fault("tls.key_id %q: want tls.key_secret as well, or neither", s.TLS.KeyID)
	}
}
