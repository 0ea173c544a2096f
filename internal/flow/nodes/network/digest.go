package network

import (
	"crypto/md5" //nolint:gosec // what digest authentication uses
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
)

var (
	challengePart = regexp.MustCompile(`(?i)([a-z0-9_-]+)=(?:"([^"]+)"|([a-z0-9_-]+))`)
	authQop       = regexp.MustCompile(`(^|,)\s*auth\s*($|,)`)
)

// digestHeader answers the challenge of a server that wants digest authentication (RFC 7616).
func digestHeader(user, password, method, path, challenge string) (string, error) {
	given := map[string]string{}
	for _, m := range challengePart.FindAllStringSubmatch(challenge, -1) {
		given[m[1]] = m[2] + m[3]
	}
	if given["nonce"] == "" {
		return "", errors.New("Invalid digest challenge: missing nonce") //nolint:staticcheck // Node-RED's words
	}
	if given["realm"] == "" {
		return "", errors.New("Invalid digest challenge: missing realm") //nolint:staticcheck // Node-RED's words
	}
	algorithm := given["algorithm"]
	hash := func(s string) string { return digestOf(algorithm, s) }
	qop, nc, cnonce := "", "", ""
	if authQop.MatchString(given["qop"]) {
		var b [16]byte
		_, _ = rand.Read(b[:]) // it never fails
		qop, nc, cnonce = "auth", "00000001", hex.EncodeToString(b[:])
	}
	ha1 := hash(user + ":" + given["realm"] + ":" + password)
	if strings.HasSuffix(strings.ToLower(algorithm), "-sess") {
		ha1 = hash(ha1 + ":" + given["nonce"] + ":" + cnonce)
	}
	ha2 := hash(method + ":" + path)
	answer := hash(ha1 + ":" + given["nonce"] + ":" + ha2)
	if qop != "" {
		answer = hash(strings.Join([]string{ha1, given["nonce"], nc, cnonce, qop, ha2}, ":"))
	}
	var parts []string
	for _, p := range [][2]string{{"username", user}, {"realm", given["realm"]}, {"nonce", given["nonce"]}, {"uri", path}, {"qop", qop},
		{"response", answer}, {"nc", nc}, {"cnonce", cnonce}, {"algorithm", algorithm}, {"opaque", given["opaque"]}} {
		switch {
		case p[1] == "":
		case p[0] == "qop" || p[0] == "nc" || p[0] == "algorithm":
			parts = append(parts, p[0]+"="+p[1])
		default:
			parts = append(parts, p[0]+`="`+strings.ReplaceAll(p[1], `"`, `\"`)+`"`)
		}
	}
	return "Digest " + strings.Join(parts, ", "), nil
}

func digestOf(algorithm, s string) string {
	switch strings.TrimSuffix(strings.ToLower(algorithm), "-sess") {
	case "sha-256":
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	case "sha-512-256":
		sum := sha512.Sum512([]byte(s))
		return hex.EncodeToString(sum[:32])
	}
	sum := md5.Sum([]byte(s)) //nolint:gosec // what digest authentication uses
	return hex.EncodeToString(sum[:])
}
