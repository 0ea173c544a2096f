package editor

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"tsunagi/internal/flow"
)

// errSecret says that credentials can't be read with the secret at hand.
var errSecret = errors.New("the credentials can't be decrypted: the secret is another one than when they were saved")

// sealCredentials writes credentials as Node-RED does: {"$":"<iv in hex><base64>"}, AES-256-CTR under the SHA-256 of
// the secret. The format has no integrity check.
func sealCredentials(c flow.Credentials, secret string) ([]byte, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("save credentials: %w", err)
	}
	iv := make([]byte, aes.BlockSize)
	rand.Read(iv)
	out := make([]byte, len(plain))
	credentialStream(secret, iv).XORKeyStream(out, plain)
	return json.Marshal(map[string]string{"$": hex.EncodeToString(iv) + base64.StdEncoding.EncodeToString(out)})
}

// openCredentials reads a credentials file, encrypted or plain. Empty text is no credentials. A wrong secret is
// noticed only by what comes out not being JSON, and gives errSecret.
func openCredentials(text []byte, secret string) (flow.Credentials, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return flow.Credentials{}, nil
	}
	var outer map[string]json.RawMessage
	if err := json.Unmarshal(text, &outer); err != nil {
		return nil, fmt.Errorf("%s: %w", credsFile, err)
	}
	sealed, ok := outer["$"]
	if !ok {
		return decodeCredentials(text)
	}
	var s string
	if err := json.Unmarshal(sealed, &s); err != nil || len(s) < 2*aes.BlockSize {
		return nil, errSecret
	}
	iv, err := hex.DecodeString(s[:2*aes.BlockSize])
	if err != nil {
		return nil, errSecret
	}
	body, err := base64.StdEncoding.DecodeString(s[2*aes.BlockSize:])
	if err != nil {
		return nil, errSecret
	}
	credentialStream(secret, iv).XORKeyStream(body, body)
	c, err := decodeCredentials(body)
	if err != nil {
		return nil, errSecret
	}
	return c, nil
}

func decodeCredentials(text []byte) (flow.Credentials, error) {
	c := flow.Credentials{}
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", credsFile, err)
	}
	return c, nil
}

func credentialStream(secret string, iv []byte) cipher.Stream {
	key := sha256.Sum256([]byte(secret))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	return cipher.NewCTR(block, iv)
}
