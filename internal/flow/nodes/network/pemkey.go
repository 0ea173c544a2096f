package network

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // older key files ask for it
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
)

// decryptKey returns the PEM text of a private key without its passphrase. Text that is not
// encrypted is returned as it is.
func decryptKey(text []byte, passphrase string) ([]byte, error) {
	rest := text
	for {
		block, more := pem.Decode(rest)
		if block == nil {
			return text, nil
		}
		rest = more
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY":
			der, err := decryptPKCS8(block.Bytes, passphrase)
			if err != nil {
				return nil, err
			}
			return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
		//lint:ignore SA1019 such files exist
		case x509.IsEncryptedPEMBlock(block): //nolint:staticcheck // such files exist
			//lint:ignore SA1019 such files exist
			der, err := x509.DecryptPEMBlock(block, []byte(passphrase)) //nolint:staticcheck // as above
			if err != nil {
				return nil, errPassphrase
			}
			return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), nil
		}
	}
}

var errPassphrase = errors.New("the passphrase does not open it")

// The parts of RFC 8018 that OpenSSL writes: PBES2 with PBKDF2 and AES-CBC.
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	keySizes  = map[string]int{"2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32}
)

type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2 struct{ KDF, Cipher pkix.AlgorithmIdentifier }

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// maxIterations bounds the work that a key file can ask for.
const maxIterations = 10_000_000

func decryptPKCS8(der []byte, passphrase string) ([]byte, error) {
	var (
		k  encryptedKey
		p  pbes2
		kd pbkdf2Params
		iv []byte
	)
	if _, err := asn1.Unmarshal(der, &k); err != nil {
		return nil, fmt.Errorf("encrypted key: %w", err)
	}
	if !k.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("encrypted key: algorithm %v: want PBES2, as openssl pkcs8 -topk8 -v2 aes256 writes it", k.Algorithm.Algorithm)
	}
	if _, err := asn1.Unmarshal(k.Algorithm.Parameters.FullBytes, &p); err != nil {
		return nil, fmt.Errorf("encrypted key: %w", err)
	}
	size := keySizes[p.Cipher.Algorithm.String()]
	if !p.KDF.Algorithm.Equal(oidPBKDF2) || size == 0 {
		return nil, errors.New("encrypted key: want PBKDF2 and AES-CBC, as openssl pkcs8 -topk8 -v2 aes256 writes it")
	}
	if _, err := asn1.Unmarshal(p.KDF.Parameters.FullBytes, &kd); err != nil {
		return nil, fmt.Errorf("encrypted key: %w", err)
	}
	if _, err := asn1.Unmarshal(p.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, fmt.Errorf("encrypted key: %w", err)
	}
	prf := sha1.New
	switch {
	case kd.PRF.Algorithm == nil, kd.PRF.Algorithm.Equal(oidSHA1):
	case kd.PRF.Algorithm.Equal(oidSHA256):
		prf = sha256.New
	default:
		return nil, fmt.Errorf("encrypted key: hash %v: want HMAC with SHA-1 or SHA-256", kd.PRF.Algorithm)
	}
	if kd.Iterations < 1 || kd.Iterations > maxIterations {
		return nil, fmt.Errorf("encrypted key: %d iterations: want 1 to %d", kd.Iterations, maxIterations)
	}
	return openCBC(prf, passphrase, kd, size, iv, k.Data)
}

func openCBC(prf func() hash.Hash, passphrase string, kd pbkdf2Params, size int, iv, data []byte) ([]byte, error) {
	key, err := pbkdf2.Key(prf, passphrase, kd.Salt, kd.Iterations, size)
	if err != nil {
		return nil, fmt.Errorf("encrypted key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("encrypted key: %w", err)
	}
	if len(iv) != block.BlockSize() || len(data) == 0 || len(data)%block.BlockSize() != 0 {
		return nil, errors.New("encrypted key: it is cut off")
	}
	out := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, data)
	pad := int(out[len(out)-1])
	if pad < 1 || pad > block.BlockSize() {
		return nil, errPassphrase
	}
	var whole asn1.RawValue // by chance the wrong key's last byte looks like padding: what is inside has to be one value
	rest, err := asn1.Unmarshal(out[:len(out)-pad], &whole)
	if err != nil || len(rest) > 0 || whole.Tag != asn1.TagSequence {
		return nil, errPassphrase
	}
	return out[:len(out)-pad], nil
}
