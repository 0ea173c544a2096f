// Package release signs programs and judges them. Whoever hands a program to a device needs no trust: the device knows
// the key of those who make releases, and takes nothing that they have not signed for its kind of machine.
package release

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"tsunagi/internal/ondisk"
)

// MaxSize bounds a program, in bytes.
const MaxSize = 256 << 20

// Files of a shelf: the public key, and for each target the program and its manifest.
const (
	keyFile      = "key.pub"
	manifestTail = ".json"
)

// Manifest is what is signed of a program.
type Manifest struct {
	Version   string `json:"version"`
	Target    string `json:"target"` // system and processor: linux-armv6
	Size      int64  `json:"size"`   // bytes
	SHA256    []byte `json:"sha256"`
	SignedAt  int64  `json:"signed_at"` // Unix seconds; a device takes no older one than it has had
	Signature []byte `json:"signature"`
}

// signed is what the signature is of: each part with its length before it.
func (m *Manifest) signed() []byte {
	var out []byte
	for _, part := range [][]byte{[]byte("tsunagi release 1"), []byte(m.Version), []byte(m.Target), m.SHA256} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	out = binary.BigEndian.AppendUint64(out, uint64(m.Size))
	return binary.BigEndian.AppendUint64(out, uint64(m.SignedAt))
}

// Check judges a manifest: it must be signed by the key, and for this target.
func (m *Manifest) Check(key ed25519.PublicKey, target string) error {
	switch {
	case len(key) != ed25519.PublicKeySize:
		return errors.New("no key is known that releases are signed with")
	case len(m.SHA256) != sha256.Size || m.Size <= 0 || m.Size > MaxSize || !ed25519.Verify(key, m.signed(), m.Signature):
		return errors.New("the release is not signed with the key that this device knows")
	case m.Target != target:
		return fmt.Errorf("the release is for %s, and this is %s", m.Target, target)
	}
	return nil
}

// Sign makes the manifest of a program.
func Sign(key ed25519.PrivateKey, version, target string, program io.Reader, now time.Time) (*Manifest, error) {
	if !targetForm.MatchString(target) {
		return nil, fmt.Errorf("target %q: want system and processor, such as linux-arm64 or linux-armv6", target)
	}
	if version == "" || len(version) > 64 {
		return nil, fmt.Errorf("version %q: want 1 to 64 bytes", version)
	}
	hash := sha256.New()
	size, err := io.Copy(hash, program)
	if err != nil {
		return nil, err
	}
	if size == 0 || size > MaxSize {
		return nil, fmt.Errorf("a program of %d bytes: want 1 to %d", size, MaxSize)
	}
	m := &Manifest{Version: version, Target: target, Size: size, SHA256: hash.Sum(nil), SignedAt: now.Unix()}
	m.Signature = ed25519.Sign(key, m.signed())
	return m, nil
}

// ParseKey reads a public key in base64.
func ParseKey(text string) (ed25519.PublicKey, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, errors.New("want the 32 bytes of an Ed25519 public key in base64")
	}
	return raw, nil
}

var targetForm = regexp.MustCompile(`^[a-z0-9]+-[a-z0-9]+$`)

// Shelf is a directory with releases, as `tsunagi release sign` fills it. It is read each time, so that a new release
// needs no restart.
type Shelf struct{ Dir string }

// Key is the public key that its releases are signed with.
func (s Shelf) Key() (ed25519.PublicKey, error) {
	text, err := os.ReadFile(filepath.Join(s.Dir, keyFile))
	if err != nil {
		return nil, err
	}
	return ParseKey(string(text))
}

// Find is the release for a target; fs.ErrNotExist when there is none.
func (s Shelf) Find(target string) (*Manifest, error) {
	if !targetForm.MatchString(target) {
		return nil, os.ErrNotExist
	}
	text, err := os.ReadFile(filepath.Join(s.Dir, target+manifestTail))
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%s%s: %w", target, manifestTail, err)
	}
	key, err := s.Key()
	if err != nil {
		return nil, err
	}
	return m, m.Check(key, target)
}

// Open opens the program of a release.
func (s Shelf) Open(m *Manifest) (io.ReadCloser, error) {
	return os.Open(filepath.Join(s.Dir, m.Target))
}

// Put signs a program and adds it, in place of the one for its target.
func (s Shelf) Put(key ed25519.PrivateKey, version, target, program string) (*Manifest, error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, err
	}
	public := []byte(base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) + "\n")
	if known, err := s.Key(); err == nil && !known.Equal(key.Public()) {
		return nil, fmt.Errorf("%s has another key: devices that know it would refuse the release", filepath.Join(s.Dir, keyFile))
	}
	in, err := os.Open(program)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	m, err := Sign(key, version, target, in, time.Now())
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if err := put(filepath.Join(s.Dir, target), in); err != nil { // before its manifest: between the two the sum is wrong, and it is refused
		return nil, err
	}
	if err := put(filepath.Join(s.Dir, target+manifestTail), strings.NewReader(string(text)+"\n")); err != nil {
		return nil, err
	}
	return m, put(filepath.Join(s.Dir, keyFile), strings.NewReader(string(public)))
}

// put writes a file whole or not at all.
func put(name string, from io.Reader) error { return ondisk.Replace(name, 0o644, from) }
