package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// binary builds the program once for all tests of the package: without pages and without the race detector, as users
// run it.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tsunagi-e2e")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "tsunagi")
	cmd := exec.Command("go", "build", "-tags", "no_ui", "-o", name, "tsunagi/cmd/tsunagi")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return name, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if name, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(name))
	}
	os.Exit(code)
}

// server is one run of `tsunagi serve --dev`.
type server struct {
	cmd   *exec.Cmd
	addr  string
	log   string        // file with what it printed
	ended chan struct{} // closed when the process is gone
}

// startDev starts the binary on dir and waits until it says that it is ready.
func startDev(t *testing.T, dir, addr string, args ...string) *server {
	t.Helper()
	return startBinary(t, addr, append([]string{"serve", "--dev", "--data", dir, "--mqtt", addr, "--http", "127.0.0.1:0"}, args...)...)
}

// startCloud is startDev with accounts and logins, and without any other door.
func startCloud(t *testing.T, dir, addr string, args ...string) *server {
	t.Helper()
	return startBinary(t, addr, append([]string{"serve", "--data", dir, "--plain", "--mqtt", addr, "--mqtts", "off", "--https", "off", "--http", "off"}, args...)...)
}

func startBinary(t *testing.T, addr string, args ...string) *server {
	t.Helper()
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return startProgram(t, name, addr, args...)
}

// startProgram starts the binary, or a program that becomes it.
func startProgram(t *testing.T, name, addr string, args ...string) *server {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), "serve-*.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{cmd: cmd, addr: addr, log: log.Name(), ended: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(s.ended) }()
	t.Cleanup(s.kill)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if strings.Contains(s.printed(), "\nready\n") {
			return s
		}
		select {
		case <-s.ended:
			t.Fatalf("the server ended at its start:\n%s", s.printed())
		case <-ctx.Done():
			t.Fatalf("the server did not open %s:\n%s", addr, s.printed())
		case <-tick.C:
		}
	}
}

// kill ends the process as kill -9 does and waits until it is gone.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // gone already: fine
	<-s.ended
}

func (s *server) printed() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// freeAddr is a loopback address that nobody listens on, and that stays free while a server is away: its port is below
// those that connections are given, else a client that tries again could sit on it, even be connected with itself.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+nextPort.Add(1)%12_000)
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port from 20000 to 31999 is free")
	return ""
}

// nextPort begins somewhere else in each process.
var nextPort = func() *atomic.Uint32 {
	var n atomic.Uint32
	n.Store(rand.Uint32N(12_000))
	return &n
}()
