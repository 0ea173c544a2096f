package panel_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestPathTricks reaches for another's instance around one's own, and for routes around their names.
func TestPathTricks(t *testing.T) {
	w := newWorld(t)
	victim := w.owner()
	id := victim.instance()
	victim.want("POST", "/api/v1/instances/"+id+"/users", map[string]any{"name": "canary"}, 201, nil)
	attacker := w.member(victim, "attacker@example.org")
	mine := attacker.instance()
	before := state(t, victim, id)
	tricks := []string{
		mine + "/../" + id, mine + "%2f..%2f" + id, mine + "/..%2f" + id, mine + "/.%2e/" + id, mine + "/..;/" + id, mine + ";/" + id, mine + "%00" + id, mine + "//" + id,
		id + "%20", id + "%00", "%20" + id, id + ";a=b", strings.ToUpper(id), id + ".json", "./" + id, "%2e/" + id, mine + "%5c..%5c" + id, id + "%ef%bc%8f", url.PathEscape(id + "\r\nX: y"),
		"%ff%fe", strings.Repeat("a", 10_000), strings.Repeat("%f0%9f%98%80", 1000), "-1", "0", "9223372036854775808", "null", "undefined", "*", "%25", "'%20or%201=1--",
	}
	for _, trick := range tricks {
		for _, call := range [][2]string{{"GET", ""}, {"DELETE", ""}, {"GET", "/users/canary"}, {"DELETE", "/users/canary"}, {"GET", "/retained"}, {"POST", "/restart"}} {
			w.panel.ForgetRates()
			path := "/api/v1/instances/" + trick + call[1]
			answer, raw := attacker.do(call[0], path, nil)
			if answer.StatusCode == 307 { // the way that was meant
				if to := answer.Header.Get("Location"); !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
					t.Errorf("%s %.80s leads to %q", call[0], path, to)
				}
				continue
			}
			if answer.StatusCode < 400 || answer.StatusCode >= 500 || strings.Contains(string(raw), "canary") || answer.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %.80s: %s %.200s", call[0], path, answer.Status, raw)
			}
		}
	}
	for _, path := range []string{"/API/v1/instances", "/api/V1/instances", "/api//v1/instances", "/api/v1/instances/", "/api/v1%2finstances", "/api/v1/../v1/instances", "//evil.example/%2e%2e", "/%2e%2e/api/v1/instances",
		"/api/v1/instances?_method=DELETE", "/.git/config", "/..%2f..%2fetc%2fpasswd", "/assets/..%2findex.html", "/%5cevil.example", "/api/v1/accounts/%2e%2e/instances"} {
		answer, raw := w.browser().do("GET", path, nil)
		if to := answer.Header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\")) {
			t.Errorf("%s leads to %q", path, to)
		}
		if strings.Contains(string(raw), id) || strings.Contains(string(raw), "root:") || answer.StatusCode >= 500 {
			t.Errorf("%s: %s %.200s", path, answer.Status, raw)
		}
	}
	if after := state(t, victim, id); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
	if log := w.log.String(); strings.Contains(log, "ERROR") {
		t.Errorf("log: %.1000s", log)
	}
}

// TestMethodsNobodyNamed asks every route with methods that aren't its own: HEAD is GET without a body and with the same
// rights, and ends; all others are refused, and no answer lets pages of other origins read.
func TestMethodsNobodyNamed(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	things := w.furnish(b, id)
	deeds, n, reads := w.deeds(), 0, []string{}
	foreign := w.browser()
	foreign.header.Set("Origin", "https://evil.example")
	for pattern, op := range operations(t, w) {
		method, path, _ := strings.Cut(pattern, " ")
		path = things.fill(path)
		w.panel.ForgetRates()
		n++
		foreign.header.Set("Test-From", fmt.Sprintf("192.0.2.%d:1", n%250+1))
		for _, other := range []string{"OPTIONS", "TRACE", "PUT", "PROPFIND", "get"} {
			foreign.header.Set("Access-Control-Request-Method", method)
			answer, raw := foreign.do(other, path, nil)
			if answer.StatusCode < 400 || answer.StatusCode >= 500 {
				t.Errorf("%s %s: %s %.200s", other, path, answer.Status, raw)
			}
			for name := range answer.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s has %s: %s", other, path, name, answer.Header.Get(name))
				}
			}
		}
		if method != http.MethodGet {
			continue
		}
		if answer, raw := foreign.do("HEAD", path, nil); len(op.Security) > 0 && answer.StatusCode != 401 || len(raw) > 0 {
			t.Errorf("HEAD %s by nobody: %s %.100s", path, answer.Status, raw)
		}
		reads = append(reads, path)
	}
	if after := w.deeds(); after != deeds {
		t.Errorf("something was done:\n%s\n%s", deeds, after)
	}
	for _, path := range reads {
		w.panel.ForgetRates()
		if answer, _ := b.do("HEAD", path, nil); answer.StatusCode >= 500 {
			t.Errorf("HEAD %s: %s", path, answer.Status)
		}
	}
}

// TestStrangeCredentials sends what is nearly a cookie or a token.
func TestStrangeCredentials(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	good := b.cookie
	n := 0
	for name, header := range map[string]http.Header{
		"two cookies":            {"Cookie": {"__Host-tsunagi=" + strings.Repeat("A", 43) + "; __Host-tsunagi=" + good}}, // the first counts, as in all of net/http
		"another prefix":         {"Cookie": {"tsunagi=" + good}},
		"upper case":             {"Cookie": {"__HOST-TSUNAGI=" + good}},
		"a cookie as a token":    {"Authorization": {"Bearer " + good}},
		"no token":               {"Authorization": {"Bearer"}},
		"an empty token":         {"Authorization": {"Bearer   "}},
		"a huge token":           {"Authorization": {"Bearer tsu_" + strings.Repeat("A", 100_000)}},
		"basic":                  {"Authorization": {"Basic " + good}},
		"an empty header":        {"Authorization": {" "}, "Cookie": {"__Host-tsunagi="}},
		"a token in the address": {"X-Api-Key": {good}},
	} {
		n++
		c := &browser{w: w, header: header}
		header.Set("Test-From", fmt.Sprintf("192.0.2.%d:1", n))
		if answer, raw := c.do("GET", "/api/v1/instances?token="+good+"&access_token="+good, nil); answer.StatusCode != 401 {
			t.Errorf("%s: %s %s", name, answer.Status, raw)
		}
	}
}

// TestForwardedForCountsNothing: an address that a client makes up is no address, neither for limits nor in the audit.
func TestForwardedForCountsNothing(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	b.header = http.Header{"X-Forwarded-For": {"198.51.100.7"}, "X-Real-Ip": {"198.51.100.7"}, "Forwarded": {"for=198.51.100.7"}, "True-Client-Ip": {"198.51.100.7"}}
	b.instance()
	if _, raw := b.do("GET", "/api/v1/audit", nil); strings.Contains(string(raw), "198.51.100.7") {
		t.Error("the audit believes a header")
	}
	last := 0
	for i := range 20 {
		c := w.browser()
		c.header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
		answer, _ := c.do("POST", "/api/v1/session", map[string]any{"email": "owner@example.org", "password": "guess"})
		last = answer.StatusCode
	}
	if last != 429 {
		t.Errorf("the twentieth guess from as many made-up addresses: %d", last)
	}
}

// TestHostileJSON sends bodies that parsers disagree about.
func TestHostileJSON(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	for name, body := range map[string]string{
		"deep lists":          strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000),
		"deep in a field":     `{"name":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`,
		"another letter case": `{"name":"x","NAME":"y"}`,
		"only another case":   `{"Name":"x"}`,
		"two values":          `{"name":"x"}{"name":"y"}`,
		"behind it":           `{"name":"x"} x`,
		"a comment":           `{"name":"x"/**/}`,
		"no number":           `{"name":NaN}`,
		"a byte order mark":   "\ufeff" + `{"name":"x"}`,
		"a lonely surrogate":  `{"name":"\ud800"}`,
		"not UTF-8":           "{\"name\":\"\xff\"}",
		"a prototype":         `{"name":"x","__proto__":{"role":"owner"}}`,
		"null":                `null`,
		"a null field":        `{"name":null}`,
		"many fields":         `{"name":"x"` + strings.Repeat(`,"a":1`, 9000) + `}`,
		"a huge number":       `{"name":1e999999}`,
		"unicode line breaks": `{"name":"a\u2028b"}`,
		"an escape code":      `{"name":"a\u001b[31m"}`,
		"directions turned":   `{"name":"a\u202eb"}`,
		"zero width":          `{"name":"\u200b"}`,
	} {
		w.panel.ForgetRates()
		answer, raw := b.do("POST", "/api/v1/instances", body)
		if answer.StatusCode < 400 || answer.StatusCode >= 500 {
			t.Errorf("%s: %s %.200s", name, answer.Status, raw)
		}
	}
	if log := w.log.String(); strings.Contains(log, "ERROR") {
		t.Errorf("log: %.1000s", log)
	}
}

// TestOnceAcrossAccounts: a key is one account's own, also where the request is the same to the letter.
func TestOnceAcrossAccounts(t *testing.T) {
	w := newWorld(t)
	a := w.owner()
	b := w.member(a, "b@example.org")
	a.header = http.Header{"Idempotency-Key": {"same"}}
	b.header = http.Header{"Idempotency-Key": {"same"}}
	var first, second, again struct{ ID string }
	a.want("POST", "/api/v1/instances", `{"name":"x"}`, 201, &first)
	b.want("POST", "/api/v1/instances", `{"name":"x"}`, 201, &second)
	a.want("POST", "/api/v1/instances", `{"name":"x"}`, 201, &again)
	if first.ID == second.ID || first.ID != again.ID {
		t.Errorf("made %s, %s and %s", first.ID, second.ID, again.ID)
	}
	// In another team, too: the browser is the same, and what is made isn't.
	a.header = http.Header{}
	a.want("POST", "/api/v1/teams", map[string]any{"name": "Works"}, 201, nil)
	a.header = http.Header{"Idempotency-Key": {"same"}}
	var elsewhere struct{ ID string }
	if a.want("POST", "/api/v1/instances", `{"name":"x"}`, 201, &elsewhere); elsewhere.ID == first.ID {
		t.Error("the key of one account answers in another")
	}
}

// TestNothingIsKept: no answer of the API with anybody's things in it may be kept by a browser or a proxy.
func TestNothingIsKept(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	things := w.furnish(b, b.instance())
	for pattern := range operations(t, w) {
		method, path, _ := strings.Cut(pattern, " ")
		if method != "GET" || strings.HasSuffix(path, "/stream") || strings.HasSuffix(path, "/subscribe") {
			continue
		}
		w.panel.ForgetRates()
		answer, _ := b.do(method, things.fill(path), nil)
		if answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(answer.Header.Get("Content-Security-Policy"), "default-src 'none'") || answer.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, answer.Header)
		}
	}
}
