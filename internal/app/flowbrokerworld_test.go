package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/home"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// hub is a `tsunagi flow --broker`.
type hub struct {
	*pi
	t     *testing.T
	state home.Broker
}

// startHub starts it; command is "tsunagi flow" with what it is paired by.
func startHub(t *testing.T, dir, command string, more ...string) *hub {
	t.Helper()
	args := append([]string{"--broker", "--broker-listen", "127.0.0.1:0", "--broker-plain", "127.0.0.1:0", "--broker-reserve-mb", "1"}, more...)
	h := &hub{pi: startPi(t, dir, command, args...), t: t}
	h.status()
	return h
}

// run is `tsunagi flow broker …`.
func (h *hub) run(args ...string) string { return lanCommand(h.t, h.dir, args...) }

func lanCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	var out, errOut strings.Builder
	all := append(append([]string{"flow", "broker"}, args...), "--data", dir)
	if code := Run(context.Background(), all, Streams{In: strings.NewReader(""), Out: &out, Err: &errOut}); code != ExitOK {
		t.Fatalf("%q: %d %s", args, code, errOut.String())
	}
	return out.String()
}

func (h *hub) status() home.Broker {
	h.t.Helper()
	h.state = home.Broker{}
	if err := json.Unmarshal([]byte(h.run("status", "--json")), &h.state); err != nil {
		h.t.Fatal(err)
	}
	return h.state
}

// until waits for a state of the local broker.
func (h *hub) until(what string, good func(home.Broker) bool) home.Broker {
	h.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if s := h.status(); good(s) {
			return s
		}
	}
	h.t.Fatalf("waited in vain for the local broker to be %s: %+v\n%s", what, h.state, h.log)
	return h.state
}

// user makes a user of the local broker and returns its password.
func (h *hub) user(name string, args ...string) string {
	h.t.Helper()
	for line := range strings.Lines(h.run(append([]string{"user", "add", name}, args...)...)) {
		if word, password, _ := strings.Cut(line, " "); word == "password" {
			return strings.TrimSpace(password)
		}
	}
	h.t.Fatal("no password was printed")
	return ""
}

// mqttPeer is a client of a broker.
type mqttPeer struct {
	t   *testing.T
	c   *mqttclient.Client
	got chan *mqttclient.Message
}

func newPeer(t *testing.T, o mqttclient.Options, filters ...string) *mqttPeer {
	t.Helper()
	p := &mqttPeer{t: t, got: make(chan *mqttclient.Message, 100_000)}
	o.Version, o.SessionExpiry, o.OutboxMessages, o.OutboxBytes = mqtt.V5, mqtt.SessionForever, 100_000, 64<<20
	o.RetryMin, o.RetryMax, o.OnMessage = 5*time.Millisecond, 50*time.Millisecond, func(m *mqttclient.Message) { p.got <- m }
	var err error
	if p.c, err = mqttclient.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.c.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	for _, f := range filters {
		if _, err := p.c.Subscribe(p.soon(), mqttclient.Subscription{Filter: f, QoS: 2, RetainAsPublished: true}); err != nil {
			t.Fatalf("subscribe %q: %v", f, err)
		}
	}
	return p
}

func (p *mqttPeer) soon() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	p.t.Cleanup(cancel)
	return ctx
}

func (p *mqttPeer) publish(topic, payload string, qos byte) error {
	return p.c.Publish(p.soon(), &mqttclient.Message{Topic: topic, Payload: []byte(payload), QoS: qos})
}

func (p *mqttPeer) next() *mqttclient.Message {
	p.t.Helper()
	select {
	case m := <-p.got:
		return m
	case <-time.After(60 * time.Second):
		p.t.Fatal("no message came")
		return nil
	}
}

// want is the next message.
func (p *mqttPeer) want(topic, payload string) {
	p.t.Helper()
	if m := p.next(); m.Topic != topic || string(m.Payload) != payload {
		p.t.Fatalf("got %q on %q, want %q on %q", m.Payload, m.Topic, payload, topic)
	}
}

// lanOptions are a client of the local broker, over TLS under the device's own authority.
func (h *hub) lanOptions(id, user, password string) mqttclient.Options {
	h.t.Helper()
	pem, err := os.ReadFile(filepath.Join(h.dir, "ca", "ca.pem"))
	if err != nil {
		h.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return mqttclient.Options{Addr: "mqtts://" + h.state.Address, TLS: &tls.Config{RootCAs: pool}, ClientID: id, User: user, Password: []byte(password)}
}

// pairing makes an instance and the command that pairs a device "pi" with it.
func (p *person) pairing() (instance, password, command string) {
	p.t.Helper()
	instance, password = p.w.instance()
	return instance, password, p.command(instance)
}

func (p *person) command(instance string) string {
	p.t.Helper()
	var code struct{ Command string }
	if p.api("POST", "/devices/codes", map[string]any{"name": "pi", "instance": instance}, &code); code.Command == "" {
		p.t.Fatal("no code")
	}
	return code.Command
}

// inCloud is a client of the paired instance, as its first user.
func (w *world) inCloud(id, instance, password string, filters ...string) *mqttPeer {
	return newPeer(w.t, mqttclient.Options{Addr: "mqtts://" + w.mqtts, TLS: w.tls("localhost"), ClientID: id, User: instance, Password: []byte(password)}, filters...)
}

const lanTopics = "sensors/# out, commands/# in"
