// Package network has the node types of the palette's network category.
package network

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// tlsConfig holds certificates and keys for other nodes.
type tlsConfig struct {
	b      *flow.Base
	config *tls.Config
	err    error // why it can't be used
}

// TLSConfig is the config node for TLS.
func TLSConfig() flow.Type {
	return flow.Type{
		Name:        "tls-config",
		Credentials: map[string]string{"certdata": "text", "keydata": "text", "cadata": "text", "p12data": "text", "passphrase": "password"},
		Fields: []string{"cert", "key", "ca", "p12", "certname", "keyname", "caname", "p12name", "certType", "certEnv", "keyEnv", "caEnv",
			"servername", "verifyservercert", "alpnprotocol"},
		New: newTLSConfig,
	}
}

func newTLSConfig(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &tlsConfig{b: b}
	pems, err := readPEMs(b, c)
	if err == nil {
		n.config, err = pems.config(b)
	}
	if unsupported := (*flow.Unsupported)(nil); errors.As(err, &unsupported) {
		return nil, err
	}
	if err != nil {
		n.err = err
		b.Error(flow.Text(err.Error()), nil)
		return n, nil
	}
	n.config.ServerName = strings.TrimSpace(c.Str("servername"))
	if p := strings.TrimSpace(c.Str("alpnprotocol")); p != "" {
		n.config.NextProtos = []string{p}
	}
	// Node-RED passes the field on as it is: only what JavaScript takes for false is a no.
	if c.Has("verifyservercert") && !c.Get("verifyservercert").Truthy() {
		n.config.InsecureSkipVerify = true //nolint:gosec // the user unticked "Verify server certificate"
	}
	return n, nil
}

func (n *tlsConfig) Receive(*flow.Msg) {}

// clientConfig returns a copy to connect with.
func (n *tlsConfig) clientConfig() (*tls.Config, error) {
	if n.err != nil {
		return nil, fmt.Errorf("tls-config %q: %w", n.b.Name(), n.err)
	}
	return n.config.Clone(), nil
}

// pems are the texts of a tls-config, wherever they come from; store is a PKCS 12 file with all of them.
type pems struct{ cert, key, ca, passphrase, store string }

var errNoFiles = errors.New("flows can't read files of this server: upload certificate, key and CA instead")

var errMissingFile = errors.New("No certificate/key file provided") //nolint:staticcheck // Node-RED's words

// readPEMs gets certificate, key and authority: uploaded, from files or from the environment.
func readPEMs(b *flow.Base, c flow.Config) (p pems, err error) {
	p.passphrase, _ = b.Credential("passphrase")
	path := func(key string) string { return strings.TrimSpace(c.Str(key)) }
	switch typ := c.StrOr("certType", "files"); typ {
	case "files":
	case "pfx":
		return p, p.readStore(b, path("p12"))
	case "env":
		for key, to := range map[string]*string{"certEnv": &p.cert, "keyEnv": &p.key, "caEnv": &p.ca} {
			if name := c.Str(key); name != "" {
				*to = flow.ExpandEnv(b, name).Text()
			}
		}
		return p, nil
	default:
		return p, c.Refuse("Cert Type", typ)
	}
	if path("cert") == "" && path("key") == "" && path("ca") == "" {
		p.cert, _ = b.Credential("certdata")
		p.key, _ = b.Credential("keydata")
		p.ca, _ = b.Credential("cadata")
		if (p.cert == "") != (p.key == "") {
			return p, errMissingFile
		}
		return p, nil
	}
	if b.Options().NoLocalFiles {
		return p, errNoFiles
	}
	if (path("cert") == "") != (path("key") == "") {
		return p, errMissingFile
	}
	for key, to := range map[string]*string{"cert": &p.cert, "key": &p.key, "ca": &p.ca} {
		if name := path(key); name != "" {
			if *to, err = readPEM(name); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

// maxPEM bounds a certificate file in bytes.
const maxPEM = 1 << 20

func readPEM(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxPEM {
		return "", fmt.Errorf("%s: want a file of at most %d bytes", name, maxPEM)
	}
	raw, err := os.ReadFile(name) //nolint:gosec // the user names a file of their own machine
	return string(raw), err
}

// config makes the configuration for a client. Without an authority of its own the system's
// count, and those the server was told to trust.
func (p pems) config(b *flow.Base) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if p.store != "" {
		return config, errors.Join(trustSystem(config, b), p.open(config))
	}
	if p.ca != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(p.ca)) {
			return nil, errors.New("CA Certificate: no certificate in PEM format found")
		}
	} else if err := trustSystem(config, b); err != nil {
		return nil, err
	}
	if p.cert == "" {
		return config, nil
	}
	key, err := decryptKey([]byte(p.key), p.passphrase)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	pair, err := tls.X509KeyPair([]byte(p.cert), key)
	if err != nil {
		return nil, fmt.Errorf("certificate and private key: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// trustSystem sets the roots of the system and those of the options.
func trustSystem(config *tls.Config, b *flow.Base) error {
	extra := b.Options().TrustedCA
	if len(extra) == 0 {
		return nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(extra) {
		return errors.New("the further authorities of this server hold no certificate in PEM format")
	}
	config.RootCAs = roots
	return nil
}

// defaultTLS is for brokers that want TLS and name no tls-config.
func defaultTLS(b *flow.Base) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	return config, trustSystem(config, b)
}

// tlsOf returns the configuration of a tls-config node.
func tlsOf(b *flow.Base, id value.Value) (*tls.Config, error) {
	if !id.Truthy() {
		return defaultTLS(b)
	}
	n, ok := b.Lookup(id.Text()).(*tlsConfig)
	if !ok {
		return nil, errors.New("the TLS configuration is missing or disabled")
	}
	return n.clientConfig()
}
