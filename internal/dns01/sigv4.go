package dns01

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// accessKey signs requests by AWS Signature Version 4.
type accessKey struct {
	id, secret string
	session    string // token of temporary credentials; "": the key is a lasting one
	region     string
	service    string
}

// sign adds the date and the signature of host, date, path, query and body. The query is sorted by key, as
// url.Values.Encode makes it, and the path holds nothing that is escaped.
func (k accessKey) sign(r *http.Request, body []byte, now time.Time) {
	date := now.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", date)
	names, headers := "host;x-amz-date", "host:"+r.URL.Host+"\nx-amz-date:"+date+"\n"
	if k.session != "" {
		r.Header.Set("X-Amz-Security-Token", k.session)
		names, headers = names+";x-amz-security-token", headers+"x-amz-security-token:"+k.session+"\n"
	}
	query := strings.ReplaceAll(r.URL.RawQuery, "+", "%20")
	request := strings.Join([]string{r.Method, r.URL.EscapedPath(), query, headers, names, sha(body)}, "\n")
	scope := date[:8] + "/" + k.region + "/" + k.service + "/aws4_request"
	text := "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + sha([]byte(request))
	key := []byte("AWS4" + k.secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+k.id+"/"+scope+", SignedHeaders="+names+
		", Signature="+hex.EncodeToString(mac(key, text)))
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
