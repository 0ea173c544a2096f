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
	name       string
	addr       map[string]string // by the scheme of the URL: mqtt, mqtts, ws
	user, pass string            // of a client
	cafile     string
	cmd        *exec.Cmd
	said       *bytes.Buffer
	ended      chan error
}

const (
	startTime = 20 * time.Second
	stopTime  = 10 * time.Second
)

// command runs a program on one core, where that is possible and wanted. It ends with ctx.
func (c *comparison) command(ctx context.Context, core int, free bool, name string, args ...string) *exec.Cmd {
	var env []string
	if !free {
		env = append(env, "GOMAXPROCS=1")
		if c.pin {
			args = append([]string{"-c", strconv.Itoa(core), name}, args...)
			name = "taskset" // becomes the program: the process id stays
		}
	}
	cmd := exec.CommandContext(ctx, name, args...)
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "TSUNAGI_") && !strings.HasPrefix(kv, "GOMAXPROCS=") {
			env = append(env, kv)
		}
	}
	cmd.Env = env
	return cmd
}

// freeAddr is a loopback address that nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// newServer has an address for each way in, and a certificate.
func newServer(name, dir string) (*server, error) {
	s := &server{name: name, addr: map[string]string{}, said: new(bytes.Buffer), ended: make(chan error, 1)}
	for _, scheme := range []string{"mqtt", "mqtts", "ws"} {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		s.addr[scheme] = addr
	}
	s.cafile = filepath.Join(dir, "cert.pem")
	return s, writeCertificate(s.cafile, filepath.Join(dir, "key.pem"))
}

// options are what `tsunagi bench` needs to reach the broker.
func (s *server) options(scheme string) []string {
	list := []string{"--url", scheme + "://" + s.addr[scheme]}
	if scheme == "mqtts" {
		list = append(list, "--cafile", s.cafile)
	}
	if s.user != "" {
		list = append(list, "--username", s.user, "--pw", s.pass)
	}
	return list
}

// launch starts the broker and waits until it accepts.
func (s *server) launch(cmd *exec.Cmd) error {
	s.cmd = cmd
	cmd.Stdout, cmd.Stderr = s.said, s.said
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { s.ended <- cmd.Wait() }() // ends with the process
	for end := time.Now().Add(startTime); time.Now().Before(end); {
		if c, err := net.Dial("tcp", s.addr["mqtt"]); err == nil {
			return c.Close()
		}
		select {
		case err := <-s.ended:
			return fmt.Errorf("%s ended at its start: %w: %s", s.name, err, s.said)
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.stop()
	return fmt.Errorf("%s does not accept connections", s.name)
}

// await waits for a file that the broker makes.
func (s *server) await(name string) error {
	for end := time.Now().Add(startTime); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(name); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s has not made %s: %s", s.name, name, s.said)
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
