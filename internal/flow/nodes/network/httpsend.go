package network

import (
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"tsunagi/internal/flow/value"
)

// json answers with JSON, jsonp with a call of the function that the query names.
func (s *response) json(v value.Value, jsonp bool) error {
	body := value.Append(nil, v)
	if callback := s.callback(); jsonp && callback != "" {
		if err := s.set("X-Content-Type-Options", "nosniff"); err != nil {
			return err
		}
		_ = s.set("Content-Type", "text/javascript; charset=utf-8") // it is a header that can be set
		text := strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`).Replace(string(body))
		return s.sendBytes([]byte("/**/ typeof " + callback + " === 'function' && " + callback + "(" + text + ");"))
	}
	now, ok := s.get("content-type")
	if ok {
		if err := s.set("Content-Type", withUTF8(now)); err != nil {
			return err
		}
	} else {
		if jsonp {
			if err := s.set("X-Content-Type-Options", "nosniff"); err != nil {
				return err
			}
		}
		if err := s.set("Content-Type", "application/json; charset=utf-8"); err != nil {
			return err
		}
	}
	return s.sendBytes(body)
}

var notInCallback = regexp.MustCompile(`[^\[\]\w$.]`)

// callback is the function that the query names for JSONP.
func (s *response) callback() string {
	if !strings.Contains(s.in.r.URL.RawQuery, "callback") {
		return ""
	}
	v := s.in.Property("query").Map().Get("callback")
	if l := v.List(); l != nil {
		v = l.At(0)
	}
	return notInCallback.ReplaceAllString(v.Str(), "")
}

// send answers with a value, as res.send does.
func (s *response) send(v value.Value) error {
	kind := ""
	var body []byte
	switch v.Kind() {
	case value.String:
		kind, body = "text/html; charset=utf-8", []byte(v.Str())
	case value.Bytes:
		kind, body = "application/octet-stream", v.Bytes()
	case value.Undefined:
		return s.end(nil)
	case value.Null:
		return s.sendBytes([]byte{})
	default:
		return s.json(v, false)
	}
	now, has := s.get("content-type")
	switch {
	case !has:
		if err := s.set("Content-Type", kind); err != nil {
			return err
		}
	case v.Is(value.String):
		if err := s.set("Content-Type", withUTF8(now)); err != nil {
			return err
		}
	}
	return s.sendBytes(body)
}

// withUTF8 puts the charset of texts into a media type.
func withUTF8(kind string) string {
	base, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return kind
	}
	if strings.EqualFold(params["charset"], "utf-8") {
		return kind
	}
	params["charset"] = "utf-8"
	return mime.FormatMediaType(base, params)
}

// sendBytes answers with a body: length, ETag, and nothing but the head where the client has it.
func (s *response) sendBytes(body []byte) error {
	if s.begun {
		return errHeadersSent
	}
	if err := s.set("Content-Length", strconv.Itoa(len(body))); err != nil {
		return err
	}
	tag, ok := s.get("etag")
	if !ok {
		tag = etag(body)
		_ = s.set("ETag", tag) // it is a header that can be set
	}
	if s.fresh(tag) {
		s.status = http.StatusNotModified
	}
	switch s.status {
	case http.StatusNoContent, http.StatusNotModified:
		s.remove("content-type")
		s.remove("content-length")
		s.remove("transfer-encoding")
		body = nil
	case http.StatusResetContent:
		_ = s.set("Content-Length", "0") // it is a header that can be set
		s.remove("transfer-encoding")
		body = nil
	}
	return s.end(body)
}
