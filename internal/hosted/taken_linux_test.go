package hosted

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// takenWorld is a Manager whose flow servers are taken over. They are linked without C, as the program is that we ship.
func takenWorld(t *testing.T, o Options) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "taken-") // not t.TempDir, so that a user without rights can run it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	exe := filepath.Join(dir, "taken")
	build := exec.Command("go", "build", "-o", exe, "./testdata/taken")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	o.Exe, o.Args = exe, []string{}
	return newWorld(t, o)
}

// TestTakenOver: what an attacker who owns the process of a flow server can't do, on this system. Each try must fail
// because of a wall that the page says is up, so a system that lacks one is skipped by name and not in silence.
func TestTakenOver(t *testing.T) {
	broker, inside := greeter(t), greeter(t)
	w := takenWorld(t, Options{Brokers: []string{broker}})
	w.start(Server{ID: "a", Name: "evil"})
	w.start(Server{ID: "b", Name: "other"})
	up := w.Status("a").Sandbox
	t.Log("walls:", up)
	if _, body, _ := w.get("evil", "/works"); body != "works" {
		t.Errorf("what flows need fails: %s", body)
	}
	t.Run("calls", func(t *testing.T) {
		need(t, up, wallSeccomp)
		_, body, _ := w.get("evil", "/calls")
		var tries map[string]string
		if err := json.Unmarshal([]byte(body), &tries); err != nil || len(tries) < 40 {
			t.Fatal(body, err)
		}
		for what, how := range tries {
			if how == "done" {
				t.Errorf("%s: a hole", what)
			}
		}
	})
	t.Run("files", func(t *testing.T) {
		if !up[wallRoot] {
			need(t, up, wallLandlock)
		}
		secret := filepath.Join(w.o.Dir, "secret.db")
		if err := os.WriteFile(secret, []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
		neighbour := w.path("b", "flows.json")
		if err := os.WriteFile(neighbour, []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{secret, neighbour, "/etc/passwd", "/etc/shadow", "/proc/1/environ", "../b/flows.json", "../../secret.db", "/sys/kernel/notes"} {
			if _, body, _ := w.get("evil", "/read?path="+path); strings.HasPrefix(body, "[done") {
				t.Errorf("%s was read: %s", path, body)
			}
		}
		for _, path := range []string{secret, neighbour} {
			if text, err := os.ReadFile(path); err != nil || string(text) != "x" {
				t.Errorf("%s was changed: %q, %v", path, text, err)
			}
		}
	})
	t.Run("network", func(t *testing.T) {
		need(t, up, wallSeccomp)
		for _, addr := range []string{inside, "169.254.169.254:80", "[::1]:22", "192.168.0.1:80"} {
			if _, body, _ := w.get("evil", "/dial?unix=/run/dbus/system_bus_socket&addr="+addr); strings.Contains(body, "done") {
				t.Errorf("%s: %s", addr, body)
			}
		}
		_, body, _ := w.get("evil", "/turn?allowed="+broker+"&inside="+inside)
		if strings.Contains(body, "done") || strings.Contains(body, "no connection") || strings.Count(body, "(") != 8 {
			t.Errorf("a passed connection was turned elsewhere: %s", body)
		}
	})
	t.Run("processes", func(t *testing.T) {
		need(t, up, wallSeccomp)
		w.mu.Lock()
		other := w.byID["b"].child.proc.Pid
		w.mu.Unlock()
		for _, pid := range []int{os.Getpid(), other} {
			if _, body, _ := w.get("evil", "/signal?pid="+strconv.Itoa(pid)); strings.Contains(body, "done") {
				t.Errorf("%d: %s", pid, body)
			}
		}
		if status, body, _ := w.get("other", "/works"); status != 200 || body != "works" {
			t.Errorf("the neighbour: %d %s", status, body)
		}
	})
}

// need skips a test where the system has no such wall.
func need(t *testing.T, up map[string]bool, wall string) {
	t.Helper()
	if !up[wall] {
		t.Skip("this system has no " + wall)
	}
}

// TestOwnUsers: with root, each server's files belong to a user that no other server has.
func TestOwnUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives users away")
	}
	w := newWorld(t, Options{})
	if err := os.MkdirAll(w.path("b", "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.path("b", "sub/flows.json"), []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.start(Server{ID: "a", Name: "one"})
	w.start(Server{ID: "b", Name: "two"})
	if !w.Status("a").Sandbox[wallUser] {
		t.Skip("this system has no users to give")
	}
	one, err := ownerOf(w.path("a", ""))
	if err != nil || one < firstUser {
		t.Fatal(one, err)
	}
	two, err := ownerOf(w.path("b", "sub/flows.json"))
	if err != nil || two < firstUser || two == one {
		t.Errorf("the neighbour's old file belongs to %d, the first server is %d, %v", two, one, err)
	}
	if err := w.Restart(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	w.await("one running")
	if again, err := ownerOf(w.path("a", "")); again != one || err != nil {
		t.Errorf("after a restart it is %d, was %d, %v", again, one, err)
	}
}
