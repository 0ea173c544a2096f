package e2e

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runBinary runs the program to its end and returns its exit code and all that it printed.
func runBinary(t *testing.T, args ...string) (int, string) {
	t.Helper()
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%q went on instead of ending:\n%s", args, out.String())
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// A start that can't succeed ends at once, says which setting is wrong and what was wanted, and shows no stack.
func TestStartsThatAreRefused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	write := func(name, text string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	closed := []string{"--https", "off", "--mqtts", "off", "--http", "off"}
	serve := func(args ...string) []string { return append(append([]string{"serve"}, closed...), args...) }
	tests := []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"no command", nil, 2, []string{"Usage"}},
		{"unknown command", []string{"sreve"}, 2, []string{`"sreve"`, "--help"}},
		{"unknown flag", []string{"serve", "--htps", ":1"}, 2, []string{"htps"}},
		{"unknown setting in the file", []string{"serve", "--config", filepath.Join(write("c.toml", "htps = \":1\"\n"), "c.toml")}, 2, []string{"htps", "no such setting"}},
		{"wrong value", []string{"serve", "--sign-up", "maybe"}, 2, []string{"sign_up", "maybe", "invite"}},
		{"port in use", serve("--data", t.TempDir(), "--mqtt", taken.Addr().String()), 4, []string{taken.Addr().String(), "another program"}},
		{"dev beyond this machine", []string{"serve", "--dev", "--mqtt", "0.0.0.0:0"}, 2, []string{"loopback"}},
		{"data that is no directory", serve("--mqtt", "off", "--data", filepath.Join(write("data", ""), "data")), 3, []string{"data directory"}},
		{"data that is no database", serve("--mqtt", "off", "--data", write("messages.db", strings.Repeat("not a database ", 100))), 3, []string{"messages.db"}},
		{"flow without login beyond this machine", []string{"flow", "--no-login", "--listen", ":0"}, 2, []string{"no_login", "loopback"}},
		{"flow file that is none", []string{"flow", "--no-login", "--listen", "127.0.0.1:0", "--data", write("flows.json", `{"not": "flows"`)}, 3, []string{"flows.json"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out := runBinary(t, tt.args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, w := range tt.want {
				if !strings.Contains(out, w) {
					t.Errorf("output does not say %q", w)
				}
			}
			if strings.Contains(out, "goroutine ") || strings.Contains(out, "panic") {
				t.Error("output shows a stack")
			}
			if t.Failed() {
				t.Logf("printed:\n%s", out)
			}
		})
	}
}

func TestHelpEverywhere(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"flow", "--help"}, {"pub", "--help"}, {"sub", "--help"}, {"bench", "--help"}, {"admin", "--help"}, {"version", "--help"}} {
		if code, out := runBinary(t, args...); code != 0 || len(out) < 40 {
			t.Errorf("%q: exit code %d, printed %q", args, code, out)
		}
	}
}
