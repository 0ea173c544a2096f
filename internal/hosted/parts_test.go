package hosted

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestBrokers(t *testing.T) {
	b := brokers{"localhost:8883", "*.example.com:8883", "[::1]:8883", "broken"}
	for target, want := range map[[2]string]bool{
		{"localhost", "8883"}: true, {"LOCALHOST.", "8883"}: true, {"localhost", "8443"}: false, {"a.example.com", "8883"}: true,
		{"example.com", "8883"}: false, {"evilexample.com", "8883"}: false, {"::1", "8883"}: true, {"127.0.0.1", "8883"}: false,
	} {
		if got := b.has(target[0], target[1]); got != want {
			t.Errorf("has(%v) = %v", target, got)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, bad := range [][2]string{{"udp", "1.2.3.4:53"}, {"unix", "/run/x"}, {"tcp", "noport"}, {"tcp", ":80"}, {"tcp", strings.Repeat("a", 400) + ":1"}} {
		if _, _, err := splitTarget(bad[0], bad[1]); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestRelay(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	in := `{"time":"x","level":"ERROR","msg":"flow stopped","node":"n1"}` + "\n" + "panic: oh\n" + strings.Repeat("x", 5000) + "\n" + strings.Repeat("line\n", 100)
	relay(log, strings.NewReader(in))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != maxLogPerSec {
		t.Errorf("%d lines, want %d", len(lines), maxLogPerSec)
	}
	if !strings.Contains(lines[0], `level=ERROR`) || !strings.Contains(lines[0], `text="flow stopped"`) || !strings.Contains(lines[0], "n1") {
		t.Errorf("first line %q", lines[0])
	}
	if len(lines[2]) > maxLogLine+200 {
		t.Errorf("a line of %d bytes", len(lines[2]))
	}
}

func FuzzSplitTarget(f *testing.F) {
	f.Add("tcp", "localhost:80")
	f.Fuzz(func(t *testing.T, network, addr string) {
		host, port, err := splitTarget(network, addr)
		if err == nil && (host == "" || port == "" || !strings.HasPrefix(network, "tcp")) {
			t.Errorf("%q %q gave %q %q", network, addr, host, port)
		}
	})
}
