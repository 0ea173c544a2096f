package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/config"
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

// TestLANBroker cuts the line to the platform while three publishers go on, ends and starts the device and the platform in
// between, and finds each message at the platform: in order, and at QoS 2 once. Messages of the platform's side come to
// the local network; what is not named crosses in neither direction, and nothing comes back.
func TestLANBroker(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	instance, secret, command := p.pairing()
	dir := t.TempDir()
	h := startHub(t, dir, command, "--broker-topics", lanTopics)
	key := h.user("house", "--topic", "#")
	h.until("connected", func(s home.Broker) bool { return s.State == "connected" })
	there := w.inCloud("there", instance, secret, "#")

	here := newPeer(t, h.lanOptions("here", "house", key), "commands/#", "private/#", "sensors/#")
	if err := errors.Join(here.publish("private/diary", "secret", 1), there.publish("pi/private/x", "not for the house", 1),
		there.publish("pi/commands/light", "on", 2), here.publish("sensors/hello", "up", 2)); err != nil {
		t.Fatal(err)
	}
	here.want("private/diary", "secret")
	seen := map[string]bool{}
	for range 2 {
		m := here.next()
		seen[m.Topic+"="+string(m.Payload)] = true
	}
	if !seen["commands/light=on"] || !seen["sensors/hello=up"] {
		t.Errorf("in the house: %v", seen)
	}
	seen = map[string]bool{}
	for range 3 { // its own two, and one from the house
		m := there.next()
		seen[m.Topic+"="+string(m.Payload)] = true
	}
	if !seen["pi/sensors/hello=up"] {
		t.Errorf("at the platform: %v", seen)
	}

	const each, qos0 = 400, 50
	lan := h.state.Address
	publishers := make([]*mqttPeer, 3)
	for i := range publishers {
		publishers[i] = newPeer(t, h.lanOptions(fmt.Sprint("p", i), "house", key))
	}
	stream := func(from int) {
		t.Helper()
		for i := from; i < from+each; i++ {
			for n, p := range publishers {
				m := &mqttclient.Message{Topic: fmt.Sprintf("sensors/p%d", n), Payload: []byte(strconv.Itoa(i)), QoS: 2}
				if err := p.c.PublishAsync(m, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, p := range publishers {
			if err := p.c.Drain(p.soon()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if code := w.stop(); code != ExitOK {
		t.Fatalf("platform stopped with %d", code)
	}
	stream(0)
	for i := range qos0 { // a small device that knows no other QoS
		if err := here.publish("sensors/small", strconv.Itoa(i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := here.publish("sensors/small", "end", 1); err != nil {
		t.Fatal(err)
	}
	// One more waits when the first was not acknowledged to the end.
	if s := h.until("waiting", func(s home.Broker) bool { return s.State == "waiting" && s.Waiting > 3*each+qos0 }); s.Error == "" || s.Bytes == 0 {
		t.Errorf("without a platform: %+v", s)
	}
	if code := h.stop(); code != ExitOK {
		t.Fatalf("device stopped with %d\n%s", code, h.log)
	}
	h = startHub(t, dir, "tsunagi flow", "--broker-topics", lanTopics, "--broker-listen", lan)
	stream(each)
	w = serveWorld(t, "--data", w.data, "--https", w.https, "--mqtts", w.mqtts)
	next, small := [3]int{}, 0
	for next != [3]int{2 * each, 2 * each, 2 * each} || small <= qos0 {
		m := there.next()
		var n int
		if _, err := fmt.Sscanf(m.Topic, "pi/sensors/p%d", &n); err == nil {
			if want := strconv.Itoa(next[n]); string(m.Payload) != want {
				t.Fatalf("publisher %d: message %s where %s is next", n, m.Payload, want)
			}
			next[n]++
			continue
		}
		if want := strconv.Itoa(small); m.Topic != "pi/sensors/small" || string(m.Payload) != want && (small < qos0 || string(m.Payload) != "end") {
			t.Fatalf("%q on %q where %d is next", m.Payload, m.Topic, small)
		}
		small++
	}
	h.until("empty", func(s home.Broker) bool { return s.State == "connected" && s.Waiting == 0 })
	if err := there.publish("pi/end", "", 1); err != nil {
		t.Fatal(err)
	}
	there.want("pi/end", "") // nothing came back, and nothing twice

	p.at(w)
	var figures struct{ Broker *home.Broker }
	if p.api("GET", "/devices/"+p.online().ID+"/figures", nil, &figures); figures.Broker == nil || figures.Broker.State != "connected" || figures.Broker.Users != 1 {
		t.Errorf("figures: %+v", figures.Broker)
	}
}

// TestLANBrokerPairing ends the pairing while messages wait, pairs again, changes the keys, and switches the broker on
// after a pairing: what waits goes out each time.
func TestLANBrokerPairing(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	instance, secret, command := p.pairing()
	dir := t.TempDir()
	first := startPi(t, dir, command) // without a broker: its flows alone have the login
	p.online()
	first.stop()
	h := startHub(t, dir, "tsunagi flow", "--broker-topics", lanTopics)
	key := h.user("house", "--topic", "#")
	h.until("connected with a login of its own", func(s home.Broker) bool { return s.State == "connected" })
	there := w.inCloud("there", instance, secret, "pi/#")
	here := newPeer(t, h.lanOptions("here", "house", key))
	send := func(text string) { // at QoS 2: at QoS 1 a connection that ends in between has messages come twice
		t.Helper()
		if err := here.publish("sensors/a", text, 2); err != nil {
			t.Fatal(err)
		}
	}
	send("1")
	there.want("pi/sensors/a", "1")

	if status := p.api("POST", "/devices/"+p.online().ID+"/rotate", nil, nil); status != 204 {
		t.Fatalf("rotate: %d", status)
	}
	for i := range 20 {
		send("k" + strconv.Itoa(i))
	}
	for i := range 20 {
		there.want("pi/sensors/a", "k"+strconv.Itoa(i))
	}

	if status := p.api("DELETE", "/devices/"+p.online().ID, nil, nil); status != 204 {
		t.Fatalf("unpair: %d", status)
	}
	h.until("unpaired", func(s home.Broker) bool { return s.State == "unpaired" })
	if !strings.Contains(h.log.String(), "the platform has unpaired this device") {
		t.Errorf("the log does not say so:\n%s", h.log)
	}
	send("2")
	lan := h.state.Address
	h.until("keeping it", func(s home.Broker) bool { return s.Waiting == 1 })
	h.stop()
	startHub(t, dir, p.command(instance), "--broker-topics", lanTopics, "--broker-listen", lan)
	there.want("pi/sensors/a", "2")
	send("3")
	there.want("pi/sensors/a", "3")
}

// TestLANBrokerDoor keeps out who has no login, and has no door without TLS unless it is named.
func TestLANBrokerDoor(t *testing.T) {
	dir := t.TempDir()
	d := startPi(t, dir, "tsunagi flow", "--broker", "--broker-listen", "127.0.0.1:0", "--broker-reserve-mb", "1")
	h := &hub{pi: d, t: t}
	if s := h.status(); s.Plain != "" || s.State != "off" {
		t.Errorf("by default: %+v", s)
	}
	d.stop()
	lanCommand(t, dir, "user", "add", "sensor", "--publish", "sensors/#", "--subscribe", "commands/#") // while nothing runs
	h = startHub(t, dir, "tsunagi flow")
	key := h.user("house", "--topic", "#")
	for _, login := range []struct{ user, password, id string }{
		{"", "", "a"}, {"house", "", "b"}, {"house", "wrong", "c"}, {"stranger", key, "d"}, {lanInstance, key, "e"}, {"house", key, "bridge-platform"},
	} {
		for _, addr := range []string{"mqtt://" + h.state.Plain, "mqtts://" + h.state.Address} {
			o := h.lanOptions(login.id, login.user, login.password)
			o.Addr, o.Version, o.Clean = addr, mqtt.V5, true
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			c, err := mqttclient.Open(ctx, o)
			cancel()
			if err == nil {
				c.Close()
				t.Errorf("%+v got in at %s", login, addr)
			}
		}
	}
	if strings.Contains(h.log.String(), key) {
		t.Error("a password stands in the log")
	}
	if list := h.run("user", "list"); !strings.Contains(list, "sensors/# (publish)") || !strings.Contains(list, "commands/# (subscribe)") {
		t.Errorf("users: %s", list)
	}
	house := newPeer(t, h.lanOptions("house", "house", key), "#")
	if err := house.publish("a", "1", 1); err != nil {
		t.Fatal(err)
	}
	house.want("a", "1")
	h.run("user", "remove", "house")
	o := h.lanOptions("late", "house", key)
	o.Version, o.Clean = mqtt.V5, true
	if c, err := mqttclient.Open(house.soon(), o); err == nil {
		c.Close()
		t.Error("a deleted user got in")
	}
}

// TestLANBrokerOutboxFull refuses what goes out when the outbox is full, keeps what was acknowledged, and goes on with
// other topics.
func TestLANBrokerOutboxFull(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	instance, secret, command := p.pairing()
	h := startHub(t, t.TempDir(), command, "--broker-topics", "sensors/# out", "--broker-outbox-messages", "5")
	key := h.user("house", "--topic", "#")
	there := w.inCloud("there", instance, secret, "pi/#")
	h.until("connected", func(s home.Broker) bool { return s.State == "connected" })
	w.stop()
	h.until("waiting", func(s home.Broker) bool { return s.State == "waiting" })
	here := newPeer(t, h.lanOptions("here", "house", key))
	kept := 0
	for ; kept < 20; kept++ {
		if err := here.publish("sensors/a", strconv.Itoa(kept), 1); err != nil {
			break
		}
	}
	if s := h.status(); kept < 5 || kept == 20 || !s.Full || s.Waiting != kept {
		t.Errorf("%d were taken: %+v", kept, s)
	}
	if err := here.publish("lamps/a", "goes on", 1); err != nil {
		t.Errorf("a topic that isn't bridged: %v", err)
	}
	_ = serveWorld(t, "--data", w.data, "--https", w.https, "--mqtts", w.mqtts)
	for i := range kept {
		there.want("pi/sensors/a", strconv.Itoa(i))
	}
}

// TestLANBrokerBothWays carries a topic in both directions: each message comes once to each side, and goes back to none.
func TestLANBrokerBothWays(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	instance, secret, command := p.pairing()
	h := startHub(t, t.TempDir(), command, "--broker-topics", "shared/# both 1")
	key := h.user("house", "--topic", "#")
	h.until("connected", func(s home.Broker) bool { return s.State == "connected" })
	there, here := w.inCloud("there", instance, secret, "#"), newPeer(t, h.lanOptions("here", "house", key), "#")
	for i := range 20 {
		if err := errors.Join(here.publish("shared/a", "here "+strconv.Itoa(i), 1), there.publish("pi/shared/b", "there "+strconv.Itoa(i), 1)); err != nil {
			t.Fatal(err)
		}
	}
	for side, at := range map[*mqttPeer]string{here: "shared/", there: "pi/shared/"} {
		next := map[string]int{}
		for range 40 {
			m := side.next()
			words := map[string]string{at + "a": "here ", at + "b": "there "}
			if want := words[m.Topic] + strconv.Itoa(next[m.Topic]); string(m.Payload) != want {
				t.Fatalf("below %s: %q on %q, want %q", at, m.Payload, m.Topic, want)
			}
			next[m.Topic]++
		}
	}
	if err := errors.Join(here.publish("end", "", 1), there.publish("end", "", 1)); err != nil {
		t.Fatal(err)
	}
	here.want("end", "")
	there.want("end", "")
}

// TestLANBrokerNodes fills a broker node in with a user of its own, and announces the ports that the network reaches.
func TestLANBrokerNodes(t *testing.T) {
	var cfg config.Flow
	if _, err := config.Load(&cfg, []string{"--data", t.TempDir(), "--broker", "--broker-listen", "0.0.0.0:0", "--broker-plain", "127.0.0.1:0", "--broker-reserve-mb", "1"}, nil); err != nil {
		t.Fatal(err)
	}
	b, err := openLANBroker(t.Context(), &cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.discard(); err != nil {
			t.Error(err)
		}
	}()
	list, err := lanNodes{b}.Instances(t.Context(), "")
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	for i, want := range []string{"flows", "flows-2"} {
		c, err := lanNodes{b}.Credential(t.Context(), "", list[0].ID, []string{"a/#", "b"})
		if err != nil || c.User != want || c.Host != "localhost" || c.Port == 0 {
			t.Fatalf("user %d: %+v, %v", i, c, err)
		}
		login, err := b.accounts.Directory().Authenticate(t.Context(), account.Credentials{Instance: lanInstance, User: c.User, Password: c.Password, Remote: "127.0.0.1:1"})
		if err != nil {
			t.Fatal(err)
		}
		if r := (rights{login.Rights}); !r.MayPublish("a/x", "c", 1, false).Allowed || r.MaySubscribe("c", "c").Allowed {
			t.Error("its rights are not the topics that were asked for")
		}
	}
	if _, err := (lanNodes{b}).Credential(t.Context(), "", list[0].ID, []string{"a/#/b"}); err == nil {
		t.Error("a filter that is none")
	}
	if _, err := (lanNodes{b}).Credential(t.Context(), "", "other", []string{"a"}); err == nil {
		t.Error("another instance")
	}
	if s := b.services(); len(s) != 1 || s[0].Type != "_secure-mqtt._tcp" || s[0].Port == 0 {
		t.Errorf("announced: %+v", s)
	}
	cfg.Broker = false
	if none, err := openLANBroker(t.Context(), &cfg, slog.New(slog.DiscardHandler)); none != nil || err == nil {
		t.Error("broker_plain without broker is not refused")
	}
}

func TestOutboxMessages(t *testing.T) {
	tests := []struct {
		asked  int
		memory int64
		want   int
	}{{7, 1, 7}, {0, 0, 250_000}, {0, 512 << 20, 447_392}, {0, 8 << 30, 1_000_000}, {0, 1, 10_000}}
	for _, tt := range tests {
		if got := outboxMessages(tt.asked, tt.memory); got != tt.want {
			t.Errorf("outboxMessages(%d, %d) = %d, want %d", tt.asked, tt.memory, got, tt.want)
		}
	}
}
