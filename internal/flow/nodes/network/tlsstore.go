package network

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"

	"tsunagi/internal/flow"
)

// readStore gets a PKCS 12 file, by its name on this machine or as it was uploaded.
func (p *pems) readStore(b *flow.Base, name string) error {
	if name == "" {
		data, _ := b.Credential("p12data")
		raw, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			return fmt.Errorf("PFX file: %w", err)
		}
		p.store = string(raw)
		return nil
	}
	if b.Options().NoLocalFiles {
		return errNoFiles
	}
	var err error
	p.store, err = readPEM(name)
	return err
}

// open takes certificate and key from the store. Its authorities count beside those of the system, as in Node.js.
func (p *pems) open(config *tls.Config) error {
	key, cert, authorities, err := pkcs12.DecodeChain([]byte(p.store), p.passphrase)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return errors.New("PFX file: the passphrase does not open it")
	}
	if err != nil {
		return fmt.Errorf("PFX file: %w", err)
	}
	pair := tls.Certificate{PrivateKey: key, Certificate: [][]byte{cert.Raw}, Leaf: cert}
	if len(authorities) > 0 && config.RootCAs == nil {
		if config.RootCAs, err = x509.SystemCertPool(); err != nil {
			config.RootCAs = x509.NewCertPool()
		}
	}
	for _, a := range authorities {
		pair.Certificate = append(pair.Certificate, a.Raw)
		config.RootCAs.AddCert(a)
	}
	config.Certificates = []tls.Certificate{pair}
	return nil
}
