package nodes_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const parityPage = "../../../docs/parity.md"

// Every option of every dialog, and every choice of a list, is set by a recording or a test, or there is a reason why
// not; docs/parity.md says so.
func TestPage(t *testing.T) {
	b := &book{dialogs: dialogs(t), recorded: map[string][]setting{}}
	b.readModes(t)
	b.readReasons(t)
	b.readRecordings(t)
	b.readTests(t)
	text := b.page(t)
	for _, line := range b.missing {
		t.Error(line)
	}
	for line, used := range b.used {
		if !used {
			t.Errorf("testdata/dialogs/reasons.txt: %q explains what is covered, or nothing", line)
		}
	}
	if *writePage {
		if err := os.WriteFile(parityPage, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(parityPage)
	if err != nil || evidence.ReplaceAllString(string(got), "$1") != evidence.ReplaceAllString(text, "$1") || !b.exist(string(got)) {
		t.Errorf("docs/parity.md is stale (%v): run go test -tags no_ui ./internal/flow/nodes -args -write-page", err)
	}
}

// evidence is what a row names. That more tests set an option makes no page stale; that a named one is gone does.
var evidence = regexp.MustCompile("(?m)^(\\| `.* \\| )([A-Za-z][^*|]*) \\|$")

// exist says whether there is every recording and test that the page names.
func (b *book) exist(page string) bool {
	known := map[string]bool{}
	for _, list := range b.recorded {
		for _, s := range list {
			known[s.where] = true
		}
	}
	for _, f := range b.tests {
		known[f.name] = true
	}
	for _, m := range evidence.FindAllStringSubmatch(page, -1) {
		names, _, _ := strings.Cut(m[2], " and ")
		for _, name := range strings.Split(names, ", ") {
			if !known[name] {
				return false
			}
		}
	}
	return true
}

// book is what the page is made of.
type book struct {
	dialogs  map[string]dialog
	reasons  map[string]string    // by "type | option"
	used     map[string]bool      // the reasons that were needed
	differs  map[string][]string  // by type
	recorded map[string][]setting // by type
	tests    []testFunc
	missing  []string
}

// setting is one node in a recording.
type setting struct {
	where string
	node  map[string]any
}

// testFunc is a test of the runtime with what its file and it speak of.
type testFunc struct {
	name, body string
	types      []string
	literals   []string
}

// table reads lines of cells between bars; lines that begin with # are for people.
func table(t *testing.T, name string, cells int) (rows [][]string) {
	t.Helper()
	raw, err := os.ReadFile("testdata/dialogs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(raw), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		row := strings.SplitN(line, " | ", cells)
		if len(row) != cells {
			t.Fatalf("%s: %q has not %d cells", name, line, cells)
		}
		rows = append(rows, row)
	}
	return rows
}

var word = regexp.MustCompile(`"[^"]*"|\S+`)

func (b *book) readModes(t *testing.T) {
	for _, row := range table(t, "modes.txt", 3) {
		d, ok := b.dialogs[row[0]]
		option, _, _ := strings.Cut(strings.TrimSuffix(row[1], "[]"), "[")
		if _, has := d.Options[option]; !ok || !has {
			t.Fatalf("modes.txt: no option %q of %q", option, row[0])
		}
		var list []string
		for _, w := range word.FindAllString(row[2], -1) {
			list = append(list, strings.Trim(w, `"`))
		}
		if d.Choices == nil {
			d.Choices = map[string][]string{}
		}
		d.Choices[row[1]] = list
		b.dialogs[row[0]] = d
	}
}

func (b *book) readReasons(t *testing.T) {
	b.reasons, b.used, b.differs = map[string]string{}, map[string]bool{}, map[string][]string{}
	for _, row := range table(t, "reasons.txt", 3) {
		key := row[0] + " | " + row[1]
		b.reasons[key], b.used[key] = row[2], false
	}
	for _, row := range table(t, "differs.txt", 2) {
		for _, typ := range strings.Split(row[0], ", ") {
			if _, ok := b.dialogs[typ]; !ok && typ != "*" {
				t.Fatalf("differs.txt: no node type %q", typ)
			}
			b.differs[typ] = append(b.differs[typ], row[1])
		}
	}
}

func (b *book) readRecordings(t *testing.T) {
	files, _ := filepath.Glob("testdata/parity/*.json")
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var p struct {
			Flows []map[string]any
			Steps []struct{ Deploy []map[string]any }
		}
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(name, err)
		}
		nodes := p.Flows
		for _, s := range p.Steps {
			nodes = append(nodes, s.Deploy...)
		}
		for _, n := range nodes {
			typ, _ := n["type"].(string)
			b.recorded[typ] = append(b.recorded[typ], setting{strings.TrimSuffix(filepath.Base(name), ".json"), n})
		}
	}
}

var typeName = regexp.MustCompile(`['"]type\\?['"]\s*:\s*\\?['"]([^'"\\]+)\\?['"]`)

func (b *book) readTests(t *testing.T) {
	for _, dir := range []string{"..", "common", "function", "network", "parsers", "script", "sequence", "storage", "../../editor", "../../app"} {
		files, _ := filepath.Glob(dir + "/*_test.go")
		p := &testPackage{decls: map[string]string{}}
		for _, name := range files {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			p.read(t, name, string(src))
		}
		for _, f := range p.tests {
			b.tests = append(b.tests, p.whole(f))
		}
	}
}

// testPackage is the source of the tests of one package.
type testPackage struct {
	decls map[string]string // the texts of helpers and constants
	tests []*ast.FuncDecl
	texts []string // of the tests
}

func (p *testPackage) read(t *testing.T, name, src string) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := func(n ast.Node) string { return src[set.Position(n.Pos()).Offset:set.Position(n.End()).Offset] }
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if strings.HasPrefix(d.Name.Name, "Test") {
				p.tests, p.texts = append(p.tests, d), append(p.texts, text(d))
			} else {
				p.decls[d.Name.Name] = text(d)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok {
					for _, id := range v.Names {
						p.decls[id.Name] = text(v)
					}
				}
			}
		}
	}
}

// whole is a test with the helpers and constants that it names itself.
func (p *testPackage) whole(f *ast.FuncDecl) testFunc {
	tf := testFunc{name: f.Name.Name, body: p.texts[slices.Index(p.tests, f)]}
	named := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				s, _ := strconv.Unquote(n.Value)
				tf.literals = append(tf.literals, s)
			}
		case *ast.Ident:
			if text := p.decls[n.Name]; !named[n.Name] {
				named[n.Name] = true
				tf.body += "\n" + text
			}
		}
		return true
	})
	tf.types = typesIn(tf.body)
	return tf
}

func typesIn(text string) (types []string) {
	for _, m := range typeName.FindAllStringSubmatch(text, -1) {
		types = append(types, m[1])
	}
	return types
}

// values are what a node has at a path such as rules[].t.
func values(v any, path string) []any {
	if path == "" {
		return []any{v}
	}
	if rest, ok := strings.CutPrefix(path, "[]"); ok {
		var all []any
		list, _ := v.([]any)
		for _, e := range list {
			all = append(all, values(e, strings.TrimPrefix(rest, "."))...)
		}
		return all
	}
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		end = len(path)
	}
	m, _ := v.(map[string]any)
	next, ok := m[path[:end]]
	if !ok {
		return nil
	}
	return values(next, strings.TrimPrefix(path[end:], "."))
}

// shown is a setting's value as the lists of choices write it.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case []any, map[string]any:
		return "*"
	}
	raw, _ := json.Marshal(v)
	return string(raw)
}

// seen lists the recordings and tests in which a node of the type has the option, with this value if it is not nil.
func (b *book) seen(typ, path string, want *string, usual any) []string {
	found := map[string]bool{}
	for _, s := range b.recorded[typ] {
		for _, v := range values(s.node, path) {
			text := shown(v)
			switch {
			case want == nil && asJSON(v) != asJSON(usual), want != nil && (text == *want || *want == "*" && text != "" && text != "null"):
				found[s.where] = true
			}
		}
	}
	key := path[strings.LastIndexAny(path, ".]")+1:]
	if key == "" {
		key = strings.TrimSuffix(path, "[]")
	}
	for _, f := range b.tests {
		if slices.Contains(f.types, typ) && (f.sets(key, want) || slices.Contains(b.dialogs[typ].Secrets, key) && slices.Contains(f.literals, key)) {
			found[f.name] = true
		}
	}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

var patterns = map[string]*regexp.Regexp{} // of sets, by key

// sets says whether the test's text gives the option a value, the wanted one if it is not nil.
func (f *testFunc) sets(key string, want *string) bool {
	at := patterns[key]
	if at == nil {
		at = regexp.MustCompile(`['"]` + regexp.QuoteMeta(key) + `\\?['"]\s*:\s*(\\?['"]?)([^'"` + "`" + `\\,}\]]*)(['"` + "`" + `\\,}\]]+\s*\+?)`)
		patterns[key] = at
	}
	for _, m := range at.FindAllStringSubmatch(f.body, -1) {
		made := strings.HasSuffix(m[3], "+") // put together by the program: the value is a text of the test
		switch {
		case want == nil, *want == "*", m[2] == *want && !made, made && slices.Contains(f.literals, *want):
			return true
		}
	}
	return false
}

// line makes the row of one option or choice; what is neither covered nor explained is noted as missing.
func (b *book) line(typ, option string, want *string, usual any) (row string, covered bool) {
	label := "`" + option + "`"
	if want != nil {
		option += "=" + *want
		label += " " + choice(*want)
	}
	if names := b.seen(typ, strings.Split(option, "=")[0], want, usual); len(names) > 0 {
		if len(names) > 3 {
			names = names[:3:3]
			names[2] += " and others"
		}
		return fmt.Sprintf("| %s | %s |\n", label, strings.Join(names, ", ")), true
	}
	for _, key := range []string{typ + " | " + option, "* | " + option} {
		if reason, ok := b.reasons[key]; ok {
			b.used[key] = true
			return fmt.Sprintf("| %s | *%s* |\n", label, reason), false
		}
	}
	b.missing = append(b.missing, fmt.Sprintf("%s | %s has neither recording nor test nor reason", typ, option))
	return "", false
}

// choice is a value in the page.
func choice(s string) string {
	switch s {
	case "":
		return "empty"
	case " ":
		return "space"
	case "*":
		return "of one's own"
	}
	return "`" + s + "`"
}

func (b *book) page(t *testing.T) string {
	var out, sum strings.Builder
	names := make([]string, 0, len(b.dialogs))
	for name := range b.dialogs {
		names = append(names, name)
	}
	sort.Strings(names)
	total, totalCovered := 0, 0
	for _, typ := range names {
		rows, n, covered := b.node(typ)
		total, totalCovered = total+n, totalCovered+covered
		fmt.Fprintf(&sum, "| [%s](#%s) | %d | %d | %d | %d |\n", typ, strings.ReplaceAll(typ, " ", "-"), n, covered, n-covered, len(b.differs[typ]))
		fmt.Fprintf(&out, "\n## %s\n\n| option | recordings and tests, or why none |\n|---|---|\n%s", typ, rows)
		for i, d := range b.differs[typ] {
			if i == 0 {
				out.WriteString("\nDiffers on purpose:\n\n")
			}
			fmt.Fprintf(&out, "- %s\n", d)
		}
	}
	var head strings.Builder
	fmt.Fprintf(&head, "# Nodes, option by option\n\nWritten by a test, which fails when this page is stale: every node type of Node-RED 5.0.7 that has a dialog, with every "+
		"option and every choice of its lists. The options are read from the packed editor by running it. Names in lower case are recordings of "+
		"what Node-RED 5.0.7 showed ([testdata/parity](../internal/flow/nodes/testdata/parity)), which our runtime must show message by message; "+
		"the others are tests. An option counts as covered when a value other than a new node's is set. Junctions have no dialog; they are in "+
		"recordings, as are groups, subflows and disabled nodes.\n\n%d node types, %d options and choices: %d covered, %d explained.\n\n"+
		"| node | options and choices | covered | explained | differences |\n|---|---|---|---|---|\n%s", len(names), total, totalCovered, total-totalCovered, &sum)
	head.WriteString("\n## Differs on purpose, in all nodes\n\n")
	for _, d := range b.differs["*"] {
		fmt.Fprintf(&head, "- %s\n", d)
	}
	return head.String() + out.String()
}

// node makes the rows of one node type and counts them.
func (b *book) node(typ string) (rows string, n, covered int) {
	var out strings.Builder
	add := func(row string, is bool) {
		out.WriteString(row)
		n++
		if is {
			covered++
		}
	}
	d := b.dialogs[typ]
	options := make([]string, 0, len(d.Options))
	for o := range d.Options {
		options = append(options, o)
	}
	options = append(options, d.Secrets...)
	for path := range d.Choices {
		if _, ok := d.Options[path]; !ok {
			options = append(options, path)
		}
	}
	sort.Strings(options)
	for _, o := range options {
		if list := d.Choices[o]; len(list) > 0 {
			for _, v := range list {
				add(b.line(typ, o, &v, nil))
			}
			continue
		}
		add(b.line(typ, o, nil, d.Options[o]))
	}
	return out.String(), n, covered
}
