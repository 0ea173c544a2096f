package home

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestFirst wants the page of a machine without owner to answer its own network alone, under no name that a foreign
// page can have, to take nothing from other sites, and to be gone with the first owner.
func TestFirst(t *testing.T) {
	code, asked := "secret-code", ""
	f := &First{Title: "Tsunagi", Port: "1880", Log: slog.New(slog.DiscardHandler), Code: func() string { return code },
		Pair: func(_ *http.Request, platform, c, pin string) error {
			asked = platform + " " + c + " " + pin
			if c == "wrong" {
				return errors.New("<b>this code is not valid</b>")
			}
			return nil
		}}
	do := func(method, target, remote, body string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.RemoteAddr = remote
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		return w
	}
	for _, tt := range []struct {
		name, target, remote string
		want                 int
	}{
		{"in the home", "http://192.168.1.5:1880/", "192.168.1.9:5", 200},
		{"by name", "http://raspberrypi.local:1880/", "192.168.1.9:5", 200},
		{"by a short name", "http://raspberrypi:1880/", "[fe80::1]:5", 200},
		{"from outside", "http://192.168.1.5:1880/", "203.0.113.9:5", 403},
		{"from outside over IPv6", "http://[fd00::5]:1880/", "[2001:db8::1]:5", 403},
		{"a foreign name", "http://rebound.example:1880/", "192.168.1.9:5", 421},
		{"a name that looks like it", "http://pi.local.example:1880/", "192.168.1.9:5", 421},
		{"another page", "http://192.168.1.5:1880/flows", "192.168.1.9:5", 404},
	} {
		w := do("GET", tt.target, tt.remote, "")
		if w.Code != tt.want || strings.Contains(w.Body.String(), code) != (tt.want == 200) {
			t.Errorf("%s: %d %.200s", tt.name, w.Code, w.Body)
		}
	}
	form := "platform=https://cloud.example/&code=ABCD&pin=00"
	if w := do("POST", "http://192.168.1.5:1880/pair", "192.168.1.9:5", form, "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"); w.Code != 403 || asked != "" {
		t.Errorf("another site pairs: %d %q", w.Code, asked)
	}
	if w := do("POST", "http://192.168.1.5:1880/pair", "192.168.1.9:5", strings.Repeat("x", 5<<10)); w.Code != 400 || asked != "" {
		t.Errorf("a form too large: %d", w.Code)
	}
	if w := do("POST", "http://192.168.1.5:1880/pair", "192.168.1.9:5", "platform=https://cloud.example&code=wrong"); w.Code != 422 || strings.Contains(w.Body.String(), "<b>") {
		t.Errorf("a wrong code: %d %s", w.Code, w.Body)
	}
	if w := do("POST", "http://192.168.1.5:1880/pair", "192.168.1.9:5", form, "Accept-Language", "ja"); w.Code != 200 || asked != "https://cloud.example ABCD 00" || !strings.Contains(w.Body.String(), "ペアリングしました") {
		t.Errorf("pairing: %d %q", w.Code, asked)
	}
	code = ""
	asked = ""
	if w := do("GET", "http://192.168.1.5:1880/", "192.168.1.9:5", ""); w.Code != 307 || w.Header().Get("Location") != "https://192.168.1.5:1880/" {
		t.Errorf("with an owner: %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := do("POST", "http://192.168.1.5:1880/pair", "192.168.1.9:5", form); w.Code != 403 || asked != "" {
		t.Errorf("pairing with an owner: %d %q", w.Code, asked)
	}
}
