package nodes_test

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"tsunagi/internal/flow/nodes"
	"tsunagi/internal/flow/script"
	"tsunagi/web/editor/packfile"
)

var writePage = flag.Bool("write-page", false, "write docs/parity.md and the list of dialogs instead of comparing them")

// dialog is what the editor lets a user set in a node of one type.
type dialog struct {
	Options map[string]any      `json:"options"`           // with what a new node has; null is undefined
	Secrets []string            `json:"secrets,omitempty"` // kept among the credentials
	Choices map[string][]string `json:"choices,omitempty"` // of an option, as far as the HTML lists them
}

const (
	packFile      = "../../../web/editor/dist/editor.pack"
	inventoryFile = "testdata/dialogs/dialogs.json"
)

// dialogs reads the list that TestDialogs keeps equal to the editor's files.
func dialogs(t *testing.T) map[string]dialog {
	t.Helper()
	raw, err := os.ReadFile(inventoryFile)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]dialog
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// Every node type of Node-RED runs here, and the list of their dialogs is that of the packed editor.
func TestDialogs(t *testing.T) {
	if raw, err := os.ReadFile(packFile); err == nil {
		compareInventory(t, string(raw))
	} else {
		t.Log("the list of dialogs was not compared with the editor: make editor packs it")
	}
	runs := map[string]bool{}
	for _, typ := range nodes.All() {
		runs[typ.Name] = true
	}
	for name := range dialogs(t) {
		if !runs[name] {
			t.Errorf("no node type %q", name)
		}
	}
}

func compareInventory(t *testing.T, pack string) {
	t.Helper()
	p, err := packfile.Open(pack)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]dialog{}
	for f := range p.Under("nodes/core/") {
		if strings.HasSuffix(f.Path, ".html") && !strings.Contains(f.Path, "/lib/") {
			html, err := f.Content()
			if err != nil {
				t.Fatal(err)
			}
			readDialogs(t, f.Path, string(html), got)
		}
	}
	raw, _ := json.MarshalIndent(got, "", " ")
	if *writePage {
		if err := os.WriteFile(inventoryFile, append(raw, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	var clean map[string]dialog
	if err := json.Unmarshal(raw, &clean); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(clean, dialogs(t)) {
		t.Errorf("%s is not what the editor shows: run go test ./internal/flow/nodes -args -write-page", inventoryFile)
	}
}

var (
	codeBlock  = regexp.MustCompile(`(?s)<script type="text/javascript">(.*?)</script>`)
	comment    = regexp.MustCompile(`(?s)<!--.*?-->`)
	formBlock  = regexp.MustCompile(`(?s)<script type="text/html" data-template-name="([^"]*)">(.*?)</script>`)
	selectForm = regexp.MustCompile(`(?s)<select[^>]*id="node-(?:config-)?input-([^"]*)"[^>]*>(.*?)</select>`)
	optionForm = regexp.MustCompile(`<option[^>]*value=["']([^"']*)["']`)
)

// browser stands in for the page in which the editor's files run: whatever they ask for is a function of itself.
const browser = `var got = {};
var any = new Proxy(function () {}, { get: (t, k) => k === Symbol.toPrimitive ? () => "" : any, apply: () => any, construct: () => any });
var window = any, document = any, $ = any, jQuery = any, localStorage = any, monaco = any, navigator = any;
var RED = new Proxy({}, { get: (t, k) => k !== "nodes" ? any : new Proxy({}, { get: (t, k) => k !== "registerType" ? any :
	(name, def) => { got[name] = { options: Object.fromEntries(Object.entries(def.defaults ?? {}).map(([k, d]) => [k, typeof d.value === "function" ? null : d.value ?? null])),
		secrets: Object.keys(def.credentials ?? {}) } } }) });
`

// readDialogs runs a file of the editor and notes what it registers.
func readDialogs(t *testing.T, path, html string, all map[string]dialog) {
	t.Helper()
	vm, err := script.New(script.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	var code strings.Builder
	code.WriteString(browser)
	for _, m := range codeBlock.FindAllStringSubmatch(html, -1) {
		code.WriteString(m[1] + ";\n")
	}
	r, err := vm.Eval(path, code.String()+"JSON.stringify(got)")
	if err != nil {
		t.Fatal(path, err)
	}
	defer vm.Free(r)
	v, err := vm.To(r)
	if err != nil {
		t.Fatal(path, err)
	}
	registered := map[string]dialog{}
	if err := json.Unmarshal([]byte(v.Text()), &registered); err != nil {
		t.Fatal(path, err)
	}
	for name, d := range registered {
		d.Choices = map[string][]string{}
		for _, form := range formBlock.FindAllStringSubmatch(html, -1) {
			if form[1] == name {
				d.choose(comment.ReplaceAllString(form[2], ""))
			}
		}
		all[name] = d
	}
}

// choose notes the values of every list in the form that belongs to an option.
func (d *dialog) choose(form string) {
	for _, s := range selectForm.FindAllStringSubmatch(form, -1) {
		if _, ok := d.Options[s[1]]; !ok {
			continue // a list that only steers what else the dialog shows
		}
		for _, o := range optionForm.FindAllStringSubmatch(s[2], -1) {
			d.Choices[s[1]] = append(d.Choices[s[1]], o[1])
		}
	}
}
