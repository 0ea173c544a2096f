package network

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"tsunagi/internal/flow"
)

// askFault is an error of a request in the words and with the code of Node.js.
func askFault(err error) *flow.Error {
	var ready *flow.Error
	if errors.As(err, &ready) {
		return ready
	}
	code, text := nodeError(err)
	return &flow.Error{Name: "RequestError", Message: text, Code: code}
}

// nodeError is the code and the text that Node.js has for an error of a connection.
func nodeError(err error) (code, text string) {
	var (
		op        *net.OpError
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &dns):
		return "ENOTFOUND", "getaddrinfo ENOTFOUND " + dns.Name
	case errors.As(err, &authority):
		if c := authority.Cert; c != nil && c.Issuer.String() == c.Subject.String() {
			return "DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"
		}
		return "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"
	case errors.As(err, &host):
		return "ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match certificate's altnames: " + err.Error()
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "CERT_HAS_EXPIRED", "certificate has expired"
	case errors.As(err, &record):
		return "EPROTO", "write EPROTO: " + err.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "server closed idle connection"):
		return "ECONNRESET", "socket hang up"
	case errors.Is(err, context.Canceled):
		return "ERR_CANCELED", "This operation was aborted"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "ETIMEDOUT", "connect ETIMEDOUT"
	}
	verb, addr := "connect", ""
	if errors.As(err, &op) {
		if op.Op != "dial" {
			verb = op.Op
		} else if op.Addr != nil {
			addr = " " + op.Addr.String()
		}
	}
	for _, known := range []struct {
		err  error
		code string
	}{{syscall.ECONNREFUSED, "ECONNREFUSED"}, {syscall.ECONNRESET, "ECONNRESET"}, {syscall.EHOSTUNREACH, "EHOSTUNREACH"}, {syscall.ENETUNREACH, "ENETUNREACH"},
		{syscall.ETIMEDOUT, "ETIMEDOUT"}, {syscall.EPIPE, "EPIPE"}, {syscall.EACCES, "EACCES"}, {syscall.EADDRINUSE, "EADDRINUSE"}, {syscall.EADDRNOTAVAIL, "EADDRNOTAVAIL"}} {
		if errors.Is(err, known.err) || strings.Contains(err.Error(), known.err.Error()) {
			return known.code, verb + " " + known.code + addr
		}
	}
	return "", err.Error()
}
