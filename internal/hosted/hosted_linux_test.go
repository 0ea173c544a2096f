package hosted

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func ignoreTerm() { signal.Ignore(syscall.SIGTERM) }

func TestServes(t *testing.T) {
	w := newWorld(t, Options{CA: []byte("-----BEGIN CERTIFICATE-----")})
	w.start(Server{ID: "abc1", Name: "home", MemoryMB: 512})
	if status, body, _ := w.get("home", "/hello"); status != 200 || body != "hello from home at edit-home.flows.localhost" {
		t.Errorf("answer %d %q", status, body)
	}
	if status, body, _ := w.get("", "//home.flows.localhost/hello"); status != 200 || body != "hello from home at home.flows.localhost" {
		t.Errorf("the origin of its pages: %d %q", status, body)
	}
	if _, body, _ := w.get("home", "/config"); !strings.Contains(body, `"home.flows.localhost"`) && !strings.Contains(body, "PageHosts") && !strings.Contains(body, "home.flows.localhost]") {
		t.Errorf("the child does not know the origin of its pages: %s", body)
	}
	if _, body, _ := w.get("home", "/config"); !strings.Contains(body, "BEGIN CERTIFICATE") || !strings.Contains(body, "/flow-servers/abc1/open") {
		t.Errorf("configuration %q", body)
	}
	if s := w.Status("abc1"); s.State != Running || s.MemoryLimitMB != 512 || !s.Sandbox["no_new_privs"] {
		t.Errorf("status %+v", s)
	}
	if _, err := os.Stat(w.path("abc1", ".")); err != nil {
		t.Error(err)
	}
	if _, body, _ := w.get("home", "/write?name=here"); body != "written" {
		t.Error(body)
	}
	if _, err := os.Stat(w.path("abc1", "here")); err != nil {
		t.Error("a relative name leads elsewhere:", err)
	}
}

func TestEnvironmentIsClean(t *testing.T) {
	t.Setenv("TSUNAGI_SMTP_PASSWORD", "topsecret")
	t.Setenv("AWS_SECRET", "topsecret")
	w := newWorld(t, Options{})
	w.start(Server{ID: "a", Name: "home"})
	if _, body, _ := w.get("home", "/env"); strings.Contains(body, "topsecret") || strings.Contains(body, childVariable) || !strings.Contains(body, "GOMEMLIMIT=179MiB") {
		t.Errorf("environment %s", body)
	}
}

func TestCookiesOfThePanelStayOut(t *testing.T) {
	w := newWorld(t, Options{})
	w.start(Server{ID: "a", Name: "home"})
	_, body, header := w.get("home", "/headers", "Cookie", "__Host-tsunagi=secret; mine=2; __HOST-Tsunagi-x=secret", "X-Forwarded-For", "203.0.113.9")
	if body != "mine=2|127.0.0.1|http" {
		t.Errorf("the flow server saw %q", body)
	}
	if set := header.Values("Set-Cookie"); len(set) != 1 || !strings.HasPrefix(set[0], "mine=") {
		t.Errorf("cookies set: %q", set)
	}
	if header.Get("Clear-Site-Data") != "" {
		t.Error("Clear-Site-Data passed")
	}
}

func TestWebSocket(t *testing.T) {
	w := newWorld(t, Options{})
	w.start(Server{ID: "a", Name: "home"})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+w.proxy+"/ws", &websocket.DialOptions{Host: w.Host("home")})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if err := conn.Write(ctx, websocket.MessageText, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, text, err := conn.Read(ctx); err != nil || string(text) != "echo hi" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestDialIsJudged(t *testing.T) {
	broker, other := greeter(t), greeter(t)
	w := newWorld(t, Options{Brokers: []string{broker, "broker.example.com:8883"}})
	w.start(Server{ID: "a", Name: "home"})
	if status, body, _ := w.get("home", "/dial?addr="+broker); status != 200 || body != "greetings" {
		t.Errorf("own broker: %d %q", status, body)
	}
	_, port, _ := net.SplitHostPort(other)
	for _, addr := range []string{other, "localhost:" + port, "[::1]:" + port, "[::ffff:127.0.0.1]:" + port, "169.254.169.254:80", "0.0.0.0:" + port} {
		status, body, _ := w.get("home", "/dial?addr="+addr)
		if status == 200 || !strings.Contains(body, "inside the platform's network") {
			t.Errorf("%s: %d %q", addr, status, body)
		}
	}
	if w.Status("a").Sandbox["empty_network"] {
		if status, body, _ := w.get("home", "/direct?addr="+other); status == 200 {
			t.Errorf("the child connected past its parent: %s", body)
		}
	} else {
		t.Log("this system gives children no network of their own")
	}
}

func TestExchange(t *testing.T) {
	end := make(chan struct{})
	w := newWorld(t, Options{
		Exchange: func(_ context.Context, server, code, agent string) (Person, error) {
			if server != "a" || code != "good" || agent != "tester" {
				return Person{}, errors.New("no")
			}
			return Person{"anna@example.com", "*", "s1"}, nil
		},
		SessionAlive: func(_ context.Context, s string) (bool, error) { return s == "s1", nil },
		SessionEnd:   func(string) (<-chan struct{}, func()) { return end, func() {} },
	})
	w.start(Server{ID: "a", Name: "home"})
	if status, body, _ := w.get("home", "/exchange?code=bad", "User-Agent", "tester"); status != 418 {
		t.Errorf("bad code: %d %q", status, body)
	}
	if _, body, _ := w.get("home", "/exchange?code=good", "User-Agent", "tester"); body != "{anna@example.com * s1}" {
		t.Errorf("good code: %q", body)
	}
	if _, body, _ := w.get("home", "/alive?session=s1"); body != "true" {
		t.Errorf("alive: %q", body)
	}
	if _, body, _ := w.get("home", "/alive?session=s2"); body != "false" {
		t.Errorf("unknown session alive: %q", body)
	}
	close(end)
	if _, body, _ := w.get("home", "/ended"); body != "s1" {
		t.Errorf("ended: %q", body)
	}
}

// TestUsersOnInstances: a person who is signed in to the editor gets a user for the flows; nobody else does.
func TestUsersOnInstances(t *testing.T) {
	w := newWorld(t, Options{
		Exchange:     func(context.Context, string, string, string) (Person, error) { return Person{"anna", "*", "s1"}, nil },
		SessionAlive: func(_ context.Context, s string) (bool, error) { return s == "s1" || s == "elsewhere", nil },
		Instances: func(_ context.Context, server string) ([]Instance, error) {
			return []Instance{{"i1", "of " + server}}, nil
		},
		Credential: func(_ context.Context, server, instance string, topics []string) (Credential, error) {
			return Credential{"broker.example.com", 8883, instance + ":flow-" + server, strings.Join(topics, "+")}, nil
		},
	})
	w.start(Server{ID: "a", Name: "home"})
	for _, path := range []string{"/instances?session=s1", "/instances?session=elsewhere", "/instances", "/credential?session=s1&topic=a", "/credential?session=gone&topic=a"} {
		if status, body, _ := w.get("home", path); status != 418 || !strings.Contains(body, "sign in") {
			t.Errorf("%s before anybody has signed in: %d %q", path, status, body)
		}
	}
	w.get("home", "/exchange?code=good")
	if _, body, _ := w.get("home", "/instances?session=s1"); body != "[{i1 of a}]" {
		t.Errorf("instances: %q", body)
	}
	if _, body, _ := w.get("home", "/credential?session=s1&topic=a&topic=b"); body != "{broker.example.com 8883 i1:flow-a a+b}" {
		t.Errorf("credential: %q", body)
	}
	for _, path := range []string{"/credential?session=s1", "/credential?session=s1" + strings.Repeat("&topic=a", 11), "/credential?session=elsewhere&topic=a"} {
		if status, body, _ := w.get("home", path); status != 418 {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
}

func TestRestartsWhatDies(t *testing.T) {
	w := newWorld(t, Options{})
	w.start(Server{ID: "a", Name: "home"})
	w.get("home", "/die")
	if s := w.await("home failed"); !strings.Contains(s, "exit status 3") {
		t.Errorf("cause %q", s)
	}
	w.await("home running")
	if status, _, _ := w.get("home", "/hello"); status != 200 || w.Status("a").Restarts != 1 {
		t.Errorf("after the restart: %d, %+v", status, w.Status("a"))
	}
}

func TestMemoryLimit(t *testing.T) {
	w := newWorld(t, Options{})
	w.start(Server{ID: "a", Name: "home", MemoryMB: 100})
	w.get("home", "/grow")
	if s := w.await("home failed"); !strings.Contains(s, "100 MB are allowed") {
		t.Errorf("cause %q", s)
	}
	w.await("home running")
}

// TestProcessorLimit has a flow server that takes all it can get: it pauses, answers still, and stops in order.
func TestProcessorLimit(t *testing.T) {
	w := newWorld(t, Options{WatchTime: 50 * time.Millisecond})
	w.start(Server{ID: "a", Name: "home", CPU: 5})
	c := w.find("a").running()
	c.group = nil // what the platform does where there are no control groups
	w.get("home", "/spin")
	state := func() string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.proc.Pid))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))[0]
	}
	for until := time.Now().Add(time.Minute); state() != "T"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("it never paused: %+v", w.Status("a"))
		}
	}
	if status, body, _ := w.get("home", "/hello"); status != 200 {
		t.Errorf("between two pauses: %d %s", status, body)
	}
	if s := w.Status("a"); s.CPULimit != 5 || s.State != Running {
		t.Errorf("%+v", s)
	}
	if err := w.Stop(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}

func TestCauseOfAStartThatFails(t *testing.T) {
	w := newWorld(t, Options{})
	if err := w.Start(Server{ID: "a", Name: "fails"}); err != nil {
		t.Fatal(err)
	}
	if s := w.await("fails failed"); !strings.Contains(s, "not a flow file") {
		t.Errorf("cause %q", s)
	}
}

func TestNotReadyInTime(t *testing.T) {
	w := newWorld(t, Options{Patience: 100 * time.Millisecond})
	if err := w.Start(Server{ID: "a", Name: "silent"}); err != nil {
		t.Fatal(err)
	}
	if s := w.await("silent failed"); !strings.Contains(s, "not ready within 100ms") {
		t.Errorf("cause %q", s)
	}
}

func TestStopInOrderThenByForce(t *testing.T) {
	w := newWorld(t, Options{StopTime: 100 * time.Millisecond})
	w.start(Server{ID: "a", Name: "home"})
	w.start(Server{ID: "b", Name: "stubborn"})
	for _, id := range []string{"a", "b"} {
		if err := w.Stop(t.Context(), id); err != nil {
			t.Error(err)
		}
		if s := w.Status(id); s.State != Stopped {
			t.Errorf("%s: %+v", id, s)
		}
	}
	status, body, _ := w.get("home", "/", "Accept", "text/html", "Accept-Language", "ja")
	if status != 503 || !strings.Contains(body, "停止しています") || !strings.Contains(body, `href="https://localhost:8443"`) {
		t.Errorf("page of a stopped one: %d %s", status, body)
	}
	w.start(Server{ID: "a", Name: "home", MemoryMB: 128})
	if w.Status("a").MemoryLimitMB != 128 {
		t.Error("the new limit does not hold")
	}
	if err := w.Restart(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	w.await("home running")
}

func TestRemove(t *testing.T) {
	w := newWorld(t, Options{})
	w.start(Server{ID: "a", Name: "home"})
	if err := w.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(w.path("a", "")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the directory is still there:", err)
	}
	if status, _, _ := w.get("home", "/", "Accept", "text/html"); status != 404 || w.Knows("edit-home.flows.localhost:8443") {
		t.Error("still known, status", status)
	}
	if err := w.Remove(t.Context(), "../a"); err == nil {
		t.Error("an id that leads elsewhere was taken")
	}
}

func TestNames(t *testing.T) {
	w := newWorld(t, Options{Port: 8443})
	for _, s := range []Server{{ID: "a", Name: "www"}, {ID: "a", Name: "Home"}, {ID: "a", Name: "edit-x"}, {ID: "../x", Name: "home"}, {ID: "", Name: "home"}} {
		if err := w.Start(s); !errors.Is(err, ErrName) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	w.start(Server{ID: "a", Name: "home"})
	if err := w.Start(Server{ID: "b", Name: "home"}); !errors.Is(err, ErrTaken) {
		t.Errorf("second one of a name: %v", err)
	}
	if err := w.Start(Server{ID: "a", Name: "home"}); err != nil {
		t.Errorf("one that runs: %v", err)
	}
	if w.PagesURL("home") != "https://home.flows.localhost:8443/" {
		t.Error(w.PagesURL("home"))
	}
	if w.EditorURL("home") != "https://edit-home.flows.localhost:8443/" {
		t.Error(w.EditorURL("home"))
	}
	for host, want := range map[string]bool{"edit-home.flows.localhost": true, "EDIT-HOME.flows.localhost.:8443": true,
		"home.flows.localhost": true, "away.flows.localhost": false, "edit-home.flows.example.com": false, "edit-.flows.localhost": false, "localhost": false} {
		if got := w.Knows(host); got != want {
			t.Errorf("Knows(%q) = %v", host, got)
		}
	}
}
