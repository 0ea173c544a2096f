// Package softkey is an authenticator in software, for tests: real keys, real signatures.
package softkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
)

// Key is one passkey, ES256. Fields may be changed between ceremonies to play wrong authenticators.
type Key struct {
	Origin   string // that the browser would say
	RPID     string
	Verified bool // the person was verified
	Count    uint32

	ID     []byte
	handle []byte
	key    *ecdsa.PrivateKey
}

// New is a passkey of nobody yet.
func New(rpid, origin string) *Key { return &Key{Origin: origin, RPID: rpid, Verified: true} }

var b64 = base64.RawURLEncoding

type options struct {
	PublicKey struct {
		Challenge string `json:"challenge"`
		RPID      string `json:"rpId"`
		RP        struct {
			ID string `json:"id"`
		} `json:"rp"`
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	} `json:"publicKey"`
}

// Create answers the options of a registration.
func (k *Key) Create(raw []byte) (json.RawMessage, error) {
	var o options
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	if o.PublicKey.RP.ID != k.RPID {
		return nil, errors.New("options are for " + o.PublicKey.RP.ID)
	}
	var err error
	if k.handle, err = b64.DecodeString(o.PublicKey.User.ID); err != nil {
		return nil, err
	}
	if k.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	k.ID = make([]byte, 16)
	rand.Read(k.ID)
	data := k.data(0x40)
	data = append(data, make([]byte, 16)...) // AAGUID
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.ID)))
	data = append(append(data, k.ID...), k.cose()...)
	object := []byte{0xa3, 0x63, 'f', 'm', 't', 0x64, 'n', 'o', 'n', 'e', 0x67, 'a', 't', 't', 'S', 't', 'm', 't', 0xa0, 0x68, 'a', 'u', 't', 'h', 'D', 'a', 't', 'a'}
	object = append(append(object, 0x58, byte(len(data))), data...) // a byte string of up to 255
	return k.answer(map[string]string{
		"clientDataJSON": b64.EncodeToString(k.client("webauthn.create", o.PublicKey.Challenge)), "attestationObject": b64.EncodeToString(object)})
}

// Get answers the options of a sign-in.
func (k *Key) Get(raw []byte) (json.RawMessage, error) {
	var o options
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	if o.PublicKey.RPID != k.RPID {
		return nil, errors.New("options are for " + o.PublicKey.RPID)
	}
	k.Count++
	data, client := k.data(0), k.client("webauthn.get", o.PublicKey.Challenge)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, sum[:])
	if err != nil {
		return nil, err
	}
	return k.answer(map[string]string{"clientDataJSON": b64.EncodeToString(client), "authenticatorData": b64.EncodeToString(data),
		"signature": b64.EncodeToString(signature), "userHandle": b64.EncodeToString(k.handle)})
}

// data is the authenticator data up to the counter [WebAuthn 6.1].
func (k *Key) data(flags byte) []byte {
	flags |= 0x01 // a person was there
	if k.Verified {
		flags |= 0x04
	}
	id := sha256.Sum256([]byte(k.RPID))
	return binary.BigEndian.AppendUint32(append(id[:], flags), k.Count)
}

func (k *Key) client(kind, challenge string) []byte {
	raw, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.Origin, "crossOrigin": false})
	if err != nil {
		panic(err) // strings only
	}
	return raw
}

// cose is the public key in CBOR [RFC 9053].
func (k *Key) cose() []byte {
	point, err := k.key.PublicKey.Bytes() // 4, X, Y
	if err != nil {
		panic(err) // a key that was just made
	}
	out := []byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 32}
	out = append(append(out, point[1:33]...), 0x22, 0x58, 32)
	return append(out, point[33:]...)
}

func (k *Key) answer(response map[string]string) (json.RawMessage, error) {
	return json.Marshal(map[string]any{"id": b64.EncodeToString(k.ID), "rawId": b64.EncodeToString(k.ID), "type": "public-key",
		"response": response, "clientExtensionResults": map[string]any{}})
}
