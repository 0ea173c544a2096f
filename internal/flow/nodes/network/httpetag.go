package network

import (
	"crypto/sha1" //nolint:gosec // Express's ETag, no protection
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// etag is the tag that Express gives a body.
func etag(body []byte) string {
	sum := sha1.Sum(body) //nolint:gosec // no protection
	var text [28]byte
	base64.StdEncoding.Encode(text[:], sum[:])
	b := make([]byte, 0, 48)
	b = append(b, `W/"`...)
	b = strconv.AppendInt(b, int64(len(body)), 16)
	b = append(b, '-')
	b = append(b, text[:27]...)
	return string(append(b, '"'))
}

// fresh says whether the client has this answer already.
func (s *response) fresh(tag string) bool {
	r := s.in.r
	if r.Method != http.MethodGet && r.Method != http.MethodHead || s.status != http.StatusNotModified && (s.status < 200 || s.status >= 300) {
		return false
	}
	since, match := r.Header.Get("If-Modified-Since"), r.Header.Get("If-None-Match")
	if since == "" && match == "" || strings.Contains(r.Header.Get("Cache-Control"), "no-cache") {
		return false
	}
	if match != "" && match != "*" {
		known := false
		for part := range strings.SplitSeq(match, ",") {
			part = strings.TrimSpace(part)
			known = known || strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/")
		}
		if !known {
			return false
		}
	}
	if since == "" {
		return true
	}
	last, _ := s.get("last-modified")
	changed, err := http.ParseTime(last)
	known, err2 := http.ParseTime(since)
	return err == nil && err2 == nil && !changed.After(known)
}
