package link

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what is read of the platform's answers, in bytes.
const maxAnswer = 64 << 10

// Ask is what a device needs to be paired.
type Ask struct {
	Dir     string // data directory of the flow server
	URL     string // origin of the platform: https://host or https://host:port
	Code    string // that the panel shows
	Pin     string // SHA-256 of the platform's own authority, as the panel shows it; "" for public certificates
	CA      []byte // PEM of further authorities to trust
	Version string // of this program
}

// PairRequest is the body of the call that pairs, and PairAnswer what it answers.
type PairRequest struct {
	Code    string `json:"code" maxLength:"64" doc:"That the panel shows"`
	Key     []byte `json:"key" doc:"Ed25519 public key of the device, base64"`
	Version string `json:"version,omitempty" maxLength:"64" doc:"Of the device's program"`
}

// PairAnswer is given once.
type PairAnswer struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	PlatformKey []byte `json:"platform_key" doc:"Ed25519 public key of this platform, base64"`
	ReleaseKey  []byte `json:"release_key,omitempty" doc:"Ed25519 public key of the releases that it takes, base64"`
	Broker      Broker `json:"broker" doc:"MQTT login of the device, and its only secret"`
}

// Pair joins this machine to a platform and keeps the result in the data directory.
func Pair(ctx context.Context, a Ask) (*Paired, error) {
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("link %q: want https://host, as the panel shows it", a.URL)
	}
	p := &Paired{URL: "https://" + u.Host, CA: string(a.CA)}
	if a.Pin != "" {
		authority, err := fetchAuthority(ctx, p.URL, a.Pin)
		if err != nil {
			return nil, err
		}
		p.CA, p.Pinned = string(authority), true
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	p.Key = private.Seed()
	answer, err := p.pair(ctx, PairRequest{a.Code, public, a.Version})
	if err != nil {
		return nil, err
	}
	if len(answer.PlatformKey) != ed25519.PublicKeySize || answer.ID == "" {
		return nil, fmt.Errorf("%s: the answer to the pairing is not one of this program's platform", p.URL)
	}
	p.ID, p.Platform, p.Broker = answer.ID, answer.PlatformKey, answer.Broker
	p.Broker.Name = answer.Name
	if len(answer.ReleaseKey) == ed25519.PublicKeySize {
		p.Releases = answer.ReleaseKey
	}
	return p, p.save(a.Dir)
}

// pair shows the code.
func (p *Paired) pair(ctx context.Context, in PairRequest) (out PairAnswer, err error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/api/v1/devices/pair", bytes.NewReader(raw))
	if err != nil {
		return out, err
	}
	r.Header.Set("Content-Type", "application/json")
	config, err := p.tls()
	if err != nil {
		return out, err
	}
	client := httpClient(config)
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		var unknown x509.UnknownAuthorityError
		if errors.As(err, &unknown) {
			err = fmt.Errorf("%w: the platform has a certificate of its own authority; add --pin as the panel shows it, or --ca with its file", err)
		}
		return out, fmt.Errorf("pair with %s: %w", p.URL, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return out, fmt.Errorf("pair with %s: %w", p.URL, err)
	}
	if answer.StatusCode != http.StatusOK {
		var problem struct{ Detail string }
		_ = json.Unmarshal(body, &problem) // else its status must do
		return out, fmt.Errorf("pair with %s: %s: %.300q", p.URL, answer.Status, problem.Detail)
	}
	return out, json.Unmarshal(body, &out)
}

// httpClient speaks HTTP/1.1, which WebSocket needs, and follows no redirect: a code is shown to the host it is for.
func httpClient(config *tls.Config) *http.Client {
	config.NextProtos = []string{"http/1.1"}
	return &http.Client{
		Transport: &http.Transport{TLSClientConfig: config, Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 20 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second, MaxIdleConns: 1, IdleConnTimeout: time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// tls trusts the public authorities and the one of the pairing, or that one alone when it was pinned.
func (p *Paired) tls() (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !p.Pinned {
		if system, err := x509.SystemCertPool(); err == nil {
			pool = system
		}
	}
	if p.CA != "" && !pool.AppendCertsFromPEM([]byte(p.CA)) {
		return nil, errors.New("the authority to trust is not a PEM certificate")
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// fetchAuthority gets the platform's own authority from itself and compares it with the pin, which came another way:
// nothing else is believed of the answer.
func fetchAuthority(ctx context.Context, origin, pin string) ([]byte, error) {
	want, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "").Replace(pin))
	if err != nil || len(want) != sha256.Size {
		return nil, fmt.Errorf("pin %q: want the SHA-256 of the platform's authority, 64 hex digits, as the panel shows it", pin)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/ca.pem", nil)
	if err != nil {
		return nil, err
	}
	client := httpClient(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) // the pin judges what comes
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("authority of %s: %w", origin, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("authority of %s: %w", origin, err)
	}
	block, _ := pem.Decode(body)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s has no authority of its own: leave --pin out", origin)
	}
	if got := sha256.Sum256(block.Bytes); !bytes.Equal(got[:], want) {
		return nil, fmt.Errorf("the authority of %s is not the pinned one (it has SHA-256 %X): somebody may stand in between, or the pin is of another server", origin, got)
	}
	return pem.EncodeToMemory(block), nil
}
