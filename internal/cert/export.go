package cert

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"
)

// PEM returns the authority's certificate in the form that mosquitto_pub --cafile and Node-RED want.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// DER returns the authority's certificate in binary form.
func (a *Authority) DER() []byte { return slices.Clone(a.cert.Raw) }

// Pool returns a pool that trusts this authority alone.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// NotAfter is the end of the authority's validity.
func (a *Authority) NotAfter() time.Time { return a.cert.NotAfter }

// Names lists the names and addresses that are served without asking anybody.
func (a *Authority) Names() []string { return slices.Clone(a.base) }

// Fingerprint is the SHA-256 of the certificate as openssl prints it: AB:CD:…
func (a *Authority) Fingerprint() string {
	sum := sha256.Sum256(a.cert.Raw)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// CArray returns a C header with the certificate as a PEM string, for the sketches of ESP8266 and ESP32: it suits
// WiFiClientSecure.setCACert, BearSSL's X509List and mbedtls_x509_crt_parse.
func (a *Authority) CArray() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// %s, valid until %s\n", a.cert.Subject.CommonName, a.cert.NotAfter.Format(time.DateOnly))
	fmt.Fprintf(&b, "// SHA-256 %s\n", a.Fingerprint())
	b.WriteString("#ifndef PROGMEM\n#define PROGMEM\n#endif\n\nstatic const char tsunagi_ca_pem[] PROGMEM =\n")
	lines := strings.Split(strings.TrimSpace(string(a.PEM())), "\n")
	for i, l := range lines {
		end := "\n"
		if i == len(lines)-1 {
			end = ";\n"
		}
		fmt.Fprintf(&b, "    %q%s", l+"\n", end)
	}
	return b.Bytes()
}
