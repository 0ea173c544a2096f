package bridge

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/cert"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/outside"
)

// mosquitto is Debian's broker with state on disk, with TLS by an authority of its own where cert is given.
type mosquitto struct {
	t    *testing.T
	conf string
	addr string
	cmd  *exec.Cmd
}

func newMosquitto(t *testing.T, extra string) *mosquitto {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/mosquitto"); err != nil {
		t.Skip("mosquitto is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	dir := t.TempDir()
	m := &mosquitto{t: t, addr: l.Addr().String(), conf: filepath.Join(dir, "m.conf")}
	text := fmt.Sprintf("persistence true\npersistence_location %s/\nuser root\nmax_queued_messages 100000\nlistener %s 127.0.0.1\nallow_anonymous true\n%s\n", dir, port, extra)
	if err := os.WriteFile(m.conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start()
	t.Cleanup(m.stop)
	return m
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.cmd = exec.Command("/usr/sbin/mosquitto", "-c", m.conf)
	if err := m.cmd.Start(); err != nil {
		m.t.Skipf("mosquitto does not start: %v", err)
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("tcp", m.addr); err == nil {
			_ = c.Close()
			return
		}
	}
	m.t.Fatal("mosquitto does not listen")
}

// stop ends it so that it writes its state.
func (m *mosquitto) stop() {
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	_ = m.cmd.Wait()
}

// TestMosquitto carries messages both ways to and from mosquitto, over cut cables and its restarts.
func TestMosquitto(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V5, mqtt.V311} {
		t.Run(fmt.Sprint("version ", v), func(t *testing.T) {
			m := newMosquitto(t, "")
			home := newSite(t, "home", broker.Limits{})
			c := home.bridge("mqtt://"+m.addr, Topic{Out, "#", "up/", "home/up/", 2}, Topic{In, "#", "down/", "home/down/", 2}, Topic{Both, "#", "same/", "same/", 1})
			c.Version = v
			home.link(c)
			there := newDevice(t, "mqtt://"+m.addr, "there", mqtt.V5, "home/up/#")
			here := newDevice(t, "mqtt://"+home.addr, "here", mqtt.V5, "down/#")
			const rounds, each = 4, 50
			for round := range rounds {
				here.stream("up/", round*each, each, 2)
				there.stream("home/down/", round*each, each, 2)
				home.cut(false)
			}
			there.all("home/up/", rounds*each, 2)
			here.all("down/", rounds*each, 2)
			m.stop()
			here.stream("up/again/", 0, each, 2)
			there.stream("home/down/again/", 0, each, 2)
			m.start()
			there.all("home/up/again/", each, 2)
			here.all("down/again/", each, 2)

			echo, far := newDevice(t, "mqtt://"+home.addr, "echo", mqtt.V5, "same/#"), newDevice(t, "mqtt://"+m.addr, "far", mqtt.V5, "same/#")
			echo.publish("same/a", "1", 1, false)
			far.want("same/a", "1")
			far.publish("same/b", "2", 1, false)
			far.want("same/b", "2")
			echo.want("same/a", "1")
			echo.want("same/b", "2") // and not same/a again
		})
	}
}

// TestTLS wants the certificate of an authority that the bridge was given, and refuses any other in words.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	a, err := cert.OpenAuthority(dir, "localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	cloud := &site{t: t, name: "cloud", dir: t.TempDir(), addr: "127.0.0.1:0", tls: a.TLSConfig(nil, "mqtt")}
	cloud.start()
	t.Cleanup(cloud.stop)
	home := newSite(t, "home", broker.Limits{})
	_, port, _ := net.SplitHostPort(cloud.addr)
	c := home.bridge("mqtts://localhost:"+port, Topic{Out, "#", "", "", 1})
	home.bridges.Set("instance", []Config{c}, nil)
	if st := home.until(c.ID, func(s State) bool { return s.LastError != "" }); !strings.Contains(st.LastError, "certificate") {
		t.Errorf("an authority that nobody knows: %q", st.LastError)
	}
	c.Roots = string(a.PEM())
	home.link(c)
	here := newDevice(t, "mqtt://"+home.addr, "here", mqtt.V5)
	here.publish("a", "1", 1, false)
	home.until(c.ID, func(s State) bool { return s.Sent == 1 })
	c.Address = "mqtt://localhost:" + port // plain to a port of TLS
	home.bridges.Set("instance", []Config{c}, nil)
	home.until(c.ID, func(s State) bool { return s.LastError != "" && s.State == Waiting })
}

// TestInside refuses what lies inside the platform's network, and connections without TLS to what isn't allowed by name.
func TestInside(t *testing.T) {
	home := newSite(t, "home", broker.Limits{})
	home.bridges.o.Dial, home.bridges.o.DialPlain = (&outside.Dialer{}).DialContext, (&outside.Dialer{Only: true}).DialContext
	for address, words := range map[string]string{
		"mqtts://127.0.0.1":          "inside the platform's network",
		"mqtts://localhost":          "inside the platform's network",
		"mqtts://169.254.169.254:80": "inside the platform's network",
		"mqtts://[::ffff:10.0.0.1]":  "inside the platform's network",
		"wss://[fd00:ec2::254]/mqtt": "inside the platform's network",
		"mqtt://8.8.8.8":             "settings allow",
		"mqtt://127.0.0.1":           "inside the platform's network",
	} {
		c := home.bridge(address, Topic{Out, "#", "", "", 1})
		c.ID = "to " + address
		home.bridges.Set("instance", []Config{c}, func(string) bool { return false })
		if st := home.until(c.ID, func(s State) bool { return s.LastError != "" }); !strings.Contains(st.LastError, words) {
			t.Errorf("%s: %q", address, st.LastError)
		}
	}
}
