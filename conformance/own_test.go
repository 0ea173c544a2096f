package conformance

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/app"
)

func init() { startOwn = startDev }

// startDev runs "serve --dev" in this process, on ports of its own choice.
func startDev(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, w := io.Pipe()
	dir := t.TempDir()
	ended := make(chan int, 1)
	go func() { // ends with ctx
		n := app.Run(ctx, []string{"serve", "--dev", "--data", dir, "--mqtt", "127.0.0.1:0", "--http", "off"},
			app.Streams{In: strings.NewReader(""), Out: w, Err: t.Output()})
		w.Close()
		ended <- n
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case n := <-ended:
			if n != 0 {
				t.Errorf("serve --dev ended with code %d", n)
			}
		case <-time.After(20 * time.Second):
			t.Error("serve --dev does not end")
		}
	})
	addr, ready := "", false
	lines := bufio.NewScanner(out)
	for !ready && lines.Scan() {
		if _, a, ok := strings.Cut(lines.Text(), "mqtt://"); ok {
			addr = strings.TrimSpace(a)
		}
		ready = lines.Text() == "ready"
	}
	if !ready || addr == "" {
		t.Fatal("serve --dev did not start")
	}
	go io.Copy(io.Discard, out) // ends when Run has ended
	return addr
}
