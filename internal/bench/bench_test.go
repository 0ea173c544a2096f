package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/app"
	"tsunagi/internal/bench"
)

// dev starts `tsunagi serve --dev` in this process and returns its MQTT and HTTP addresses.
func dev(t *testing.T) (mqtt, http string) {
	t.Helper()
	addr := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	mqtt, http = addr(), addr()
	dir := t.TempDir() // before the cleanup below, so that it is removed after it
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() { // ends with ctx
		ended <- app.Run(ctx, []string{"serve", "--dev", "--data", dir, "--mqtt", mqtt, "--http", http}, app.Streams{Out: t.Output(), Err: t.Output()})
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("serve ended with %d", code)
		}
	})
	for range 500 {
		if c, err := net.Dial("tcp", mqtt); err == nil {
			c.Close()
			return mqtt, http
		}
		select {
		case code := <-ended:
			ended <- 0
			t.Fatalf("serve ended with %d", code)
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("serve does not accept")
	return
}

// TestScenarios runs each shape of load for a moment: everything must arrive, once and in order.
func TestScenarios(t *testing.T) {
	mqtt, http := dev(t)
	tests := []string{
		"pairs -n 5", "pairs -n 5 -q 1", "pairs -n 5 -q 2", "pairs -n 1 -w 1", "pairs -n 3 -q 1 --protocol-version 5",
		"pairs -n 2 -s 20 --protocol-version 31", "pairs -n 2 -w 4 -s 100000", "fan-in -n 6 --receivers 2",
		"fan-out -n 20", "fan-out -n 20 -q 1", "scattered -n 4 --receivers 3 --filters 100", "scattered -n 2 --receivers 2 --filters 50 -q 2",
		"idle -n 20 --settle 50ms", "pairs -n 2 -L ws://" + http, "wildcard -n 4 --receivers 3 --filters 100", "wildcard -n 4 --receivers 3 --filters 10000",
		"retained --filters 500", "retained --filters 50 --protocol-version 5", "durable -n 8 --receivers 3", "durable -n 8 --receivers 3 -q 2 -w 3",
		"durable -n 4 --receivers 2 --absent", "durable -n 4 --receivers 2 --absent --protocol-version 5", "storm -n 40", "pairs -n 3 -q 1 --rate 500",
	}
	for _, args := range tests {
		t.Run(args, func(t *testing.T) {
			length := "150ms"
			if strings.HasPrefix(args, "durable") { // a disk that is busy takes longer for one write
				length = "1s"
			}
			all := append([]string{"--json", "-d", length, "--warm-up", "50ms", "-L", "mqtt://" + mqtt, "--pid", fmt.Sprint(os.Getpid())}, strings.Fields(args)...)
			var out, errs bytes.Buffer
			if code := bench.Bench(t.Context(), all, &out, &errs); code != 0 {
				t.Fatalf("exit code %d: %s%s", code, &out, &errs)
			}
			var res map[string]any
			if err := json.Unmarshal(out.Bytes(), &res); err != nil {
				t.Fatalf("%v in %q", err, &out)
			}
			if !strings.HasPrefix(args, "idle") && !strings.Contains(args, "--absent") && (res["messages"].(float64) < 1 || res["latency_us"].(map[string]any)["p50"].(float64) <= 0) {
				t.Errorf("result %s", &out)
			}
		})
	}
}

func TestTable(t *testing.T) {
	mqtt, _ := dev(t)
	var out, errs bytes.Buffer
	if code := bench.Bench(t.Context(), []string{"pairs", "-n", "2", "-d", "100ms", "-L", "mqtt://" + mqtt}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	for _, want := range []string{"pairs, QoS 0, 2 clients", "a second", "p99.9", "lost, doubled, late    0, 0, 0"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("table lacks %q:\n%s", want, &out)
		}
	}
}

func TestWrongArguments(t *testing.T) {
	for args, want := range map[string]string{
		"":                             "one scenario",
		"nonsense":                     `scenario "nonsense"`,
		"pairs fan-in":                 "one scenario",
		"pairs --qos 3 --size 1":       "--size 1: want 20",
		"pairs --protocol-version 4":   "--protocol-version 4",
		"pairs --clients -1":           "--clients -1",
		"pairs -L http://x":            "want the scheme",
		"pairs -L mqtt://127.0.0.1:1":  "connect",
		"pairs --pid 999999999":        "process 999999999",
		"idle":                         "--pid",
		"pairs --cafile /nonexistent":  "--cafile",
		"scattered --filters 3":        "--filters 3",
		"compare --rounds 0":           "at least one round",
		"compare extra":                "options only",
		"compare --only nothing-there": "no row",
	} {
		var out, errs bytes.Buffer
		code := bench.Bench(t.Context(), strings.Fields(args), &out, &errs)
		if code == 0 || !strings.Contains(errs.String(), want) {
			t.Errorf("bench %s: exit code %d, %q; want words with %q", args, code, &errs, want)
		}
	}
	var out, errs bytes.Buffer
	if code := bench.Bench(t.Context(), []string{"--help"}, &out, &errs); code != 0 || !strings.Contains(out.String(), "fan-out") {
		t.Errorf("--help: exit code %d, %q", code, &out)
	}
}

// TestCompare runs one short row with the real programs.
func TestCompare(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	program := filepath.Join(t.TempDir(), "tsunagi")
	if out, err := exec.Command("go", "build", "-tags", "no_ui", "-o", program, "tsunagi/cmd/tsunagi").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var out, errs bytes.Buffer
	args := []string{"compare", "--tsunagi", program, "--rounds", "1", "-d", "2s", "--only", "pairs QoS 1"}
	if code := bench.Bench(t.Context(), args, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	if !strings.Contains(out.String(), "pairs QoS 1") || !strings.Contains(out.String(), "tsunagi") {
		t.Errorf("table:\n%s", &out)
	}
}
