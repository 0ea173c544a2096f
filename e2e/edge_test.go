package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// edgeMessages is how many messages the edge site sends while it is cut off; EDGE_MESSAGES asks for another number. A day
// at ten a second is 864,000.
const edgeMessages = 6000

// edgePublishers are the QoS of the publishers of the edge site.
var edgePublishers = []byte{2, 2, 1, 2}

// edgeSite is a device with a broker for its network, and the platform that it is paired with.
type edgeSite struct {
	t                *testing.T
	cloud, home      string // data directories
	https, mqtts     string
	lan              string // the device's broker
	platform, device *server
	arrived          arrivals
	acked            atomic.Int64 // messages that the device has acknowledged
}

// arrivals judge what comes out at the platform: each message carries its number among those of its publisher.
type arrivals struct {
	mu    sync.Mutex
	next  []uint64 // by publisher
	twice int      // QoS 1
	fault string
	news  chan struct{} // holds one
}

func (a *arrivals) take(m *mqttclient.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, err := strconv.Atoi(strings.TrimPrefix(m.Topic, "pi/sensors/"))
	at, err2 := strconv.ParseUint(strings.TrimLeft(string(m.Payload), "."), 10, 64)
	if err != nil || err2 != nil || n >= len(a.next) {
		a.fault = fmt.Sprintf("a message %q on %q", m.Payload, m.Topic)
		return
	}
	switch {
	case at == a.next[n]:
		a.next[n]++
	case at < a.next[n] && edgePublishers[n] == 1:
		a.twice++
	case a.fault == "":
		a.fault = fmt.Sprintf("publisher %d with QoS %d: message %d where %d is next", n, edgePublishers[n], at, a.next[n])
	}
	select {
	case a.news <- struct{}{}:
	default:
	}
}

// wait returns when each publisher's messages up to upTo have come.
func (e *edgeSite) wait(upTo uint64) {
	e.t.Helper()
	const patience = 90 * time.Second // without any news
	for {
		e.arrived.mu.Lock()
		fault, done := e.arrived.fault, true
		for _, n := range e.arrived.next {
			done = done && n >= upTo
		}
		e.arrived.mu.Unlock()
		switch {
		case fault != "":
			e.t.Fatal(fault)
		case done:
			return
		}
		select {
		case <-e.arrived.news:
		case <-time.After(patience):
			e.t.Fatalf("nothing comes any more: %v of %d\n%s", e.arrived.next, upTo, e.device.printed())
		}
	}
}

func (e *edgeSite) startPlatform() {
	e.platform = startBinary(e.t, "", "serve", "--data", e.cloud, "--https", e.https, "--mqtts", e.mqtts, "--mqtt", "off", "--http", "off", "--store-reserve-mb", "1")
}

func (e *edgeSite) startDevice(more ...string) {
	e.device = startBinary(e.t, "", append([]string{"flow", "--data", e.home, "--listen", "127.0.0.1:0", "--broker", "--broker-listen", e.lan,
		"--broker-topics", "sensors/# out", "--broker-reserve-mb", "1", "--broker-outbox-messages", "2000000"}, more...)...)
}

// command runs the program to its end.
func (e *edgeSite) command(args ...string) string {
	e.t.Helper()
	name, err := binary()
	if err != nil {
		e.t.Fatal(err)
	}
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		e.t.Fatalf("%v: %v", args, err)
	}
	return string(out)
}

type edgeState struct {
	State   string
	Waiting int
	Bytes   int64
}

func (e *edgeSite) state() (s edgeState) {
	e.t.Helper()
	if err := json.Unmarshal([]byte(e.command("flow", "broker", "status", "--json", "--data", e.home)), &s); err != nil {
		e.t.Fatal(err)
	}
	return s
}

// until waits for a state of the bridge.
func (e *edgeSite) until(good func(edgeState) bool) edgeState {
	e.t.Helper()
	var s edgeState
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s = e.state(); good(s) {
			return s
		}
	}
	e.t.Fatalf("the bridge stays %+v\n%s", s, e.device.printed())
	return s
}

// client runs an MQTT client until the test ends.
func (e *edgeSite) client(o mqttclient.Options, ca, user, password string) *mqttclient.Client {
	e.t.Helper()
	pem, err := os.ReadFile(filepath.Join(ca, "ca", "ca.pem"))
	if err != nil {
		e.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	o.TLS, o.User, o.Password, o.Version, o.SessionExpiry = &tls.Config{RootCAs: roots}, user, []byte(password), mqtt.V5, mqtt.SessionForever
	o.RetryMin, o.RetryMax, o.OutboxMessages, o.OutboxBytes = 5*time.Millisecond, 100*time.Millisecond, 10_000, 64<<20
	c, err := mqttclient.New(o)
	if err != nil {
		e.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Run(ctx) }()
	e.t.Cleanup(func() { cancel(); <-done })
	return c
}

func newEdgeSite(t *testing.T) (*edgeSite, []*mqttclient.Client) {
	t.Helper()
	e := &edgeSite{t: t, home: t.TempDir(), https: freeAddr(t), mqtts: freeAddr(t), lan: freeAddr(t)}
	e.arrived = arrivals{next: make([]uint64, len(edgePublishers)), news: make(chan struct{}, 1)}
	s, o := platform(t, "--https", e.https, "--mqtts", e.mqtts, "--store-reserve-mb", "1")
	e.platform, e.cloud = s, s.cmd.Args[3]
	var in struct{ ID, Password string }
	if err := json.Unmarshal([]byte(e.command("admin", "instance", "create", "--name", "Home", "--json", "--data", e.cloud)), &in); err != nil {
		t.Fatal(err)
	}
	var code struct{ Command string }
	if o.api("POST", "/devices/codes", map[string]string{"name": "pi", "instance": in.ID}, &code); code.Command == "" {
		t.Fatal("no code")
	}
	e.startDevice(strings.Fields(code.Command)[2:]...)
	e.until(func(s edgeState) bool { return s.State == "connected" })
	_, rest, _ := strings.Cut(e.command("flow", "broker", "user", "add", "house", "--topic", "sensors/#", "--data", e.home), "password")
	password := strings.Fields(rest)[0]

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	there := e.client(mqttclient.Options{Addr: "mqtts://" + e.mqtts, ClientID: "there", OnMessage: e.arrived.take}, e.cloud, in.ID, in.Password)
	if _, err := there.Subscribe(ctx, mqttclient.Subscription{Filter: "pi/sensors/#", QoS: 2}); err != nil {
		t.Fatal(err)
	}
	var clients []*mqttclient.Client
	for n := range edgePublishers {
		clients = append(clients, e.client(mqttclient.Options{Addr: "mqtts://" + e.lan, ClientID: fmt.Sprint("sensor-", n)}, e.home, "house", password))
	}
	return e, clients
}

// stream has each publisher send its messages from one number to another, as fast as they are acknowledged.
func (e *edgeSite) stream(clients []*mqttclient.Client, from, to uint64) {
	e.t.Helper()
	var all sync.WaitGroup
	acknowledged := func(err error) {
		if e.acked.Add(1); err != nil {
			e.t.Errorf("a message was not taken: %v", err)
		}
	}
	for n, c := range clients {
		all.Go(func() {
			for at := from; at < to; at++ {
				number := strconv.FormatUint(at, 10)
				payload := []byte(strings.Repeat(".", 256-len(number)) + number)
				m := &mqttclient.Message{Topic: fmt.Sprint("sensors/", n), Payload: payload, QoS: edgePublishers[n]}
				if err := c.PublishAsync(m, acknowledged); err != nil {
					e.t.Errorf("publisher %d: %v", n, err)
					return
				}
				if at%2000 != 1999 && at != to-1 {
					continue
				}
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
				err := c.Drain(ctx)
				cancel()
				if err != nil {
					e.t.Errorf("publisher %d at %d: %v", n, at, err)
					return
				}
			}
		})
	}
	all.Wait()
	if e.t.Failed() {
		e.t.FailNow()
	}
}

// TestEdgeSiteCutOff has publishers of an edge site send a day's messages while its platform is away, and ends both
// programs by kill -9 again and again: before, while they wait, and while they go out. At the platform none is missing,
// each publisher's are in order, and those of QoS 2 come once: row A15.
func TestEdgeSiteCutOff(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	total := uint64(edgeMessages)
	if n, err := strconv.ParseUint(os.Getenv("EDGE_MESSAGES"), 10, 64); err == nil && n > 0 {
		total = n
	}
	e, clients := newEdgeSite(t)
	const legs = 4
	each := total / uint64(len(clients)) / legs
	e.platform.kill()
	for leg := range uint64(legs) {
		killed := make(chan struct{})
		if leg == 1 || leg == 2 {
			go func() { // ends when the device is there again
				defer close(killed)
				half := (int64(leg)*2 + 1) * int64(each) * int64(len(clients)) / 2
				for e.acked.Load() < half && !t.Failed() { // in the middle of what they send
					time.Sleep(time.Millisecond)
				}
				e.device.kill()
				e.startDevice()
			}()
		} else {
			close(killed)
		}
		e.stream(clients, leg*each, (leg+1)*each)
		<-killed
	}
	want := legs * int(each) * len(clients)
	s := e.until(func(s edgeState) bool { return s.Waiting >= want })
	t.Logf("%d messages wait, charged %d bytes, %d bytes on disk; memory of the device: %s", s.Waiting, s.Bytes, e.onDisk(), e.memory())
	e.startPlatform()
	for round := range 2 { // while they go out
		e.device.kill()
		e.startDevice()
		e.wait(uint64(round) * each)
		e.platform.kill()
		e.startPlatform()
	}
	e.device.kill()
	e.startDevice()
	e.stream(clients, legs*each, legs*each+50) // and life goes on
	e.wait(legs*each + 50)
	e.until(func(s edgeState) bool { return s.State == "connected" && s.Waiting == 0 })
	e.arrived.mu.Lock()
	defer e.arrived.mu.Unlock()
	if e.arrived.fault != "" {
		t.Error(e.arrived.fault)
	}
	t.Logf("%d of QoS 1 came twice", e.arrived.twice)
}

// memory is what the device's process holds.
func (e *edgeSite) memory() string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.device.cmd.Process.Pid))
	if err != nil {
		return "?"
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// onDisk is the size of the local broker's directory.
func (e *edgeSite) onDisk() (sum int64) {
	list, err := os.ReadDir(filepath.Join(e.home, "broker"))
	if err != nil {
		e.t.Fatal(err)
	}
	for _, f := range list {
		if info, err := f.Info(); err == nil {
			sum += info.Size()
		}
	}
	return sum
}
