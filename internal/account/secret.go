package account

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// Keys are derived from the key file. They judge generated passwords, seal what can be shown again and sign tokens.
type Keys struct {
	password *macs  // HMAC of generated passwords
	token    []byte // HMAC of web client tokens
	instance []byte // HMAC that makes the API keys of instances
	version  []byte // HMAC that makes the versions of things
	check    []byte // what the database remembers of the key file
	seal     cipher.AEAD
	link     ed25519.PrivateKey // proves to devices that the platform is theirs
}

// NewKeys derives the keys from the key file's secret (see LoadKeyFile).
func NewKeys(secret []byte) (*Keys, error) {
	if len(secret) < 32 {
		return nil, fmt.Errorf("key of %d bytes: want 32 or more", len(secret))
	}
	derive := func(use string) []byte {
		key, err := hkdf.Key(sha256.New, secret, nil, "tsunagi "+use, 32)
		if err != nil {
			panic(err) // only for lengths that hkdf can't make
		}
		return key
	}
	block, err := aes.NewCipher(derive("seal"))
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Keys{password: newMacs(derive("password")), token: derive("token"), instance: derive("instance key"), version: derive("version"), check: derive("check"), seal: seal,
		link: ed25519.NewKeyFromSeed(derive("link"))}, nil
}

// mac is HMAC-SHA-256 over parts, each with its length before it so that no two lists of parts give the same input.
func mac(key []byte, parts ...[]byte) []byte { return sumOf(hmac.New(sha256.New, key), parts...) }

// macs is mac with one key, for many goroutines: what is made of the key is used again.
type macs struct{ pool sync.Pool }

func newMacs(key []byte) *macs {
	return &macs{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

func (m *macs) of(parts ...[]byte) []byte {
	h := m.pool.Get().(hash.Hash)
	defer m.pool.Put(h)
	h.Reset()
	return sumOf(h, parts...)
}

func sumOf(h hash.Hash, parts ...[]byte) []byte {
	var size [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		h.Write(size[:])
		h.Write(p)
	}
	return h.Sum(nil)
}

// hashGenerated is what is stored of a generated password. It holds for this user of this instance only.
func (k *Keys) hashGenerated(instance, user, password string) []byte {
	return k.password.of([]byte(instance), []byte(user), []byte(password))
}

// sealPassword encrypts the first user's password for this instance.
func (k *Keys) sealPassword(instance, password string) []byte {
	return k.seal.Seal(nil, nil, []byte(password), []byte(instance))
}

func (k *Keys) openPassword(instance string, sealed []byte) (string, error) {
	plain, err := k.seal.Open(nil, nil, sealed, []byte(instance))
	if err != nil {
		return "", fmt.Errorf("open sealed password of instance %s: %w", instance, err)
	}
	return string(plain), nil
}

// newPassword makes a password of 130 random bits that survives being read aloud, typed and pasted anywhere.
func newPassword() string { return strings.ToLower(rand.Text()) }

// newID makes an id of 130 random bits: nobody counts or guesses what exists.
func newID() string { return strings.ToLower(rand.Text()) }

// newToken makes a secret of 256 random bits for a cookie or a link.
func newToken() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashToken is what is stored of a token. Its 256 bits need neither salt nor slow hash.
func hashToken(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// newInstanceID makes 8 lower-case letters, without vowels so that they spell no words, and without l.
func newInstanceID() string {
	const letters = "bcdfghjkmnpqrstvwxyz"
	id := make([]byte, 0, 8)
	var b [16]byte
	for len(id) < 8 {
		rand.Read(b[:])
		for _, c := range b {
			if c < 240 && len(id) < 8 { // 240 = 12*20: no letter is likelier than another
				id = append(id, letters[c%20])
			}
		}
	}
	return string(id)
}
