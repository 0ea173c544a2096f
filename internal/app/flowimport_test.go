package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Without --yes nothing is written; with it the directory is one that `tsunagi flow` reads, settings included.
func TestFlowImport(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	run := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := flowCommand(context.Background(), append([]string{"import"}, args...), Streams{Out: &out, Err: &errs})
		return code, out.String() + errs.String()
	}
	const from = "../takeover/testdata/configured"
	code, text := run(from, "--data", data)
	if code != ExitOK || !strings.Contains(text, "Nothing has been changed") || !strings.Contains(text, `ui_gauge: "gauge" (u1) on flow "Heating" (t1)`) {
		t.Errorf("%d %s", code, text)
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("a dry run has written something")
	}
	if code, text = run(from, "--data", data, "--yes"); code != ExitOK || !strings.Contains(text, "Written.") {
		t.Errorf("%d %s", code, text)
	}
	if code, text = run(from, "--data", data, "--yes"); code == ExitOK || !strings.Contains(text, "already") {
		t.Errorf("a second time: %d %s", code, text)
	}
	if code, _ = run(); code != ExitUsage {
		t.Errorf("without a directory: %d", code)
	}
	args := withSettingsFile([]string{"--data", data}, nil, data)
	if len(args) != 4 || args[1] != filepath.Join(data, "flow.toml") {
		t.Errorf("arguments %q", args)
	}
	for _, own := range [][]string{{"--config", "x"}, {"--config=x"}} {
		if got := withSettingsFile(own, nil, data); len(got) != len(own) {
			t.Errorf("%q became %q", own, got)
		}
	}
}

// TestImportAtPairing wants the command that pairs to say first what it would take over, without using the code up, and
// to do it when it is told so.
func TestImportAtPairing(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	var in struct{ ID string }
	p.api("POST", "/instances", map[string]any{"name": "Home"}, &in)
	var code struct{ Command string }
	p.api("POST", "/devices/codes", map[string]any{"name": "pi", "instance": in.ID}, &code)
	old, data := t.TempDir(), filepath.Join(t.TempDir(), "data")
	flows := `[{"id":"t1","type":"tab","label":"From before"},{"id":"c1","type":"comment","z":"t1","name":"kept","x":1,"y":1,"wires":[]}]`
	if err := os.WriteFile(filepath.Join(old, "flows.json"), []byte(flows), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append(strings.Fields(code.Command)[1:], "--data", data, "--import", old)
	var out, errOut strings.Builder
	if code := Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errOut}); code != ExitOK || !strings.Contains(out.String(), "flows") || !strings.Contains(out.String(), "--import-now") {
		t.Fatalf("dry run: %d %s %s", code, out.String(), errOut.String())
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the dry run left something: %v", err)
	}
	startPi(t, data, code.Command, "--import", old, "--import-now")
	d := p.online()
	_, got := p.send("GET", d.URL+"flows", nil, "Authorization", "Bearer "+p.open(d))
	if !strings.Contains(got, "From before") || !strings.Contains(got, brokerNode) {
		t.Errorf("flows: %s", got)
	}
}
