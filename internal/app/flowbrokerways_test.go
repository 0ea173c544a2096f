package app

import (
	"errors"
	"log/slog"
	"strconv"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/config"
	"tsunagi/internal/home"
)

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
