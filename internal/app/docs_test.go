package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// shell splits a script as a shell would into commands of words: quotes, backslashes, comments, redirections (words of
// their own), pipes and lists (which end a command). It is enough of one for examples.
func shell(script string) (commands [][]string) {
	var words []string
	var word strings.Builder
	inWord := false
	end := func() {
		if inWord {
			words = append(words, word.String())
		}
		word.Reset()
		inWord = false
	}
	for i := 0; i < len(script); i++ {
		switch c := script[i]; {
		case c == '\\' && i+1 < len(script):
			if i++; script[i] != '\n' {
				word.WriteByte(script[i])
				inWord = true
			}
		case c == '\'' || c == '"':
			inWord = true
			for i++; i < len(script) && script[i] != c; i++ {
				if c == '"' && script[i] == '\\' && i+1 < len(script) && strings.IndexByte("\\\"$`", script[i+1]) >= 0 {
					i++
				}
				word.WriteByte(script[i])
			}
		case c == '#' && !inWord:
			for i+1 < len(script) && script[i+1] != '\n' {
				i++
			}
		case c == ' ' || c == '\t':
			end()
		case c == '<' || c == '>':
			end()
			words = append(words, string(c))
		case c == '\n' || c == '|' || c == ';' || c == '&':
			if end(); len(words) > 0 {
				commands = append(commands, words)
			}
			words = nil
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if end(); len(words) > 0 {
		commands = append(commands, words)
	}
	return commands
}

// scripts are the ```sh blocks of the documents, by name and in their order.
func scripts(t *testing.T) (names []string, blocks map[string][]string) {
	t.Helper()
	for _, pattern := range []string{"../../README.md", "../../docs/*.md", "../../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	blocks = map[string][]string{}
	fence := regexp.MustCompile("(?s)```sh\n(.*?)```")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllSubmatch(text, -1) {
			blocks[name] = append(blocks[name], string(m[1]))
		}
	}
	return names, blocks
}

// examples is a running server that has what the examples of the documents speak of.
type examples struct {
	*contract
	p     *person
	place *strings.Replacer // of words in capitals and of names
	vars  map[string]string // of the block that runs
	dir   string
	ran   int
}

func newExamples(t *testing.T) *examples {
	dir := t.TempDir()
	config := filepath.Join(dir, "tsunagi.toml")
	if err := os.WriteFile(config, []byte("[[plans]]\nid = \"free\"\nname = \"Free\"\ndefault = true\nhooks = 20\nbridges = 20\n[[plans]]\nid = \"maker\"\nname = \"Maker\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := serveWorld(t, "--config", config)
	e := &examples{p: w.signIn("owner@example.org"), dir: dir}
	for _, email := range []string{"ken@example.org", "ada@example.org"} {
		w.admin(nil, "account", "create", "--email", email)
	}
	e.contract = readContract(t, w)
	var in, bridge, hook, token struct{ ID, Token string }
	e.must(e.p.api("POST", "/instances", map[string]any{"name": "Home"}, &in))
	e.must(e.p.api("POST", "/tokens", map[string]any{"name": "docs", "scope": "manage", "password": anyPassword}, &token))
	at := "/instances/" + in.ID
	e.must(e.p.api("POST", at+"/users", map[string]any{"name": "sensor"}, nil))
	e.must(e.p.api("POST", at+"/rules", map[string]any{"effect": "allow", "access": "both", "filter": "home/#", "user": "sensor"}, nil))
	e.must(e.p.api("POST", at+"/bridges", map[string]any{"name": "b", "address": "mqtts://b.invalid", "enabled": false, "topics": []any{map[string]any{"direction": "out", "filter": "#"}}}, &bridge))
	e.must(e.p.api("POST", at+"/hooks", map[string]any{"name": "h", "action": "post", "url": "https://h.invalid/x", "filter": "hook/#"}, &hook))
	e.must(e.p.api("POST", at+"/publish", map[string]any{"topic": "doors/front", "payload": "shut", "retain": true}, nil))
	e.place = strings.NewReplacer("INSTANCE", in.ID, "BRIDGE", bridge.ID, "HOOK", hook.ID, "/var/lib/tsunagi", w.data,
		"[--hashes]", "--hashes", "[--dry-run]", "--dry-run", "other.example.org", "other.invalid", "mqtts://broker.example", "mqtts://broker.invalid")
	e.vars = map[string]string{"TOKEN": token.Token}
	for name, text := range map[string]string{"front.jpg": "\xff\xd8", "messages.jsonl": `{"topic":"a/b","payload":"1"}` + "\n", "password.txt": "a long password\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.admin(nil, "instance", "export", in.ID, filepath.Join(dir, "home.zip"))
	return e
}

func (e *examples) must(status int) {
	e.t.Helper()
	if status < 200 || status > 299 {
		e.t.Fatalf("status %d", status)
	}
}

var (
	places   = regexp.MustCompile(`\$[A-Z_]+`)
	assigned = regexp.MustCompile(`^([A-Z]+)=\$\((.*)$`)
	fileName = regexp.MustCompile(`^[\w.]+\.(zip|csv|jsonl|jpg|txt|pem)$`)
)

// word is a word of a command with what stands for its places.
func (e *examples) word(s string) string {
	s = places.ReplaceAllStringFunc(e.place.Replace(s), func(name string) string {
		v, ok := e.vars[name[1:]]
		if !ok {
			e.t.Errorf("nobody has said what %s is", name)
		}
		return v
	})
	if fileName.MatchString(s) {
		return filepath.Join(e.dir, s)
	}
	return s
}

// console runs an example of `tsunagi admin`. Bad news (exit code 1) is fine where the command ends so after it has told
// them; wrong use never is.
func (e *examples) console(words []string) string {
	stdin := ""
	var args []string
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "<":
			i++
			raw, err := os.ReadFile(e.word(words[i]))
			if err != nil {
				e.t.Error(err)
			}
			stdin = string(raw)
		case ">":
			i++
		default:
			args = append(args, e.word(words[i]))
		}
	}
	code, out, told := e.w.adminText(stdin, args...)
	news := slices.Contains([]string{"instance why", "bridge test", "hook retry"}, strings.Join(args[:2], " "))
	if strings.Join(args[:2], " ") == "account link" && strings.Contains(told, "has an owner already") {
		return "" // it is for the first start
	}
	if code == ExitUsage || code != ExitOK && (!news || out == "") {
		e.t.Errorf("tsunagi admin %q: %d %s", args, code, told)
	}
	return strings.TrimSpace(out)
}

// call is a curl command line.
type call struct {
	method, url, body string
	header            http.Header
}

func readCurl(words []string) (c call, err error) {
	c.header = http.Header{}
	for i := 1; i < len(words); i++ {
		switch option := words[i]; option {
		case "-H", "-X", "-d", "-u", "-b":
			if i++; i >= len(words) {
				return c, fmt.Errorf("%s without a value", option)
			}
			switch value := words[i]; option {
			case "-H":
				name, v, ok := strings.Cut(value, ": ")
				if !ok {
					return c, fmt.Errorf("header %q", value)
				}
				c.header.Add(name, v)
			case "-X":
				c.method = value
			case "-d":
				c.body = value
			case "-u":
				user, password, ok := strings.Cut(value, ":")
				r := http.Request{Header: c.header}
				if r.SetBasicAuth(user, password); !ok {
					return c, fmt.Errorf("-u %q would ask for a password", value)
				}
			case "-b":
				c.header.Add("Cookie", value)
			}
		default:
			if strings.HasPrefix(option, "-") || c.url != "" {
				return c, fmt.Errorf("curl with %q", option)
			}
			c.url = option
		}
	}
	if c.method == "" {
		c.method = map[bool]string{true: "GET", false: "POST"}[c.body == ""]
	}
	if c.body != "" && c.header.Get("Content-Type") != "application/json" {
		return c, fmt.Errorf("a body that isn't said to be JSON")
	}
	return c, nil
}

// curl makes an example's call to the server that runs.
func (e *examples) curl(words []string) {
	for i := range words {
		words[i] = e.word(words[i])
	}
	c, err := readCurl(words)
	if err != nil {
		e.t.Errorf("%q: %v", words, err)
		return
	}
	url := regexp.MustCompile(`^https://example\.org(:\d+)?/`).ReplaceAllString(c.url, "https://localhost"+e.p.port()+"/")
	r, err := http.NewRequest(c.method, url, strings.NewReader(c.body))
	if err != nil {
		e.t.Fatal(err)
	}
	r.Header = c.header
	answer, err := (&http.Client{Transport: e.p.client.Transport}).Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode > 299 {
		e.t.Errorf("curl -X %s %s: %s %s", c.method, c.url, answer.Status, text)
	}
}

// TestExamplesInDocuments runs the examples of README and docs as they stand there, against a real server: commands of
// `tsunagi admin` and calls with curl have to work. Of `tsunagi serve` and mosquitto's clients the options are checked.
func TestExamplesInDocuments(t *testing.T) {
	e := newExamples(t)
	var help strings.Builder
	Run(t.Context(), []string{"serve", "--help"}, Streams{In: strings.NewReader(""), Out: &help, Err: &help})
	token := e.vars["TOKEN"]
	names, blocks := scripts(t)
	for _, name := range names {
		for _, block := range blocks[name] {
			e.vars = map[string]string{"TOKEN": token}
			block = strings.ReplaceAll(block, "FILE.zip", "file.zip")
			for _, words := range shell(block) {
				e.run(name, words, help.String())
			}
		}
	}
	if e.ran < 40 {
		t.Errorf("only %d examples were found", e.ran)
	}
}

// run runs one command of a document, if it is one that this test knows.
func (e *examples) run(name string, words []string, help string) {
	for i, word := range words {
		if strings.Contains(word, "NEW") {
			var empty struct{ ID string }
			e.must(e.p.api("POST", "/instances", map[string]any{"name": "New"}, &empty))
			words[i] = strings.ReplaceAll(word, "NEW", empty.ID)
		}
	}
	into := ""
	if m := assigned.FindStringSubmatch(words[0]); m != nil { // NAME=$(tsunagi …)
		into, words[0] = m[1], m[2]
		words[len(words)-1] = strings.TrimSuffix(words[len(words)-1], ")")
	}
	at := slices.IndexFunc(words, func(w string) bool { return filepath.Base(w) == "tsunagi" })
	if at >= 0 && at+1 < len(words) && filepath.Base(words[at+1]) == "tsunagi" { // a service of that name
		at++
	}
	switch {
	case words[0] == "curl":
		e.ran++
		e.curl(words)
	case at >= 0 && at+2 < len(words) && words[at+1] == "admin":
		e.ran++
		if words[at+2] == "factor" && words[at+3] == "remove" {
			return // there is none to remove
		}
		out := e.console(words[at+2:])
		if slices.Equal(words[at+2:at+4], []string{"metrics", "token"}) {
			e.place = strings.NewReplacer("INSTANCE", e.word("INSTANCE"), "Bearer TOKEN", "Bearer "+out)
		}
		if into != "" {
			var made struct{ ID string }
			if json.Unmarshal([]byte(out), &made) == nil && made.ID != "" {
				out = made.ID // … | jq -r .id
			}
			e.vars[into] = out
		}
	case at >= 0 && at+1 < len(words) && words[at+1] == "serve" || strings.HasPrefix(words[0], "TSUNAGI_"):
		for _, word := range words {
			option := word
			if setting, _, ok := strings.Cut(word, "="); ok && strings.HasPrefix(setting, "TSUNAGI_") {
				option = "--" + strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(setting, "TSUNAGI_"), "_", "-"))
			}
			if strings.HasPrefix(option, "--") && !regexp.MustCompile(`(?m)^\s*`+option+`\b`).MatchString(help) {
				e.t.Errorf("%s: serve knows no %s", name, word)
			}
		}
	case strings.HasPrefix(words[0], "mosquitto_"):
		for i, word := range words {
			if strings.HasPrefix(word, "-") && !slices.Contains([]string{"-h", "-p", "--cafile", "--cert", "--key", "-t", "-m", "-u", "-P", "-q", "-r", "-i", "-V"}, word) {
				e.t.Errorf("%s: %s %s (word %d)", name, words[0], word, i)
			}
		}
	}
}

// TestExamplesInReference reads each curl example of the reference page as a shell does: its method and path are those
// of an operation, its body is what the document allows, and what the query must say is there.
func TestExamplesInReference(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	var in struct{ ID string }
	if status := p.api("POST", "/instances", map[string]any{"name": "Home"}, &in); status != 201 {
		t.Fatal(status)
	}
	c := readContract(t, w)
	_, page := c.send(nil, "GET", "/api/reference", "", nil)
	_, raw := c.send(nil, "GET", "/api/openapi.json", "", nil)
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, In string
				Required bool
			}
			RequestBody struct{ Content map[string]any }
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?s)<code>(curl.*?)</code>`).FindAllSubmatch(page, -1) {
		text := html.UnescapeString(string(m[1]))
		commands := shell(text)
		if len(commands) != 1 {
			t.Errorf("%d commands: %s", len(commands), text)
			continue
		}
		call, err := readCurl(commands[0])
		if err != nil {
			t.Errorf("%v: %s", err, text)
			continue
		}
		target, query, _ := strings.Cut(call.url, "?")
		template := ""
		var names []string
		for path, methods := range doc.Paths {
			shape := "^https://[^/]+" + regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `\$[A-Z_]+`) + "$"
			if _, ok := methods[strings.ToLower(call.method)]; ok && regexp.MustCompile(shape).MatchString(target) {
				template = path
				names = append(names, path)
			}
		}
		if len(names) != 1 {
			t.Errorf("%s %s is of the paths %q", call.method, target, names)
			continue
		}
		seen[call.method+" "+template] = true
		if call.method == "GET" && !strings.Contains(strings.ReplaceAll(target, "$ID", ""), "$") && !strings.Contains(template, "stream") && !strings.HasSuffix(template, "/subscribe") {
			at := strings.ReplaceAll(regexp.MustCompile(`^https://[^/]+`).ReplaceAllString(call.url, ""), "$ID", in.ID)
			if answer, told := c.send(p, "GET", at, "", nil); answer.StatusCode == 400 || answer.StatusCode == 422 {
				t.Errorf("GET %s of %s: %s %s", at, text, answer.Status, told)
			}
		}
		op := doc.Paths[template][strings.ToLower(call.method)]
		for _, param := range op.Parameters {
			if param.In == "query" && param.Required && !strings.Contains("&"+query, "&"+param.Name+"=") {
				t.Errorf("%s %s: nothing about %s, which must be there: %s", call.method, template, param.Name, text)
			}
		}
		if _, ok := op.RequestBody.Content["application/json"]; !ok {
			if call.body != "" {
				t.Errorf("%s %s takes no JSON: %s", call.method, template, text)
			}
			continue
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(call.body)))
		if err != nil {
			t.Errorf("%s %s: %v in %s", call.method, template, err, text)
			continue
		}
		escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
		s, err := c.schemas.Compile("openapi.json#/paths/" + escape.Replace(template) + "/" + strings.ToLower(call.method) + "/requestBody/content/application~1json/schema")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(value); err != nil {
			t.Errorf("%s %s: %v in %s", call.method, template, err, call.body)
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d examples were found", len(seen))
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			if !seen[strings.ToUpper(method)+" "+path] {
				t.Errorf("%s %s has no example", strings.ToUpper(method), path)
			}
		}
	}
}
