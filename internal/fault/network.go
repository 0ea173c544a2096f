package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	"tsunagi/internal/outside"
)

// NetworkCode is what an error of a connection that goes out amounts to; "" where it says nothing of that.
func NetworkCode(err error) Code {
	var name *net.DNSError
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var alert tls.AlertError
	var op *net.OpError
	switch {
	case errors.As(err, &name):
		return Name
	case errors.Is(err, outside.ErrInner), errors.Is(err, outside.ErrOuter):
		return Inner
	case errors.As(err, &record):
		return NoTLS
	case errors.As(err, &unknown):
		return Authority
	case errors.As(err, &host):
		return Host
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Expired
	case errors.As(err, &verify), errors.As(err, &alert), errors.As(err, &invalid):
		return TLS
	case late(err):
		return Silent
	case errors.As(err, &op) && op.Op == "dial":
		return Closed
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Broken
	}
	return ""
}

// Network gives an error of a connection that goes out its code. One that has a code already, or is of no known kind,
// stays as it is.
func Network(err error) error {
	if err == nil || Read(err.Error()) != nil {
		return err
	}
	if code := NetworkCode(err); code != "" {
		return Wrap(code, err)
	}
	return err
}

func late(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}
