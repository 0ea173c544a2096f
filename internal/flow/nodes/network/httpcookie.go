package network

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// cookie adds a Set-Cookie header, as res.cookie does.
func (s *response) cookie(name string, v value.Value, o *value.Map) error {
	text := v.Text()
	if v.Is(value.Object) || v.Is(value.Array) {
		text = "j:" + value.JSON(v)
	}
	if o == nil {
		o = value.NewMap(0)
	}
	if !validHeader(name) {
		return &flow.Error{Name: "TypeError", Message: "argument name is invalid: " + name}
	}
	if o.Get("signed").Truthy() {
		return &flow.Error{Message: `cookieParser("secret") required for signed cookies`}
	}
	line, err := cookieLine(name, encodeComponent(text), o)
	if err != nil {
		return err
	}
	old := []string{}
	for _, f := range s.header {
		if f.key == "set-cookie" {
			old = f.values
		}
	}
	if s.begun {
		return errHeadersSent
	}
	return s.set("Set-Cookie", append(slices.Clip(old), line)...)
}

func cookieLine(name, text string, o *value.Map) (string, error) {
	var b strings.Builder
	b.WriteString(name + "=" + text)
	expires := o.Get("expires")
	if age := o.Get("maxAge"); !age.Nullish() {
		ms := age.ToNumber()
		if ms == ms {
			expires = value.Time(time.Now().Add(time.Duration(ms) * time.Millisecond))
			b.WriteString("; Max-Age=" + strconv.FormatInt(int64(ms)/1000, 10))
		}
	}
	if d := o.Get("domain"); d.Truthy() {
		b.WriteString("; Domain=" + d.Text())
	}
	path := "/"
	if p := o.Get("path"); !p.Nullish() {
		path = p.Text()
	}
	if path != "" {
		b.WriteString("; Path=" + path)
	}
	if expires.Truthy() {
		t := expires.Time()
		if !expires.Is(value.Date) {
			parsed, err := time.Parse(time.RFC3339, expires.Text())
			if err != nil {
				return "", &flow.Error{Name: "TypeError", Message: "option expires is invalid"}
			}
			t = parsed
		}
		b.WriteString("; Expires=" + t.UTC().Format(http.TimeFormat))
	}
	for _, flag := range []struct{ key, text string }{{"httpOnly", "; HttpOnly"}, {"secure", "; Secure"}, {"partitioned", "; Partitioned"}} {
		if o.Get(flag.key).Truthy() {
			b.WriteString(flag.text)
		}
	}
	if p := o.Get("priority"); p.Truthy() {
		b.WriteString("; Priority=" + title(p.Text()))
	}
	if s := o.Get("sameSite"); s.Truthy() {
		word := "Strict"
		if !s.Is(value.Bool) {
			word = title(s.Text())
		}
		b.WriteString("; SameSite=" + word)
	}
	line := b.String()
	if strings.ContainsAny(line, "\r\n\x00") {
		return "", &flow.Error{Name: "TypeError", Message: "argument val is invalid"}
	}
	return line, nil
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
}

// clearCookie makes the client forget a cookie.
func (s *response) clearCookie(name string, o *value.Map) error {
	own := value.NewMap(4)
	if o != nil {
		for key, v := range o.All() {
			if key != "maxAge" {
				own.Set(key, v)
			}
		}
	}
	own.Set("expires", value.Time(time.UnixMilli(1)))
	return s.cookie(name, value.Str(""), own)
}
