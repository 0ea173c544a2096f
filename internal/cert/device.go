package cert

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
)

// deviceKeyFile is the key of all of a device authority's leafs. It stays the same when they are renewed, so that a
// device may pin it.
const deviceKeyFile = "device.key" // 0600

// OpenDeviceAuthority opens the authority in dir for devices that are too small for public chains, making it when there
// is none. Its leafs are signed by it directly and share one key. The names are the server's; an authority that was made
// for others is an error, as with OpenAuthority.
func OpenDeviceAuthority(dir string, names ...string) (*Authority, error) {
	a, err := OpenAuthority(dir, names...)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, deviceKeyFile)
	if _, err := os.Stat(path); os.IsNotExist(err) {
		a.leafKey, err = createKey(path)
		if err != nil {
			return nil, err
		}
	} else if a.leafKey, err = readKey(path); err != nil {
		return nil, fmt.Errorf("key for small devices: %w", err)
	}
	a.mu.Lock()
	clear(a.leafs) // the default one was made with another key
	a.mu.Unlock()
	return a, nil
}

// DeviceTLSConfig is TLSConfig for small devices: TLS 1.2, which their libraries know best, and only suites for the one
// kind of key that there is.
func (a *Authority) DeviceTLSConfig(allow func(name string) bool, alpn ...string) *tls.Config {
	c := a.TLSConfig(allow, alpn...)
	c.MaxVersion = tls.VersionTLS12
	c.CurvePreferences = []tls.CurveID{tls.CurveP256, tls.X25519}
	c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
	return c
}
