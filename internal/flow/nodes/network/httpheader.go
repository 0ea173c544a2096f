package network

import (
	"regexp"
	"slices"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

func (s *response) get(key string) (string, bool) {
	for i := range s.header {
		if s.header[i].key == key {
			return strings.Join(s.header[i].values, ", "), true
		}
	}
	return "", false
}

func (s *response) set(name string, values ...string) error {
	if s.begun {
		return errHeadersSent
	}
	if !validHeader(name) {
		return nodeFault("TypeError", "ERR_INVALID_HTTP_TOKEN", "Header name must be a valid HTTP token [\""+name+"\"]")
	}
	for _, v := range values {
		if strings.ContainsAny(v, "\r\n\x00") {
			return nodeFault("TypeError", "ERR_INVALID_CHAR", "Invalid character in header content [\""+name+"\"]")
		}
	}
	key := headerKey(name)
	for i := range s.header {
		if s.header[i].key == key {
			s.header[i] = headerField{name, key, values}
			return nil
		}
	}
	s.header = append(s.header, headerField{name, key, values})
	return nil
}

// headerKey is a name in small letters, without work for those of every answer.
func headerKey(name string) string {
	switch name {
	case "Content-Type":
		return "content-type"
	case "Content-Length":
		return "content-length"
	case "ETag":
		return "etag"
	}
	return strings.ToLower(name)
}

func validHeader(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return name != ""
}

func (s *response) remove(key string) {
	s.header = slices.DeleteFunc(s.header, func(f headerField) bool { return f.key == key })
}

var charset = regexp.MustCompile(`;\s*charset\s*=`)

// setValue sets a header as res.set does: lists are several headers, texts get a charset.
func (s *response) setValue(name string, v value.Value) error {
	if l := v.List(); l != nil {
		list := make([]string, 0, l.Len())
		for _, e := range l.All() {
			list = append(list, e.Text())
		}
		if strings.EqualFold(name, "content-type") {
			return &flow.Error{Name: "TypeError", Message: "Content-Type cannot be set to an Array"}
		}
		return s.set(name, list...)
	}
	text := v.Text()
	if strings.EqualFold(name, "content-type") && !charset.MatchString(text) {
		base, _, _ := strings.Cut(text, ";")
		if strings.HasPrefix(base, "text/") || strings.HasPrefix(base, "application/json") || strings.HasPrefix(base, "application/javascript") {
			text += "; charset=utf-8"
		}
	}
	return s.set(name, text)
}
