package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// broker stands between load and runtimes.
type broker struct {
	*running
	name, addr string
}

// startBroker starts mosquitto, so that no runtime has a broker of its own house; where it isn't installed, ours.
func startBroker(ctx context.Context, tsunagi string) (*broker, error) {
	dir, err := os.MkdirTemp("", "flowbench-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	addr := "127.0.0.1:" + port
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		conf := filepath.Join(dir, "mosquitto.conf")
		text := "listener " + port + " 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type error\nset_tcp_nodelay true\n"
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			return nil, err
		}
		b := &broker{&running{cmd: exec.Command(path, "-c", conf), dir: dir, ended: make(chan struct{})}, "mosquitto", addr}
		return b, b.await(ctx)
	}
	path, err := exec.LookPath(tsunagi)
	if err != nil {
		return nil, err
	}
	b := &broker{&running{cmd: exec.Command(path, "serve", "--dev", "--data", dir, "--mqtt", addr, "--http", "off"), dir: dir, ended: make(chan struct{})}, "tsunagi", addr}
	return b, b.await(ctx)
}

// await starts the broker and waits until it accepts.
func (b *broker) await(ctx context.Context) error {
	w := &watcher{p: b.running}
	b.cmd.Stdout, b.cmd.Stderr = w, w
	if err := b.cmd.Start(); err != nil {
		return err
	}
	go func() { // ends with the process
		_ = b.cmd.Wait()
		close(b.ended)
	}()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if c, err := net.Dial("tcp", b.addr); err == nil {
			return c.Close()
		}
		select {
		case <-b.ended:
			return fmt.Errorf("%s ended at its start%s", b.name, b.complaint())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	b.stop()
	return fmt.Errorf("%s does not accept connections", b.name)
}
