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
