package flow_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/flow"
)

func TestFileComesBackUnchanged(t *testing.T) {
	files, err := filepath.Glob("testdata/flows/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no flow files", err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := flow.ParseFile(raw)
		if err != nil {
			t.Fatal(name, err)
		}
		want := strings.TrimSpace(string(raw))
		if got := string(f.JSON()); got != want {
			t.Errorf("%s became\n%s", name, got)
		}
		sum := sha256.Sum256([]byte(want))
		if f.Rev() != hex.EncodeToString(sum[:]) {
			t.Errorf("rev %s", f.Rev())
		}
	}
}

func TestFile(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", `[]`, `[]`},
		{"byte order mark and white space", "\uFEFF[ {\n\"id\" : \"a\",\"type\":\"x\" } ]", `[{"id":"a","type":"x"}]`},
		{"key order, unknown fields and numbers as JavaScript has them", `[{"type":"x","zz":1.50,"id":"a","b":{"y":[],"x":null}}]`,
			`[{"type":"x","zz":1.5,"id":"a","b":{"y":[],"x":null}}]`},
		{"credentials are taken out", `[{"id":"a","credentials":{"user":"u"},"type":"x"}]`, `[{"id":"a","type":"x"}]`},
		{"the same id twice", `[{"id":"a","type":"x"},{"id":"a","type":"y"}]`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == "" {
				tt.want = tt.in
			}
			f, err := flow.ParseFile([]byte(tt.in))
			if err != nil || string(f.JSON()) != tt.want {
				t.Errorf("%s, %v; want %s", f.JSON(), err, tt.want)
			}
		})
	}
	f, _ := flow.ParseFile([]byte(`[{"id":"a","type":"x","z":"t","credentials":{"user":"u"}}]`))
	if n := f.Nodes[0]; n.ID != "a" || n.Type != "x" || n.Z != "t" || string(n.Credentials) != `{"user":"u"}` {
		t.Errorf("%+v", n)
	}
	if f, _ := flow.ParseFile([]byte("[]")); f.Rev() != "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945" {
		t.Error("rev of the empty file:", f.Rev())
	}
}

func TestFileThatIsNone(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "flow file is no JSON, line 1, byte 0: Unexpected end of JSON input"},
		{"{}", "flow file: want an array of nodes at the top"},
		{"[{\"id\":\"a\",\n\"type\":}]", "flow file is no JSON, line 2, byte 19: Unexpected token '}'"},
		{"[1]", "flow file: entry 0: want an object"},
		{`[{"id":"a","type":"x"},{"type":"x"}]`, `flow file: entry 1: want a text "id"`},
		{`[{"id":"a"}]`, `flow file: entry 0: node "a": want a text "type"`},
		{`[{"id":1,"type":"x"}]`, `flow file: entry 0: want a text "id"`},
		{strings.Repeat("[", 3000), "flow file is no JSON, line 1, byte 1000: More than 1000 levels of nesting"},
		{strings.Repeat(" ", flow.MaxFile+1), "flow file of 5242881 bytes: at most 5242880 are allowed"},
	}
	for _, tt := range tests {
		if _, err := flow.ParseFile([]byte(tt.in)); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("ParseFile(%.40q) = %v, want %s", tt.in, err, tt.want)
		}
	}
}

// FuzzFlowFile parses anything, and deploys what passes: nothing may panic, and the text
// stays as it is once it was read.
func FuzzFlowFile(f *testing.F) {
	files, _ := filepath.Glob("testdata/flows/*.json")
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, s := range []string{`[]`, `[{"id":"t","type":"tab"},{"id":"s","type":"subflow","in":[{"wires":[{"id":"s"}]}],"out":[{"wires":[{"id":"s","port":-1}]}]},{"id":"i","type":"subflow:s","z":"s","x":1,"y":1,"wires":[["i"]]},{"id":"j","type":"subflow:s","z":"t","x":1,"y":1,"wires":[["j"]]}]`,
		`[{"id":"g","type":"group","z":"t","g":"h","nodes":["h"]},{"id":"h","type":"group","z":"t","g":"g"},{"id":"d","type":"debug","z":"t","g":"g","x":1,"y":1,"wires":1,"env":[{"name":"a","type":"env","value":"a"}]}]`,
		`[{"id":"c","type":"mqtt-broker","x":"c"},{"id":"e","type":"tls-config","y":"c","c":"e"}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := flow.ParseFile(raw)
		if err != nil {
			return
		}
		again, err := flow.ParseFile(file.JSON())
		if err != nil || string(again.JSON()) != string(file.JSON()) {
			t.Fatalf("%s became %v", file.JSON(), err)
		}
		if len(file.Nodes) > 50 {
			return
		}
		fuzzDeploy(t, file)
	})
}
