package account

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tsunagi/internal/ondisk"
)

// KeyFileName is the key file's name in the data directory. It lies outside of the databases, so that a copy of them
// alone opens nothing.
const KeyFileName = "secret.key"

const keyFileHead = "tsunagi-key-1 "

// LoadKeyFile reads the secret in dir, and makes it (0600, synced) where there is none. A file that others can read,
// or that is none of ours, is an error: nothing is guessed about keys.
func LoadKeyFile(dir string) ([]byte, error) {
	name := filepath.Join(dir, KeyFileName)
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKeyFile(name); err != nil {
			return nil, fmt.Errorf("make key file: %w", err)
		}
		raw, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s can be read by others (mode %o): run chmod 600 on it, and think about who has seen it", name, info.Mode().Perm())
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(string(raw)), keyFileHead)
	secret, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(secret) != 32 {
		return nil, fmt.Errorf("key file %s is damaged: want %q and 32 bytes in base64; restore it from a backup", name, strings.TrimSpace(keyFileHead))
	}
	return secret, nil
}

// makeKeyFile writes a new secret, unless somebody else was quicker.
func makeKeyFile(name string) error {
	var secret [32]byte
	rand.Read(secret[:])
	err := ondisk.Create(name, strings.NewReader(keyFileHead+base64.StdEncoding.EncodeToString(secret[:])+"\n"))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}
