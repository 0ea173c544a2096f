package app

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is the OpenAPI document of a running server, and what judges its answers by it.
type contract struct {
	t        *testing.T
	w        *world
	doc      document
	schemas  *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
	strange  int // strangers so far, each with an address of its own
}

type document struct {
	OpenAPI string
	Paths   map[string]map[string]documented
}

type documented struct {
	OperationID string
	Security    []map[string][]string
	Parameters  []struct{ Name, In string }
	RequestBody *struct{ Content map[string]any }
	Responses   map[string]struct {
		Content map[string]struct{ Schema any }
		Headers map[string]any
	}
}

// readContract reads the document as any client would.
func readContract(t *testing.T, w *world) *contract {
	t.Helper()
	c := &contract{t: t, w: w, schemas: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	c.schemas.AssertFormat()
	answer, raw := c.send(nil, "GET", "/api/openapi.json", "", nil)
	if answer.StatusCode != 200 {
		t.Fatalf("document: %s", answer.Status)
	}
	if err := json.Unmarshal(raw, &c.doc); err != nil || !strings.HasPrefix(c.doc.OpenAPI, "3.1") {
		t.Fatalf("document of OpenAPI %q: %v", c.doc.OpenAPI, err)
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.schemas.AddResource("openapi.json", whole); err != nil {
		t.Fatal(err)
	}
	return c
}

// send makes a request, by a person or (nil) by a stranger with an own address. Where the server asks to wait, it does.
func (c *contract) send(by *person, method, path, body string, header http.Header) (*http.Response, []byte) {
	c.t.Helper()
	client := &http.Client{}
	if by != nil {
		client = by.client
	} else {
		c.strange++
		from := &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+c.strange/250), byte(1+c.strange%250))}
		client.Transport = &http.Transport{TLSClientConfig: c.w.tls("localhost"), DisableKeepAlives: true, DialContext: (&net.Dialer{LocalAddr: from}).DialContext}
	}
	for range 60 {
		r, err := http.NewRequestWithContext(c.t.Context(), method, "https://"+strings.Replace(c.w.https, "127.0.0.1", "localhost", 1)+path, strings.NewReader(body))
		if err != nil {
			c.t.Fatal(err)
		}
		if by == nil {
			r.URL.Host, r.Host = c.w.https, "localhost"
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		for k, v := range header {
			r.Header[k] = v
		}
		r.Header.Set("User-Agent", "Browser/1")
		answer, err := client.Do(r)
		if len(body) > 60_000 && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
			continue // the server has closed the door on the rest of the body, and its answer was lost
		}
		if err != nil {
			c.t.Fatalf("%s %s: %v", method, path, err)
		}
		raw, err := readAnswer(answer)
		if err != nil {
			c.t.Fatalf("%s %s: %v", method, path, err)
		}
		if answer.StatusCode != 429 || answer.Header.Get("Retry-After") != "1" {
			return answer, raw
		}
		time.Sleep(time.Second) // as the answer asks
	}
	c.t.Fatalf("%s %s: too many requests for ever", method, path)
	return nil, nil
}

// readAnswer reads all of an answer, and of a stream what it begins with.
func readAnswer(answer *http.Response) ([]byte, error) {
	defer answer.Body.Close()
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		b := make([]byte, 64)
		n, err := answer.Body.Read(b)
		return b[:n], err
	}
	return io.ReadAll(answer.Body)
}

// holds judges an answer by what the document says of its operation.
func (c *contract) holds(path, method string, answer *http.Response, raw []byte) {
	c.t.Helper()
	op := c.doc.Paths[path][strings.ToLower(method)]
	status := fmt.Sprint(answer.StatusCode)
	promised, ok := op.Responses[status]
	if !ok {
		c.t.Errorf("%s %s (%s): status %s isn't documented: %.300s", method, path, op.OperationID, status, raw)
		return
	}
	for name := range promised.Headers {
		if answer.Header.Get(name) == "" && name != "Set-Cookie" {
			c.t.Errorf("%s %s: %s without the header %s", method, path, status, name)
		}
	}
	kind, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	if len(promised.Content) == 0 {
		if len(raw) != 0 {
			c.t.Errorf("%s %s: %s has a body that isn't documented: %.300s", method, path, status, raw)
		}
		return
	}
	if _, ok := promised.Content[kind]; !ok {
		c.t.Errorf("%s %s: %s is %q, documented is %v", method, path, status, kind, promised.Content)
		return
	}
	if !strings.HasSuffix(kind, "json") {
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err == nil {
		err = c.schema(path, strings.ToLower(method), status, kind).Validate(value)
	}
	if err != nil {
		c.t.Errorf("%s %s: %s isn't as documented: %v\n%.600s", method, path, status, err, raw)
	}
}

func (c *contract) schema(path, method, status, kind string) *jsonschema.Schema {
	c.t.Helper()
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	at := "openapi.json#/paths/" + escape.Replace(path) + "/" + method + "/responses/" + status + "/content/" + escape.Replace(kind) + "/schema"
	if c.compiled[at] == nil {
		s, err := c.schemas.Compile(at)
		if err != nil {
			c.t.Fatal(err)
		}
		c.compiled[at] = s
	}
	return c.compiled[at]
}

// step is one call that must work.
type step struct {
	op, body string
	status   int               // 0: the first success that is documented
	keep     map[string]string // field of the answer: name of a place in later steps
}

// story calls as many routes as can work, in an order in which they do. {…} are places.
var story = []step{
	{op: "status"}, {op: "list-plans"}, {op: "list-regions"}, {op: "health"}, {op: "get-openapi"}, {op: "get-openapi-yaml"}, {op: "get-openapi-3"},
	{op: "get-openapi-3-yaml"}, {op: "get-reference"}, {op: "get-reference-style"}, {op: "get-ca-pem"}, {op: "get-ca-der"}, {op: "get-session"},
	{op: "change-account", body: `{"language":"ja"}`}, {op: "change-account", body: `{"language":"en"}`},
	{op: "sign-up", body: `{"email":"new@example.org"}`, status: 403}, {op: "ask-reset", body: `{"email":"nobody@example.org"}`},
	{op: "list-sessions"}, {op: "create-token", body: `{"name":"t","scope":"manage","password":"a long enough pass phrase"}`, keep: map[string]string{"id": "token id", "token": "token"}}, {op: "list-tokens"},
	{op: "begin-factor"}, {op: "list-factors"}, {op: "list-audit"}, {op: "list-invitations"},
	{op: "invite", body: `{"email":"x@example.org"}`, keep: map[string]string{"id": "invitation"}}, {op: "list-served-certificates"}, {op: "get-operator-log"},

	{op: "create-instance", body: `{"name":"Home"}`, keep: map[string]string{"id": "id"}}, {op: "list-instances"}, {op: "get-instance"},
	{op: "change-instance", body: `{"name":"House"}`}, {op: "reveal-password", body: `{"password":"a long enough pass phrase"}`}, {op: "rotate-password"},
	{op: "reveal-key", body: `{"password":"a long enough pass phrase"}`}, {op: "rotate-key", keep: map[string]string{"key": "key"}},
	{op: "create-user", body: `{"name":"sensor"}`}, {op: "list-users"}, {op: "list-exposures"}, {op: "get-user"}, {op: "change-user", body: `{"rotate":true,"note":"n"}`},
	{op: "create-user", body: `{"name":"gone"}`}, {op: "get-users-csv"}, {op: "delete-users", body: `{"names":["gone","never"]}`},
	{op: "import-users", body: `{"csv":"imported,a long password,,allow publish a/#\n"}`},
	{op: "create-rule", body: `{"effect":"allow","access":"both","filter":"home/#","user":"sensor"}`, keep: map[string]string{"id": "rule"}}, {op: "list-rules"},
	{op: "get-rule"}, {op: "change-rule", body: `{"effect":"deny"}`},
	{op: "get-guard"}, {op: "change-guard", body: `{"ban_tries":5}`},
	{op: "create-address-rule", body: `{"prefix":"198.51.100.0/24","effect":"deny","note":"n"}`, keep: map[string]string{"id": "thing"}}, {op: "list-address-rules"},
	{op: "get-address-rule"}, {op: "change-address-rule", body: `{"prefix":"198.51.100.0/25","effect":"deny"}`}, {op: "delete-address-rule"},
	{op: "create-ban", body: `{"address":"198.51.100.7","minutes":5}`, keep: map[string]string{"address": "thing"}}, {op: "list-bans"}, {op: "lift-ban"},
	{op: "get-logins"}, {op: "change-logins", body: `{"token":true,"certificate":"accepted"}`}, {op: "add-client-authority", body: `{}`},
	{op: "list-client-authorities", keep: map[string]string{"items.0.id": "thing"}}, {op: "issue-client-certificate", body: `{"user":"sensor"}`},
	{op: "list-client-certificates", keep: map[string]string{"items.0.serial": "serial", "items.0.authority": "authority"}},
	{op: "revoke-client-certificate", body: `{"authority":"{authority}","serial":"{serial}"}`}, {op: "delete-client-authority"},
	{op: "add-token-key", body: `{"url":"https://id.example/keys"}`}, {op: "list-token-keys", keep: map[string]string{"items.0.id": "thing"}}, {op: "delete-token-key"},
	{op: "create-publishable-key", body: `{"name":"k","subscribe":["shop/#"],"origins":["https://www.example.org"],"days":1}`, keep: map[string]string{"key": "thing"}},
	{op: "list-publishable-keys"}, {op: "delete-publishable-key"},
	{op: "create-bridge", body: `{"name":"b","address":"mqtts://b.invalid","enabled":false,"topics":[{"direction":"out","filter":"#"}]}`, keep: map[string]string{"id": "thing"}},
	{op: "change-history", body: `{"filters":[{"filter":"kept/#","bytes":100000}]}`}, {op: "get-history"}, {op: "list-history"}, {op: "list-history-topics"}, {op: "get-history-csv"},
	{op: "create-hook", body: `{"name":"h","action":"post","url":"https://h.invalid/x","filter":"hook/#","authorization":"Bearer x"}`, keep: map[string]string{"id": "hook"}},
	{op: "list-hooks"}, {op: "get-hook"}, {op: "change-hook", body: `{"name":"h2","enabled":false}`}, {op: "rotate-hook"},
	{op: "test-hook", body: `{"topic":"hook/a","payload":"x"}`}, {op: "list-hook-readers"}, {op: "list-dead-letters"},
	{op: "retry-dead-letters", body: `{}`}, {op: "delete-dead-letters", body: `{}`}, {op: "delete-hook"},
	{op: "list-bridges"}, {op: "get-bridge"}, {op: "get-bridge-state"}, {op: "test-bridge"}, {op: "change-bridge", body: `{"name":"c"}`}, {op: "delete-bridge"},
	{op: "publish", body: `{"topic":"home/lamp","payload":"on","retain":true,"qos":1}`}, {op: "publish-batch", body: `{"messages":[{"topic":"home/a","payload":"1"}]}`}, {op: "list-retained"}, {op: "get-retained"}, {op: "subscribe"},
	{op: "clear-retained", body: `{"filter":"#","dry_run":true}`}, {op: "clear-retained", body: `{"filter":"#"}`},
	{op: "why", body: `{"user":"sensor","action":"publish","topic":"home/lamp"}`}, {op: "mint-web-token"}, {op: "get-stats"}, {op: "list-connections"},
	{op: "list-sessions-of-instance"}, {op: "kick", status: 404}, {op: "forget-session", status: 404}, {op: "get-log"}, {op: "follow-log"},
	{op: "get-stats-history"}, {op: "list-quotas"}, {op: "list-losses"}, {op: "list-fights"}, {op: "watch-topics"}, {op: "show-phone", status: 409},
	{op: "get-billing"}, {op: "checkout", body: `{"plan":"pro"}`, status: 409}, {op: "billing-portal", status: 409}, {op: "export-instance", body: `{"password":"a long enough pass phrase","hashes":true}`}, {op: "restore-instance", body: `{}`, status: 422},
	{op: "mint-metrics-token"}, {op: "get-metrics"}, {op: "drop-metrics-token"}, {op: "restart-instance"}, {op: "reset-instance"},

	{op: "compat-list-instances"}, {op: "compat-create-instance", body: `{"name":"compat"}`, keep: map[string]string{"id": "compat id"}}, {op: "compat-get-instance"},
	{op: "compat-change-instance", body: `{"name":"other"}`}, {op: "compat-delete-instance"},
	{op: "compat-create-user", body: `{"username":"compat","password":"a long password"}`}, {op: "compat-list-users"}, {op: "compat-get-user"},
	{op: "compat-change-user", body: `{"username":"compat","password":"another long one"}`}, {op: "compat-change-named-user", body: `{"password":"a third long one"}`},
	{op: "compat-create-rule", body: `{"type":"topic","username":"compat","pattern":"a/#","read":true}`}, {op: "compat-list-rules"},
	{op: "compat-delete-rule", body: `{"username":"compat","topic":"a/#"}`}, {op: "compat-delete-user"}, {op: "compat-list-connections"}, {op: "compat-restart"}, {op: "compat-reset"},

	{op: "create-pairing", body: `{"name":"pi","instance":"{id}"}`, keep: map[string]string{"code": "code"}},
	{op: "pair-device", body: `{"code":"{code}","key":"` + base64.StdEncoding.EncodeToString(make([]byte, 32)) + `"}`, keep: map[string]string{"id": "device"}},
	{op: "list-devices"}, {op: "get-device"}, {op: "change-device", body: `{"remote_editing":false}`}, {op: "rotate-device", status: 409}, {op: "open-device", status: 409}, {op: "open-device-pages", body: `{"to":"/x"}`, status: 409},
	{op: "unpair-device"}, {op: "list-flow-servers"},

	{op: "delete-rule"}, {op: "delete-user"}, {op: "delete-instance"}, {op: "delete-invitation"}, {op: "delete-token"}, {op: "end-session"}, // others
	{op: "sign-in", body: `{"email":"owner@example.org","password":"a long enough pass phrase"}`}, {op: "sign-out"},
}

// TestContract calls every route of the OpenAPI document on a running server, and wants the statuses, headers and bodies
// that the document promises: as a story in which they work, by strangers, and with bodies that are none.
func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("runs without the race detector: it takes long")
	}
	w := serveWorld(t)
	owner := w.signIn("owner@example.org")
	c := readContract(t, w)
	type place struct{ path, method string }
	at := map[string]place{}
	for path, methods := range c.doc.Paths {
		for method, op := range methods {
			at[op.OperationID] = place{path, strings.ToUpper(method)}
		}
	}

	t.Run("strangers and nonsense", func(t *testing.T) {
		c.t = t
		for id, p := range at {
			op := c.doc.Paths[p.path][strings.ToLower(p.method)]
			path := fill(p.path, map[string]string{})
			if len(op.Security) > 0 {
				answer, raw := c.send(nil, p.method, path, "", nil)
				if c.holds(p.path, p.method, answer, raw); answer.StatusCode != 401 && id != "get-metrics" {
					t.Errorf("%s by a stranger: %s", id, answer.Status)
				}
			}
			if op.RequestBody == nil {
				continue
			}
			for _, body := range []string{`{`, `[]`, `{"unknown":true}`, `"` + strings.Repeat("x", 9<<20) + `"`} {
				if len(body) > 1000 && !strings.Contains(path, "import") {
					body = body[:70_000] + `"`
				}
				answer, raw := c.send(owner, p.method, path, body, c.credentials(op, nil))
				if c.holds(p.path, p.method, answer, raw); answer.StatusCode < 400 || answer.StatusCode >= 500 {
					t.Errorf("%s with the body %.20s: %s %.300s", id, body, answer.Status, raw)
				}
			}
		}
	})

	t.Run("other methods", func(t *testing.T) {
		c.t = t
		for path, methods := range c.doc.Paths {
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
				if _, ok := methods[strings.ToLower(method)]; ok || c.otherPath(path, method) {
					continue
				}
				answer, raw := c.send(nil, method, fill(path, map[string]string{}), "", nil)
				if answer.StatusCode != 404 && answer.StatusCode != 405 || answer.Header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s %s, which is not documented: %s %.300s", method, path, answer.Status, raw)
				}
			}
		}
	})

	t.Run("story", func(t *testing.T) {
		c.t = t
		places := map[string]string{"name": "sensor", "client_id": "nobody", "topic": "home/lamp"}
		for _, s := range story {
			p, ok := at[s.op]
			if !ok {
				t.Errorf("no route is called %s", s.op)
				continue
			}
			op := c.doc.Paths[p.path][strings.ToLower(p.method)]
			answer, raw := c.send(owner, p.method, fill(p.path, of(s.op, places))+query(s.op), fill(s.body, places), c.credentials(op, places))
			c.holds(p.path, p.method, answer, raw)
			if s.status == 0 && answer.StatusCode >= 300 || s.status != 0 && answer.StatusCode != s.status {
				t.Fatalf("%s: %s %.400s", s.op, answer.Status, raw)
			}
			for field, name := range s.keep {
				places[name] = dig(raw, field)
			}
		}
	})
	c.t = t
	c.untold()
}

// untold counts the routes that the story has no word of: new ones are welcome, but not many.
func (c *contract) untold() {
	told := map[string]bool{}
	for _, s := range story {
		told[s.op] = true
	}
	var rest []string
	all := 0
	for _, methods := range c.doc.Paths {
		for _, op := range methods {
			if all++; !told[op.OperationID] {
				rest = append(rest, op.OperationID)
			}
		}
	}
	slices.Sort(rest)
	c.t.Logf("%d routes; only asked by strangers and with nonsense: %v", all, rest)
}

// otherPath says whether another path of the document, with a place in it, has this method for the same address.
func (c *contract) otherPath(path, method string) bool {
	parts := strings.Split(path, "/")
	for other, methods := range c.doc.Paths {
		if _, ok := methods[strings.ToLower(method)]; !ok {
			continue
		}
		theirs := strings.Split(other, "/")
		same := len(theirs) == len(parts)
		for i := 0; same && i < len(parts); i++ {
			same = theirs[i] == parts[i] || strings.HasPrefix(theirs[i], "{") || strings.HasPrefix(parts[i], "{")
		}
		if same {
			return true
		}
	}
	return false
}

// credentials are the header of a request for the routes that want no cookie.
func (c *contract) credentials(op documented, places map[string]string) http.Header {
	basic := func(user, password string) http.Header {
		return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}}
	}
	for _, one := range op.Security {
		for kind := range one {
			switch kind {
			case "instanceKey":
				return basic("", places["key"])
			case "accountKey":
				return basic(places["token"], "")
			}
		}
	}
	return nil
}

// of are the places of one route: those of its own kind of thing stand before the common ones.
func of(op string, places map[string]string) map[string]string {
	own := map[string]string{}
	for k, v := range places {
		own[k] = v
	}
	switch {
	case strings.HasPrefix(op, "compat-") && strings.HasSuffix(op, "-instance"):
		own["id"] = places["compat id"]
	case strings.HasPrefix(op, "compat-"):
		own["name"] = "compat"
	case strings.HasSuffix(op, "-device"), strings.HasSuffix(op, "-device-pages"):
		own["id"] = places["device"]
	case op == "delete-invitation":
		own["id"] = places["invitation"]
	case op == "delete-token":
		own["id"] = places["token id"]
	case op == "end-session":
		own["id"] = "others"
	}
	return own
}

// query is what a route must have in its query.
func query(op string) string {
	if op == "get-retained" {
		return "?topic=home%2Flamp"
	}
	return ""
}

// fill puts values into the places of a text; a place without one gets what nothing is called.
func fill(text string, places map[string]string) string {
	for name, value := range places {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	if !strings.HasPrefix(text, "/") {
		return text
	}
	for {
		before, rest, ok := strings.Cut(text, "{")
		if !ok {
			return text
		}
		_, after, _ := strings.Cut(rest, "}")
		text = before + "zzzzzzzz" + after
	}
}

// dig finds a field such as items.0.id.
func dig(raw []byte, field string) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return ""
	}
	for part := range strings.SplitSeq(field, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			if len(at) == 0 {
				return ""
			}
			v = at[0]
		}
	}
	return fmt.Sprint(v)
}
