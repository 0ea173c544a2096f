package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// runtime is a program that runs flows.
type runtime struct {
	name    string
	started string // what it prints when its flows run
	command func(dir, port string) *exec.Cmd
}

func ourRuntime(path string) (*runtime, error) {
	path, err := exec.LookPath(path)
	if err != nil {
		return nil, fmt.Errorf("%w: build it first (make build)", err)
	}
	return &runtime{"tsunagi", "ready", func(dir, port string) *exec.Cmd {
		return exec.Command(path, "flow", "--no-login", "--data", dir, "--listen", "127.0.0.1:"+port)
	}}, nil
}

// nodeRED looks for what scripts/node-red installs. Another node than npm's is taken from the PATH.
func nodeRED(dir string) (*runtime, error) {
	if dir == "" {
		return nil, errors.New("set NODE_RED to the directory that scripts/node-red prints")
	}
	red := filepath.Join(dir, "node_modules", "node-red", "red.js")
	if _, err := os.Stat(red); err != nil {
		return nil, fmt.Errorf("NODE_RED: %w", err)
	}
	node := "node"
	for _, pattern := range []string{"node_modules/node/bin/node", "node_modules/node-linux-*/bin/node"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 { // the pattern is right
			node = found[0]
			break
		}
	}
	if _, err := exec.LookPath(node); err != nil {
		return nil, err
	}
	return &runtime{"node-red", "Started flows", func(dir, port string) *exec.Cmd {
		return exec.Command(node, red, "--userDir", dir, "--port", port, "flows.json")
	}}, nil
}

// running is a process with a directory of its own.
type running struct {
	cmd     *exec.Cmd
	dir     string
	http    string
	started time.Duration // from the start of the process to the line that says that flows run
	ended   chan struct{}

	mu   sync.Mutex
	said bytes.Buffer
}

func (p *running) pid() int { return p.cmd.Process.Pid }

// start runs a flow file in a new directory and waits until it is started.
func (r *runtime) start(ctx context.Context, flow, broker string) (*running, error) {
	dir, err := os.MkdirTemp("", "flowbench-")
	if err != nil {
		return nil, err
	}
	_, brokerPort, err := net.SplitHostPort(broker)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	files := map[string]string{"flows.json": strings.ReplaceAll(flow, "BROKERPORT", brokerPort),
		"settings.js": `module.exports = { uiHost: "127.0.0.1", flowFile: "flows.json", telemetry: { enabled: false, updateNotification: false } }`}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	p := &running{cmd: r.command(dir, port), dir: dir, http: "http://127.0.0.1:" + port, ended: make(chan struct{})}
	return p, p.launch(ctx, r.started)
}

// launch starts the process and waits for a text in what it says.
func (p *running) launch(ctx context.Context, text string) error {
	found := make(chan struct{})
	w := &watcher{p: p, text: text, found: found}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() { // ends with the process
		_ = p.cmd.Wait() // it is killed in the end
		close(p.ended)
	}()
	select {
	case <-found:
		p.started = time.Since(begin)
		return nil
	case <-p.ended:
		return fmt.Errorf("ended at its start%s", p.complaint())
	case <-ctx.Done():
		p.stop()
		return fmt.Errorf("does not start%s", p.complaint())
	}
}

// watcher keeps what a process says and closes found when the text comes.
type watcher struct {
	p     *running
	text  string
	found chan struct{}
}

const maxSaid = 64 << 10 // bytes kept

func (w *watcher) Write(b []byte) (int, error) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	if w.p.said.Len() < maxSaid {
		w.p.said.Write(b)
	}
	if w.found != nil && strings.Contains(w.p.said.String(), w.text) {
		close(w.found)
		w.found = nil
	}
	return len(b), nil
}

// complaint is the end of what a process has said.
func (p *running) complaint() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := strings.TrimSpace(p.said.String())
	if len(text) > 600 {
		text = text[len(text)-600:]
	}
	return "\n    " + strings.ReplaceAll(text, "\n", "\n    ")
}

func (p *running) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	_ = os.RemoveAll(p.dir) // in the system's own place for such things
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
