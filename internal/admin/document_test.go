package admin_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"tsunagi/internal/admin"
	"tsunagi/internal/store/sqlitetest"
)

// excused are the operations of the API that have no command, each with the reason. What stands here is refused at the
// socket, but for the first.
var excused = map[string]string{
	"get-session": "who is signed in: at the socket nobody is",

	"create-owner": "for who holds the link of `account link`; `account create` makes accounts here",
	"sign-up":      "for strangers; `account create` makes accounts here",

	"get-invitation": "for who holds a link", "accept-invitation": "for who holds a link", "get-team-invitation": "for who holds a link",
	"accept-team-invitation": "for who holds a link", "join-team": "for who holds a link", "check-reset": "for who holds a link", "accept-reset": "for who holds a link",

	"sign-in": "ceremony of a browser", "sign-in-code": "ceremony of a browser", "sign-in-second": "ceremony of a browser", "sign-out": "ceremony of a browser",
	"begin-passkey-sign-in": "ceremony of a browser", "sign-in-passkey": "ceremony of a browser", "begin-provider-sign-in": "ceremony of a browser",
	"list-confirm-ways": "ceremony of a browser", "begin-confirm": "ceremony of a browser", "end-confirm": "ceremony of a browser", "begin-provider-confirm": "ceremony of a browser",
	"end-provider-sign-in": "ceremony of a browser", "begin-passkey": "ceremony of a browser", "create-passkey": "ceremony of a browser",
	"begin-identity": "ceremony of a browser", "begin-factor": "secret of a person's phone", "create-factor": "secret of a person's phone",
	"new-recovery-codes": "secrets of a person; `factor remove` lets them in again", "switch-team": "what a browser looks at; here --account names it",
	"leave-team": "by the person; `member remove` does it here", "delete-own-account": "by the person; `account delete` does it here", "show-phone": "signs a phone in as the browser's person",
	"mint-web-token":   "login of the panel's web client; `message subscribe` and `message publish` are that here",
	"open-flow-server": "single-use address for one browser", "open-device": "single-use address for one browser", "open-device-pages": "single-use address for one browser",
	"pair-device": "called by the device; `device pair` makes its code",
}

// schema is what the document says of a value.
type schema struct {
	Ref        string `json:"$ref"`
	Properties map[string]schema
	Items      *schema
	Required   []string
	Type       any
	Additional any `json:"additionalProperties"`
}

type operation struct {
	ID         string `json:"operationId"`
	Parameters []struct{ Name, In string }
	Body       struct {
		Content map[string]struct{ Schema schema }
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]struct{ Schema schema }
	}
}

// document is the API's own, as it comes by the socket.
type document struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

func (d *document) of(s schema) schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.Components.Schemas[name]
	}
	return s
}

// at is what stands at a path such as state.queued.
func (d *document) at(s schema, path string) (schema, bool) {
	for part := range strings.SplitSeq(path, ".") {
		if s = d.of(s); s.Additional != nil && len(s.Properties) == 0 {
			return schema{}, true // a map with names of its own
		}
		inner, ok := s.Properties[part]
		if !ok {
			return schema{}, false
		}
		s = inner
	}
	return d.of(s), true
}

// answer is the schema of what a success answers.
func (d *document) answer(o operation) (schema, bool) {
	for status, r := range o.Responses {
		if status[0] == '2' {
			c, ok := r.Content["application/json"]
			return d.of(c.Schema), ok
		}
	}
	return schema{}, false
}

// find is the operation that a command's call is: names in capitals stand where the document has places.
func (d *document) find(at string) (operation, bool) {
	method, path, _ := strings.Cut(at, " ")
	want := strings.Split("/api/v1"+path, "/")
	for pattern, methods := range d.Paths {
		have := strings.Split(pattern, "/")
		same := slices.EqualFunc(have, want, func(h, w string) bool {
			return h == w || strings.HasPrefix(h, "{") && w != "" && w == strings.ToUpper(w)
		})
		if o, ok := methods[strings.ToLower(method)]; same && ok {
			return o, true
		}
	}
	return operation{}, false
}

func (w *world) document() *document {
	w.t.Helper()
	d := &document{}
	w.ok(d, "", "api", "GET", "/api/openapi.json")
	return d
}

// TestEveryOperationHasACommand is the proof that `tsunagi admin` covers the same ground as the API: each operation of the
// document below /api/v1 has a command, or a reason why not. (What the document has besides is CloudMQTT's API, which does
// the same things in other shapes, and files.)
func TestEveryOperationHasACommand(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	d := w.document()
	covered := map[string]string{}
	cover := func(at, by string) {
		o, ok := d.find(at)
		if !ok {
			t.Errorf("%s calls %s, which the document doesn't have", by, at)
		}
		covered[o.ID] = by
	}
	for _, o := range admin.Operations() {
		for _, at := range o.At {
			cover(at, o.Words)
		}
	}
	all := admin.Words()
	for at, by := range admin.Handmade {
		for name := range strings.SplitSeq(strings.Split(by, ":")[0], ", ") {
			if !slices.Contains(all, name) {
				t.Errorf("%s is said to be the command %q, which there is not", at, name)
			}
		}
		cover(at, by)
	}
	n, left := 0, maps.Clone(excused)
	for path, methods := range d.Paths {
		for method, o := range methods {
			if !strings.HasPrefix(path, "/api/v1/") {
				continue
			}
			n++
			switch by, why := covered[o.ID], excused[o.ID]; {
			case by == "" && why == "":
				t.Errorf("%s %s (%s) has neither a command nor an excuse: add a line to a table of operations", strings.ToUpper(method), path, o.ID)
			case by != "" && why != "":
				t.Errorf("%s has the command %s and the excuse %q", o.ID, by, why)
			}
			delete(left, o.ID)
		}
	}
	for id := range left {
		t.Errorf("%s is excused, but no operation", id)
	}
	if n < 150 || len(covered) < n*3/4 {
		t.Errorf("%d operations, %d covered: the document was not read", n, len(covered))
	}
}

// TestCommandsKnowTheAPI holds every line of the table against the document: what it sends and what it shows is there, and
// what must be sent is.
func TestCommandsKnowTheAPI(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	d := w.document()
	for _, c := range admin.Operations() {
		for _, at := range c.At {
			o, _ := d.find(at)
			d.checkSent(t, c, at, o)
		}
		o, _ := d.find(c.At[0])
		d.checkShown(t, c, o)
	}
}

func (d *document) checkSent(t *testing.T, c admin.Operation, at string, o operation) {
	query := map[string]bool{}
	for _, p := range o.Parameters {
		query[p.Name] = p.In == "query"
	}
	body := d.of(o.Body.Content["application/json"].Schema)
	inQuery := strings.HasPrefix(at, "GET ") || strings.HasPrefix(at, "DELETE ")
	if at != c.At[0] { // the other call of a switch takes what it takes of the first one's
		return
	}
	for field, by := range c.Fields {
		_, inBody := body.Properties[field]
		if ok := query[field]; inQuery || c.Query[field] {
			if !ok {
				t.Errorf("%s: %s is no parameter of %s (by %s)", c.Words, field, o.ID, by)
			}
		} else if !inBody && !c.Prepared {
			t.Errorf("%s: %s is no field of %s (by %s)", c.Words, field, o.ID, by)
		}
	}
	if !inQuery && !c.Prepared {
		for _, field := range body.Required {
			if !c.Needed[field] {
				t.Errorf("%s doesn't always send %s, which %s needs", c.Words, field, o.ID)
			}
		}
	}
	if c.Page != "" && (!query[c.Page] || !query["limit"]) {
		t.Errorf("%s: %s has no pages by %s", c.Words, o.ID, c.Page)
	}
	if c.Page == "" && query["cursor"] && !c.Text {
		t.Errorf("%s shows the first page of %s only", c.Words, o.ID)
	}
}

func (d *document) checkShown(t *testing.T, c admin.Operation, o operation) {
	answer, isJSON := d.answer(o)
	if !isJSON && !c.Text && len(c.Columns) == 0 && len(c.Only) == 0 {
		return // it answers nothing
	}
	if isJSON == c.Text {
		t.Errorf("%s: %s answers JSON: %v", c.Words, o.ID, isJSON)
	}
	if c.Text || c.Tidied {
		return
	}
	for _, at := range c.Only {
		if _, ok := d.at(answer, at); !ok {
			t.Errorf("%s: %s answers no %s", c.Words, o.ID, at)
		}
	}
	item := answer
	list, isList := d.at(answer, c.List)
	if isList = isList && list.Items != nil; isList && len(c.Columns) > 0 {
		item = d.of(*list.Items)
	} else if isList {
		t.Errorf("%s shows a list without columns", c.Words)
	}
	inner := schema{}
	if c.Each != "" {
		within, _ := d.at(item, c.Each)
		inner = d.of(*within.Items)
	}
	for _, at := range c.Columns {
		if at == "" && len(item.Properties) == 0 {
			continue // of values
		}
		_, ok := d.at(item, at)
		if _, within := d.at(inner, at); !ok && !within {
			t.Errorf("%s: %s has no %s", c.Words, o.ID, at)
		}
	}
}

// TestEveryCommandHelps reads the help of every command, and finds each of them in the overview, by its noun as well.
func TestEveryCommandHelps(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	_, all, _ := w.run("", "--help")
	nouns := map[string]bool{}
	seen := map[string]bool{}
	for _, words := range admin.Words() {
		if seen[words] {
			t.Errorf("two commands are called %s", words)
		}
		seen[words] = true
		nouns[strings.Fields(words)[0]] = true
		if code, out, told := w.run("", append(strings.Fields(words), "--help")...); code != 0 || !strings.Contains(out, "Usage: tsunagi admin "+words) || told != "" {
			t.Errorf("%s --help: %d %s", words, code, told)
		}
		if !strings.Contains(all, "tsunagi admin "+words) {
			t.Errorf("the overview doesn't have %s", words)
		}
	}
	for noun := range nouns {
		if noun == "api" {
			continue
		}
		code, _, told := w.run("", noun)
		if code != 2 || !strings.Contains(told, "tsunagi admin "+noun) || strings.Contains(told, "tsunagi admin api") {
			t.Errorf("%s: %d %s", noun, code, told)
		}
	}
}

// TestDocsNameEveryCommand compares the table of docs/admin.md with the commands.
func TestDocsNameEveryCommand(t *testing.T) {
	raw, err := os.ReadFile("../../docs/admin.md")
	if err != nil {
		t.Fatal(err)
	}
	var nouns []string
	verbs := map[string][]string{}
	for _, words := range admin.Words() {
		noun, verb, _ := strings.Cut(words, " ")
		if verb == "" {
			continue
		}
		if verbs[noun] == nil {
			nouns = append(nouns, noun)
		}
		verbs[noun] = append(verbs[noun], verb)
	}
	for _, noun := range nouns {
		if want := "| `" + noun + "` | " + strings.Join(verbs[noun], ", ") + " |\n"; !strings.Contains(string(raw), want) {
			t.Errorf("docs/admin.md lacks the line\n%s", want)
		}
	}
}
