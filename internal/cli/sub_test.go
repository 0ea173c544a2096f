package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// sendAll waits for the subscription and sends each payload at QoS 1.
func sendAll(t *testing.T, h *hub, retain bool, payloads ...string) {
	t.Helper()
	await(t, h.subscribe)
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, p := range payloads {
		h.send(mqtt.Publish{QoS: 1, PacketID: uint16(i + 1), Retain: retain, Topic: []byte("a/b"), Payload: []byte(p)})
	}
}

func TestSub(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"plain", nil, "one\ntwo\n"},
		{"-v", []string{"-v"}, "a/b one\na/b two\n"},
		{"-N", []string{"-N"}, "onetwo"},
		{"-F", []string{"-F", `%t|%x|%l|%q|%r|%%\t.`}, "a/b|6f6e65|3|1|0|%\t.\na/b|74776f|3|1|0|%\t.\n"},
		{"-V 311", []string{"-V", "311", "-q", "1"}, "one\ntwo\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHub(t)
			done := startSub(context.Background(), h, append(tt.args, "-t", "a/#", "-C", "2")...)
			sendAll(t, h, false, "one", "two", "three")
			if r := await(t, done); r.code != ExitOK || r.out != tt.want || r.err != "" {
				t.Errorf("%+v, want %q", r, tt.want)
			}
			if !await(t, h.polite) {
				t.Error("no DISCONNECT")
			}
			// What was printed is acknowledged, the rest stays with the broker.
			if _, _, acks := h.seen(); !slices.Equal(acks, []uint16{1, 2}) {
				t.Errorf("acknowledged %v", acks)
			}
		})
	}
}

func TestSubRetained(t *testing.T) {
	for _, tt := range []struct{ flag, want string }{{"-R", "live\n"}, {"--retained-only", "old\n"}} {
		h := newHub(t)
		h.retained = []mqtt.Publish{{Topic: []byte("a"), Retain: true, Payload: []byte("old")}}
		args := []string{"-t", "a", tt.flag}
		if tt.flag == "-R" {
			args = append(args, "-C", "1")
		}
		done := startSub(context.Background(), h, args...)
		sendAll(t, h, false, "live")
		if r := await(t, done); r.code != ExitOK || r.out != tt.want {
			t.Errorf("%s: %+v", tt.flag, r)
		}
	}
}

func TestSubEnds(t *testing.T) {
	t.Run("timeout", func(t *testing.T) {
		h := newHub(t)
		if r := await(t, startSub(context.Background(), h, "-t", "a", "-W", "1")); r.code != ExitTimeout {
			t.Errorf("%+v", r)
		}
	})
	for name, tt := range map[string]struct {
		args []string
		code int
	}{"interrupted": {[]string{"-t", "a"}, ExitOK}, "interrupted before -C": {[]string{"-t", "a", "-C", "1"}, ExitInterrupted}} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			ctx, cancel := context.WithCancel(context.Background())
			done := startSub(ctx, h, tt.args...)
			await(t, h.subscribe)
			cancel()
			if r := await(t, done); r.code != tt.code || r.err != "" {
				t.Errorf("%+v", r)
			}
			if !await(t, h.polite) {
				t.Error("no DISCONNECT")
			}
		})
	}
	t.Run("-E", func(t *testing.T) {
		if r := await(t, startSub(context.Background(), newHub(t), "-t", "a", "-E")); r.code != ExitOK {
			t.Errorf("%+v", r)
		}
	})
	t.Run("one refused", func(t *testing.T) {
		r := await(t, startSub(context.Background(), newHub(t), "-t", "denied/#", "-t", "a", "-E"))
		if r.code != ExitOK || !strings.Contains(r.err, `refused "denied/#": not authorized`) {
			t.Errorf("%+v", r)
		}
	})
	t.Run("all refused", func(t *testing.T) {
		r := await(t, startSub(context.Background(), newHub(t), "-t", "denied"))
		if r.code != ExitRefused || !strings.Contains(r.err, `subscription "denied": not authorized`) {
			t.Errorf("%+v", r)
		}
	})
}

// A lost connection comes back, with the subscription.
func TestSubReconnects(t *testing.T) {
	h := newHub(t)
	done := startSub(context.Background(), h, "-t", "a", "-C", "1")
	await(t, h.subscribe)
	h.mu.Lock()
	for c := range h.clients {
		c.Close()
	}
	h.mu.Unlock()
	sendAll(t, h, false, "after")
	if r := await(t, done); r.code != ExitOK || r.out != "after\n" {
		t.Errorf("%+v", r)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestSubOutputBreaks(t *testing.T) {
	h := newHub(t)
	done := make(chan int, 1)
	go func() { done <- Sub(context.Background(), h.where("-t", "a"), nil, brokenPipe{}, io.Discard) }()
	sendAll(t, h, false, "x")
	if n := await(t, done); n != ExitFailed {
		t.Errorf("exit code %d", n)
	}
	if _, _, acks := h.seen(); len(acks) != 0 {
		t.Error("a message that was not printed is acknowledged")
	}
}

func TestSubUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"-t", "a", "-F", "%Z"}, {"-t", "a", "-F", `\q`}, {"-t", "a", "-F", "%"},
		{"-t", "a", "-C", "-1"}, {"-t", "a", "-R", "--retained-only"}, {"-t", ""}, {"-L", "http://h"}} {
		if n := Sub(context.Background(), args, nil, io.Discard, io.Discard); n != ExitUsage && !(len(args) > 1 && args[1] == "") {
			t.Errorf("%q: exit code %d", args, n)
		}
	}
}

func TestFormat(t *testing.T) {
	now := time.Date(2024, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	m := &mqttclient.Message{Topic: "a", QoS: 2, Retain: true, Payload: []byte(`{"n":1}`), ContentType: "ct", ResponseTopic: "rt",
		Correlation: []byte("co"), HasExpiry: true, Expiry: 9, PayloadFormat: 1, SubscriptionIDs: []uint32{3, 4},
		UserProps: []mqtt.Pair{{Key: "k", Value: "v"}, {Key: "l", Value: "w"}}}
	for format, want := range map[string]string{
		"%t %q %r %l":    "a 2 1 7",
		"%X":             "7B226E223A317D",
		"%C|%R|%D|%E|%F": "ct|rt|co|9|1",
		"%P|%S":          "k:v l:w|3 4",
		"%U %I":          "1704164645.600000 2024-01-02T03:04:05+0000",
		`\\ \t%%`:        "\\ \t%",
		"%j": `{"tst":"2024-01-02T03:04:05.600000+0000","topic":"a","qos":2,"retain":1,"payloadlen":7,"properties":{` +
			`"content-type":"ct","response-topic":"rt","correlation-data":"Y28=","message-expiry-interval":9,` +
			`"payload-format-indicator":1,"user-properties":[["k","v"],["l","w"]],"subscription-identifiers":[3,4]},` +
			`"payload":"{\"n\":1}"}`,
	} {
		print, err := formatter(format)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := print(&b, m, now); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v, want %q", format, b.String(), err, want)
		}
	}
	for payload, want := range map[string]string{`{"n":1}`: `"payload":{"n":1}}`, "text": `"payload":"text"}`, "\xff": `"payload":"/w==","base64":true}`} {
		print, _ := formatter("%J")
		var b strings.Builder
		print(&b, &mqttclient.Message{Topic: "a", Payload: []byte(payload)}, now)
		if !strings.HasSuffix(b.String(), want) {
			t.Errorf("%q: %s", payload, b.String())
		}
	}
	if _, err := formatter("%@"); code(err) != ExitUsage {
		t.Error(err)
	}
	if code(errors.New("x")) != ExitFailed {
		t.Error("unknown errors are failures")
	}
}
