package link

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tsunagi/internal/ondisk"
)

// stateFile is where a device keeps its side of the pairing, below its data directory.
const stateFile = "link.json"

// Paired is what a device was told when it was paired. There is nothing of its owner's in it.
type Paired struct {
	URL      string `json:"url"`              // origin of the platform
	ID       string `json:"id"`               // of the device
	Key      []byte `json:"key"`              // seed of its Ed25519 key
	Next     []byte `json:"next,omitempty"`   // seed of a key that the platform may know already
	Platform []byte `json:"platform"`         // the platform's public key
	CA       string `json:"ca,omitempty"`     // PEM of the authority to trust, where it isn't a public one
	Pinned   bool   `json:"pinned,omitempty"` // CA alone is trusted, no public authority
	Broker   Broker `json:"broker"`
	Releases []byte `json:"releases,omitempty"` // public key that programs for this device are signed with
}

// Broker is the device's login at its instance. The password stands here until the flows have it.
type Broker struct {
	Host     string `json:"host"`
	Port     int    `json:"port"`
	User     string `json:"user"` // with the instance before it
	Password string `json:"password,omitempty"`
	Name     string `json:"name"` // of the node in the editor
}

// Load reads the pairing from a data directory; nil when there is none.
func Load(dir string) (*Paired, error) {
	raw, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var p Paired
	if err := json.Unmarshal(raw, &p); err != nil || len(p.Key) != ed25519.SeedSize || len(p.Platform) != ed25519.PublicKeySize || p.ID == "" {
		return nil, fmt.Errorf("%s is damaged: delete it and pair the device again (%v)", filepath.Join(dir, stateFile), err)
	}
	return &p, nil
}

// save keeps the pairing, whole or not at all.
func (p *Paired) save(dir string) error {
	raw, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return ondisk.Replace(filepath.Join(dir, stateFile), 0o600, bytes.NewReader(append(raw, '\n')))
}

// Forget deletes the pairing of a data directory.
func Forget(dir string) error {
	err := os.Remove(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
