// Package cert is where the doors get their certificates from: an own local authority for localhost and a LAN, a public
// one by ACME, or files that somebody else keeps fresh. All give a *tls.Config whose certificates may change while it is in use.
package cert

import (
	"crypto/tls"
	"log/slog"
)

// config returns what all our TLS listeners have in common. Versions below 1.2 and weak suites are off; session
// tickets are on, because a full handshake costs some 0.8 ms of CPU and devices come back all at once.
func config(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), alpn []string) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   suites,
		NextProtos:     alpn,
		GetCertificate: get,
	}
}

// suites are those of TLS 1.2 with forward secrecy and authenticated encryption; those of 1.3 are all right.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// discard is the logger of those who gave none.
func discard(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
