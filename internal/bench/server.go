package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// server is a broker that compare has started.
type server struct {
	name, addr string
	cmd        *exec.Cmd
	said       *bytes.Buffer
	ended      chan error
}

const (
	startTime = 20 * time.Second
	stopTime  = 10 * time.Second
)

// command runs a program on one core, where that is possible. It ends with ctx.
func (c *comparison) command(ctx context.Context, core int, name string, args ...string) *exec.Cmd {
	if c.pin {
		args = append([]string{"-c", strconv.Itoa(core), name}, args...)
		name = "taskset" // becomes the program: the process id stays
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = []string{"GOMAXPROCS=1"}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "TSUNAGI_") && !strings.HasPrefix(kv, "GOMAXPROCS=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	return cmd
}

// ours starts this program's broker for developers.
func (c *comparison) ours(ctx context.Context, dir string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	cmd := c.command(ctx, 0, c.tsunagi, "serve", "--dev", "--data", dir, "--mqtt", addr, "--http", "off")
	return launch("tsunagi", addr, cmd)
}

// peer starts mosquitto with its defaults, but for what a loaded test needs: no disk, no log.
func (c *comparison) peer(ctx context.Context, dir string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "mosquitto.conf")
	text := "listener " + port + " 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type error\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return launch("mosquitto", addr, c.command(ctx, 0, c.mosquitto, "-c", conf))
}

// freeAddr is a loopback address that nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// launch starts a broker and waits until it accepts.
func launch(name, addr string, cmd *exec.Cmd) (*server, error) {
	s := &server{name: name, addr: addr, cmd: cmd, said: new(bytes.Buffer), ended: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = s.said, s.said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- cmd.Wait() }() // ends with the process
	for end := time.Now().Add(startTime); time.Now().Before(end); {
		if c, err := net.Dial("tcp", addr); err == nil {
			return s, c.Close()
		}
		select {
		case err := <-s.ended:
			return nil, fmt.Errorf("%s ended at its start: %w: %s", name, err, s.said)
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s does not accept connections", name)
}

// stop ends the broker.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-s.ended:
	case <-time.After(stopTime):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// stderrOf is what a program that failed has said.
func stderrOf(err error) string {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return strings.TrimSpace(string(e.Stderr))
	}
	return ""
}
