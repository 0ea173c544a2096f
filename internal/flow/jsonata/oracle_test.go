package jsonata

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/flow/value"
)

// oracleScript evaluates each expression with the original, one answer a line.
const oracleScript = `
const jsonata = require(process.argv[1]);
const { cases, doc } = JSON.parse(require("fs").readFileSync(0, "utf8"));
(async () => {
  for (const src of cases) {
    let out;
    try {
      const v = await jsonata(src).evaluate(JSON.parse(doc));
      out = { result: v === undefined ? "undefined" : JSON.stringify(v) };
    } catch (e) {
      out = { code: e.code || String(e), position: e.position || 0 };
    }
    console.log(JSON.stringify(out));
  }
})();`

// TestOracle compares with the original implementation. It needs node and, in
// JSONATA_PACKAGE, the folder of the npm package jsonata; it is skipped without them.
func TestOracle(t *testing.T) {
	pkg := os.Getenv("JSONATA_PACKAGE")
	node, err := exec.LookPath("node")
	if pkg == "" || err != nil {
		t.Skip("set JSONATA_PACKAGE to the folder of the npm package jsonata, and have node, to compare with the original")
	}
	files, err := filepath.Glob("testdata/*.jsonata")
	if err != nil || len(files) == 0 {
		t.Fatalf("expressions: %v, %v", files, err)
	}
	doc, err := os.ReadFile("testdata/doc.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { compareAll(t, node, pkg, string(doc), expressions(t, f), false) })
	}
}

// expressions reads a file with one expression a line; # begins a comment.
func expressions(t testing.TB, file string) (list []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	return list
}

// compareAll evaluates all cases in both. With loose, any two errors are alike: the original
// evaluates the parts of an array or object side by side, so which fails first is not ours
// to follow; and where it breaks with a TypeError of JavaScript, nothing is compared.
func compareAll(t *testing.T, node, pkg, doc string, cases []string, loose bool) {
	in, err := json.Marshal(map[string]any{"cases": cases, "doc": doc})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "-e", oracleScript, pkg)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(answers) != len(cases) {
		t.Fatalf("%d answers to %d expressions", len(answers), len(cases))
	}
	for i, src := range cases {
		var want struct {
			Result, Code string
			Position     int
		}
		if err := json.Unmarshal([]byte(answers[i]), &want); err != nil {
			t.Fatal(err)
		}
		if loose && strings.HasPrefix(want.Code, "TypeError") {
			continue
		}
		result, code, pos := evaluate(t, src, doc)
		if loose && code != "" && want.Code != "" {
			continue
		}
		if code != want.Code || pos != want.Position {
			t.Errorf("%s\n  error %q at %d, the original has %q at %d (%s)", src, code, pos, want.Code, want.Position, want.Result)
		} else if code == "" && result != want.Result {
			t.Errorf("%s\n  gives    %s\n  original %s", src, result, want.Result)
		}
	}
}

// evaluate returns the result as JSON, or an error's code and position.
func evaluate(t testing.TB, src, doc string) (result, code string, pos int) {
	t.Helper()
	in, err := value.ParseString(doc)
	if err != nil {
		t.Fatal(err)
	}
	var v value.Value
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	e, err := Compile(src, Options{})
	if err == nil {
		v, err = e.Eval(ctx, in, nil)
	}
	var failed *Error
	switch {
	case errors.As(err, &failed):
		return "", failed.Code, failed.Position
	case err != nil:
		t.Fatal(err)
	case !v.Defined():
		return "undefined", "", 0
	}
	return value.JSON(v), "", 0
}
