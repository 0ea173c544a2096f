package mqttclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// mosquitto starts Debian's broker with a TCP and a WebSocket listener, or skips the test.
func mosquitto(t *testing.T) (tcp, ws string) {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
		if _, err := os.Stat(path); err != nil {
			t.Skip("mosquitto is not installed")
		}
	}
	tcp, ws = freeAddr(t), freeAddr(t)
	_, tcpPort, _ := net.SplitHostPort(tcp)
	_, wsPort, _ := net.SplitHostPort(ws)
	conf := filepath.Join(t.TempDir(), "mosquitto.conf")
	text := fmt.Sprintf("listener %s 127.0.0.1\nlistener %s 127.0.0.1\nprotocol websockets\nallow_anonymous true\npersistence false\n",
		tcpPort, wsPort)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-c", conf)
	if err := cmd.Start(); err != nil {
		t.Skipf("mosquitto does not start: %v", err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return tcp, ws
}

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func TestAgainstMosquitto(t *testing.T) {
	tcp, ws := mosquitto(t)
	for _, addr := range []string{"mqtt://" + tcp, "ws://" + ws} {
		for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
			t.Run(fmt.Sprintf("%.2s version %d", addr, v), func(t *testing.T) { roundTrip(t, addr, v) })
		}
	}
}

// roundTrip sends 100 messages of each QoS to itself.
func roundTrip(t *testing.T, addr string, v mqtt.Version) {
	got := make(chan *Message, 300)
	c, err := New(Options{Addr: addr, Version: v, ClientID: fmt.Sprint("c", v), Clean: true, RetryMin: 20 * time.Millisecond,
		OnMessage: func(m *Message) { got <- m }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ran := later(func() error { return c.Run(ctx) })
	if _, err := c.Subscribe(ctx, Subscription{Filter: "round/#", QoS: 2}); err != nil {
		t.Fatal(err)
	}
	for qos := range byte(3) {
		for i := range 100 {
			m := &Message{Topic: "round/trip", QoS: qos, Payload: fmt.Append(nil, i), ContentType: "text/plain",
				UserProps: []mqtt.Pair{{Key: "k", Value: "v"}}}
			if err := c.PublishAsync(m, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			m := await(t, got)
			if m.QoS != qos || string(m.Payload) != fmt.Sprint(i) || v == mqtt.V5 && len(m.UserProps) != 1 {
				t.Fatalf("QoS %d, message %d: %+v", qos, i, m)
			}
		}
	}
	if _, err := c.Unsubscribe(ctx, "round/#"); err != nil {
		t.Error(err)
	}
	if err := c.Disconnect(ctx, mqtt.Disconnect{}); err != nil {
		t.Error(err)
	}
	if err := await(t, ran); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
