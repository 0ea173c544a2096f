package panel_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tsunagi/internal/panel"
)

// TestDoneOnce sends the same creation several times.
func TestDoneOnce(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	users := "/api/v1/instances/" + id + "/users"
	token := b.token("manage", id)
	b.header = http.Header{"Idempotency-Key": {"5f0c-1"}}
	first, body := b.do("POST", users, `{"name":"one"}`)
	again, replayed := b.do("POST", users, `{"name":"one"}`)
	if first.StatusCode != 201 || again.StatusCode != 201 || string(body) != string(replayed) || again.Header.Get("Idempotent-Replayed") != "true" ||
		!strings.Contains(string(body), `"password":"`) || again.Header.Get("Content-Type") != "application/json" {
		t.Errorf("first %s %s, again %s %s", first.Status, body, again.Status, replayed)
	}
	b.refused("POST", users, `{"name":"two"}`, 422, "invalid")
	b.refused("POST", "/api/v1/instances/"+id+"/rules", `{"name":"one"}`, 422, "invalid")

	// The same key of another API token is another key, and what failed may come again.
	other := &browser{w: w, header: http.Header{"Authorization": {"Bearer " + token}, "Idempotency-Key": {"5f0c-1"}}}
	other.refused("POST", users, `{"name":"one"}`, 409, "conflict")
	other.want("POST", users, `{"name":"two"}`, 201, nil)

	for key, status := range map[string]int{"white space": 422, "é": 422, strings.Repeat("x", 256): 422, strings.Repeat("x", 255): 201} {
		b.header.Set("Idempotency-Key", key)
		if answer, raw := b.do("POST", users, `{"name":"long"}`); answer.StatusCode != status {
			t.Errorf("key %.20q: %s %s", key, answer.Status, raw)
		}
	}
	b.header.Set("Idempotency-Key", "large")
	b.refused("POST", users, `{"name":"`+strings.Repeat("x", 70_000)+`"}`, 413, "invalid")

	// All at once: one is made.
	b.header.Set("Idempotency-Key", "storm")
	statuses := make([]int, 8)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() {
			answer, _ := (&browser{w: w, cookie: b.cookie, header: b.header.Clone()}).do("POST", users, `{"name":"storm"}`)
			statuses[i] = answer.StatusCode
		})
	}
	wg.Wait()
	made := 0
	for _, s := range statuses {
		if s == 201 {
			made++
		} else if s != 409 {
			t.Errorf("statuses %v", statuses)
		}
	}
	b.header = http.Header{}
	var list struct{ Total int }
	if b.want("GET", users, nil, 200, &list); list.Total != 5 || made == 0 { // the first user, one, two, long, storm
		t.Errorf("%d users, statuses %v", list.Total, statuses)
	}
}

// TestChangesHaveVersions walks the document: what changes a thing takes If-Match, or there is a reason why not.
func TestChangesHaveVersions(t *testing.T) {
	without := map[string]string{
		"change-account": "one's own language and password, which asks for the old one",
		"rename-passkey": "a name that only its person sees",
		"name-snapshot":  "a single word, and the last one holds",
	}
	w := newWorld(t)
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	w.owner().want("GET", "/api/openapi.json", nil, 200, &document)
	changes := 0
	for path, methods := range document.Paths {
		for method, raw := range methods {
			if method != "patch" && method != "put" || !strings.HasPrefix(path, "/api/v1/") {
				continue
			}
			var op struct {
				OperationID string
				Parameters  []struct{ Name string }
			}
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatal(err)
			}
			changes++
			takes := slices.ContainsFunc(op.Parameters, func(p struct{ Name string }) bool { return p.Name == "If-Match" })
			if reason := without[op.OperationID]; takes == (reason != "") {
				t.Errorf("%s: takes If-Match: %v; reason to do without: %q", op.OperationID, takes, reason)
			}
		}
	}
	if changes < 15 {
		t.Errorf("%d changes in the document", changes)
	}
}

// TestVersions lets two people edit everything that has a version.
func TestVersions(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	at := "/api/v1/instances/" + id
	var rule, address, bridge, hook struct{ ID string }
	b.want("POST", at+"/users", `{"name":"u"}`, 201, nil)
	b.want("POST", at+"/rules", `{"effect":"allow","access":"both","filter":"a"}`, 201, &rule)
	b.want("POST", at+"/addresses", `{"prefix":"192.0.2.7","effect":"deny"}`, 201, &address)
	b.want("POST", at+"/bridges", `{"name":"x","address":"mqtts://b.example","topics":[{"direction":"out","filter":"#"}]}`, 201, &bridge)
	b.want("POST", at+"/hooks", `{"name":"x","filter":"a","action":"publish","topic":"b"}`, 201, &hook)
	device := b.pair("pi", id)
	for _, tt := range []struct {
		path, one, two string
		deleted        bool
	}{
		{at + "/rules/" + rule.ID, `{"filter":"b"}`, `{"filter":"c"}`, true},
		{at + "/users/u", `{"note":"b"}`, `{"connect":false}`, true},
		{at + "/addresses/" + address.ID, `{"prefix":"192.0.2.7","effect":"deny","note":"b"}`, `{"prefix":"192.0.2.8","effect":"deny"}`, true},
		{at + "/bridges/" + bridge.ID, `{"name":"b"}`, `{"enabled":false}`, true},
		{at + "/hooks/" + hook.ID, `{"name":"b"}`, `{"enabled":false}`, true},
		{at + "/retained-expiry", `{"filters":[{"filter":"a/#","seconds":60}]}`, `{"filters":[]}`, false},
		{at + "/client-ids", `{"policy":"refuse"}`, `{"policy":"takeover"}`, false},
		{at + "/history", `{"filters":[{"filter":"a/#","bytes":10000}]}`, `{"filters":[]}`, false},
		{at + "/logins", `{"token":true}`, `{"token":false}`, false},
		{"/api/v1/devices/" + device, `{"labels":["b"]}`, `{"name":"c"}`, false},
		{"/api/v1/devices/" + device, `{"name":"b"}`, `{"remote_editing":false}`, true},
		{at, `{"name":"b"}`, `{"name":"c"}`, true},
	} {
		read, body := b.do("GET", tt.path, nil)
		tag := read.Header.Get("ETag")
		if len(tag) < 10 || read.StatusCode != 200 {
			t.Fatalf("%s: %s, ETag %q, %s", tt.path, read.Status, tag, body)
		}
		if list := path.Dir(tt.path); tt.deleted && tt.path != at { // a list has the version of each thing in it
			var in struct{ Items []struct{ ETag string } }
			b.want("GET", list, nil, 200, &in)
			if !slices.ContainsFunc(in.Items, func(one struct{ ETag string }) bool { return one.ETag == tag }) {
				t.Errorf("%s: no %s in %+v", list, tag, in)
			}
		}
		b.header = http.Header{"If-Match": {tag}}
		first, body := b.do("PATCH", tt.path, tt.one)
		if first.StatusCode != 200 || first.Header.Get("ETag") == tag {
			t.Errorf("%s: first %s %s", tt.path, first.Status, body)
		}
		b.refused("PATCH", tt.path, tt.two, 412, "stale")
		if tt.deleted {
			b.refused("DELETE", tt.path, nil, 412, "stale")
		}
		b.header = http.Header{"If-Match": {`"other", ` + first.Header.Get("ETag")}}
		b.want("PATCH", tt.path, tt.two, 200, nil)
		b.header = http.Header{"If-Match": {"W/" + first.Header.Get("ETag"), "nonsense"}}
		b.refused("PATCH", tt.path, tt.one, 412, "stale")
		b.header = http.Header{"If-Match": {"*"}}
		b.want("PATCH", tt.path, tt.one, 200, nil)
		if tt.deleted {
			b.want("DELETE", tt.path, nil, 204, nil)
		}
		b.header = http.Header{}
	}
	var owner struct{ Account struct{ ID string } }
	b.want("GET", "/api/v1/session", nil, 200, &owner)
	b.header = http.Header{"If-Match": {`"x"`}}
	b.refused("PATCH", "/api/v1/accounts/"+owner.Account.ID, `{"instance_limit":3}`, 412, "stale")
	b.refused("POST", "/api/v1/instances", `{"name":"no version"}`, 412, "stale")
}

// TestAccountVersions has two operators look at one account: who deletes it must know how it is now.
func TestAccountVersions(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	var team struct{ ID string }
	b.want("POST", "/api/v1/teams", `{"name":"Crew"}`, 201, &team)
	at := "/api/v1/accounts/" + team.ID
	read, _ := b.do("GET", at, nil)
	b.want("POST", at+"/suspend", `{"why":"unpaid"}`, 200, nil)
	b.header = http.Header{"If-Match": {read.Header.Get("ETag")}}
	b.refused("PATCH", at, `{"instance_limit":3}`, 412, "stale")
	b.refused("DELETE", at, nil, 412, "stale")
	read, _ = b.do("GET", at, nil)
	b.header = http.Header{"If-Match": {read.Header.Get("ETag")}}
	b.want("DELETE", at, nil, 204, nil)
}

// TestRateHeaders counts down.
func TestRateHeaders(t *testing.T) {
	w := newWorld(t)
	b, stranger := w.owner(), w.browser()
	for _, path := range []string{"/api/v1/status", "/api/user"} {
		answer, _ := stranger.do("GET", path, nil)
		if answer.Header.Get("RateLimit-Policy") != `"address";q=60;w=6` || !strings.HasPrefix(answer.Header.Get("RateLimit"), `"address";r=5`) {
			t.Errorf("%s: %v", path, answer.Header)
		}
	}
	for range 200 {
		answer, raw := stranger.do("GET", "/api/v1/status", nil)
		if answer.StatusCode == 200 {
			continue
		}
		if answer.StatusCode != 429 || answer.Header.Get("Retry-After") != "1" || answer.Header.Get("RateLimit") != `"address";r=0;t=6` {
			t.Errorf("%s %v %s", answer.Status, answer.Header, raw)
		}
		answer, _ = b.do("GET", "/api/v1/instances", nil) // a person's budget is their own
		if answer.StatusCode != 200 || answer.Header.Get("RateLimit-Policy") != `"account";q=200;w=5` {
			t.Errorf("%s %v", answer.Status, answer.Header)
		}
		return
	}
	t.Error("200 requests at once were answered")
}

// TestReference reads the page for people: every route of the document has its place on it, in both languages.
func TestReference(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Tags        []string
		}
	}
	b.want("GET", "/api/openapi.json", nil, 200, &doc)
	for language, heading := range map[string]string{"en": "API reference", "ja": "API リファレンス"} {
		b.header = http.Header{"Accept-Language": {language}}
		answer, raw := b.do("GET", "/api/reference", nil)
		page := string(raw)
		if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(page, "<h1>"+heading+"</h1>") ||
			!strings.Contains(page, `<html lang="`+language+`">`) || strings.Contains(page, "<script") || strings.Contains(page, "style=") {
			t.Errorf("%s: %s %.400s", language, answer.Status, page)
		}
		for path, methods := range doc.Paths {
			for method, op := range methods {
				if strings.Count(page, `<details id="`+op.OperationID+`">`) != 1 || strings.Count(page, `href="#to-`+op.OperationID+`"`) != 1 {
					t.Errorf("%s %s (tags %v) isn't on the page of %s once", method, path, op.Tags, language)
				}
			}
		}
		for _, want := range []string{`curl -u &#34;:$API_KEY&#34;`, `Authorization: Bearer $TOKEN`, `https://localhost:8443/api/v1/instances/$ID/users`} {
			if !strings.Contains(strings.ReplaceAll(page, " \\\n  ", " "), want) {
				t.Errorf("%s: no example with %s", language, want)
			}
		}
	}
	if answer, raw := b.do("GET", "/api/reference.css", nil); answer.StatusCode != 200 || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/css") {
		t.Errorf("%s %.100s", answer.Status, raw)
	}
}

// TestEverythingIsDocumented compares what is served with the document.
func TestEverythingIsDocumented(t *testing.T) {
	w := newWorld(t)
	patterns, err := panel.Mounted(w.options)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	w.browser().want("GET", "/api/openapi.json", nil, 200, &doc)
	documented := map[string]bool{}
	for path, methods := range doc.Paths {
		for method := range methods {
			documented[strings.ToUpper(method)+" "+path] = true
		}
	}
	for _, pattern := range patterns {
		method, path, _ := strings.Cut(pattern, " ")
		if path == "" { // of all methods: files, and what is refused
			method, path = "GET", pattern
		}
		if path == "/" || path == "/api/" || strings.HasSuffix(path, "/{$}") { // pages, what isn't there, and CloudMQTT's with a slash too many
			continue
		}
		if !documented[method+" "+path] {
			t.Errorf("%s is served and not documented", pattern)
		}
		delete(documented, method+" "+path)
	}
	for route := range documented {
		t.Errorf("%s is documented and not served", route)
	}
}

// TestPagesTakeNoMarkup reads the sources of the pages: none makes markup of a text, which is what their framework
// does not do unless it is told to.
func TestPagesTakeNoMarkup(t *testing.T) {
	read := 0
	err := filepath.WalkDir("../../web/panel", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "dist" || d.Name() == "dev") {
			return fs.SkipDir
		}
		if ext := filepath.Ext(path); d.IsDir() || ext != ".svelte" && ext != ".ts" {
			return nil
		}
		raw, err := os.ReadFile(path)
		read++
		for _, word := range []string{"{@html", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"} {
			if strings.Contains(string(raw), word) {
				t.Errorf("%s has %s", path, word)
			}
		}
		return err
	})
	if err != nil || read < 50 {
		t.Errorf("%d files, %v", read, err)
	}
}
