package hosted

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDelegated divides what looks like a control group: a folder with its files. No group can be made in the place
// where tests run, in general.
func TestDelegated(t *testing.T) {
	root := t.TempDir()
	self := filepath.Join(root, "self")
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	for _, bad := range []string{"", "4:memory:/x\n", "0::/../x\n", "0::/nowhere\n"} {
		put("self", bad)
		if _, err := delegated(root, self); !errors.Is(err, errNoCgroup) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	put("self", "1:name=systemd:/\n0::/\n")
	put("cgroup.controllers", "cpuset cpu io\n")
	if _, err := delegated(root, self); !errors.Is(err, errNoCgroup) || !strings.Contains(err.Error(), "memory") {
		t.Errorf("without memory: %v", err)
	}
	put("cgroup.controllers", "cpuset cpu io memory pids\n")
	put("cgroup.procs", "17\n")
	if err := os.Mkdir(filepath.Join(root, "unit"), 0o700); err != nil {
		t.Fatal(err)
	}
	put("unit/cgroup.controllers", "cpu memory pids\n")
	put("self", "0::/unit\n")
	if _, err := delegated(root, self); !errors.Is(err, errNoCgroup) {
		t.Errorf("a group that is not ours: %v", err)
	}
	put("self", "0::/\n")
	d, err := delegated(root, self)
	if err != nil {
		t.Fatal(err)
	}
	if got := read("serve/cgroup.procs"); got != "17" {
		t.Errorf("moved %q", got)
	}
	if got := read("cgroup.subtree_control"); got != "+cpu +memory +pids" {
		t.Errorf("controllers %q", got)
	}
	g, err := d.group(Server{ID: "a1", MemoryMB: 256, CPU: 50})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.add(4242); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"memory.high": "268435456", "memory.max": "335544320", "cpu.max": "50000 100000", "pids.max": "512", "cgroup.procs": "4242"} {
		if got := read("flow-a1/" + name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
}
