package link

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tsunagi/internal/account"
)

// rules has one device and refuses everything else.
type rules struct {
	Devices
	device account.Device
}

func (r rules) FindDevice(_ context.Context, id, name string) (account.Device, error) {
	if id == r.device.ID || id == "" && name == r.device.Name {
		return r.device, nil
	}
	return account.Device{}, &account.Error{Code: account.NotFound, Key: "api.not_found"}
}
func (rules) DeviceSeen(context.Context, string, string) error { return nil }

// world is a Hub on a real server, and the pairing of its one device.
func world(t *testing.T) (*Hub, *Paired) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, platform, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	h := NewHub(Options{Devices: rules{device: account.Device{ID: "d1", Name: "pi", Key: public}}, Key: platform, Zone: ".flows.localhost", Panel: "https://localhost"})
	server := httptest.NewTLSServer(h.Tunnel())
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	ca := pemOf(server.Certificate().Raw)
	return h, &Paired{URL: server.URL, ID: "d1", Key: private.Seed(), Platform: h.PublicKey(), CA: ca, Pinned: true}
}

func client(t *testing.T, p *Paired) *Client {
	t.Helper()
	return NewClient(ClientOptions{Dir: t.TempDir(), Paired: p})
}

// TestTunnelOfAnother wants that nobody gets a device's tunnel without its key, and that a device talks to no platform
// but its own.
func TestTunnelOfAnother(t *testing.T) {
	h, good := world(t)
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Paired){
		"another's key":     func(p *Paired) { p.Key = other.Seed() },
		"no such device":    func(p *Paired) { p.ID = "d2" },
		"an id of no form":  func(p *Paired) { p.ID = strings.Repeat("d", 65) },
		"another platform":  func(p *Paired) { p.Platform = other.Public().(ed25519.PublicKey) },
		"another authority": func(p *Paired) { p.CA = "" },
	} {
		t.Run(name, func(t *testing.T) {
			p := *good
			change(&p)
			if mux, _, err := client(t, &p).open(t.Context()); err == nil {
				mux.Close()
				t.Error("the tunnel is open")
			}
			if h.State("d1").Online || h.State("d2").Online {
				t.Error("the platform takes the device for connected")
			}
		})
	}
	mux, in, err := client(t, good).open(t.Context())
	if err != nil || in.Host != "edit-pi.flows.localhost" {
		t.Fatalf("the device itself: %+v, %v", in, err)
	}
	mux.Close()
}

// TestProofIsForOneTunnel replays a proof that was good in another tunnel.
func TestProofIsForOneTunnel(t *testing.T) {
	_, p := world(t)
	key := ed25519.NewKeyFromSeed(p.Key)
	ours := newNonce()
	var old []byte
	for round := range 2 {
		ws := dialHub(t, p)
		ctx := t.Context()
		if err := writeMessage(ctx, ws, hello{1, p.ID, ours}); err != nil {
			t.Fatal(err)
		}
		var c challenge
		if err := readMessage(ctx, ws, &c); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			old = ed25519.Sign(key, signed("device", p.ID, p.Platform, c.Nonce, ours))
		}
		if err := writeMessage(ctx, ws, proof{Proof: old}); err != nil {
			t.Fatal(err)
		}
		var in welcome
		if err := readMessage(ctx, ws, &in); err != nil || in.OK != (round == 0) {
			t.Errorf("round %d: %+v, %v", round, in, err)
		}
		ws.CloseNow()
	}
}

// TestPagesGetNoTunnel has a page of another origin try.
func TestPagesGetNoTunnel(t *testing.T) {
	_, p := world(t)
	config, err := p.tls()
	if err != nil {
		t.Fatal(err)
	}
	_, answer, err := websocket.Dial(t.Context(), "wss"+strings.TrimPrefix(p.URL, "https"), &websocket.DialOptions{HTTPClient: httpClient(config),
		HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
	if err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("%+v, %v", answer, err)
	}
}

// TestStreamsAreBounded opens streams that never say anything: there is a bound, and the platform's own pass after them.
func TestStreamsAreBounded(t *testing.T) {
	h, p := world(t)
	c := client(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.once(ctx) }()
	s := h.find("d1")
	for ; s == nil; s = h.find("d1") {
		select {
		case err := <-done:
			t.Fatal(err)
		case <-time.After(time.Millisecond): // the Hub has no events
		}
	}
	var open []net.Conn
	for range 2 * maxStreams {
		conn, err := s.mux.Open()
		if err != nil {
			break
		}
		open = append(open, conn)
	}
	if len(open) != 2*maxStreams {
		t.Fatalf("only %d streams could be opened", len(open))
	}
	if _, err := open[len(open)-1].Read(make([]byte, 1)); !errors.Is(err, io.EOF) { // turned away at once
		t.Errorf("a stream above the bound: %v", err)
	}
	if len(c.slots) != maxStreams {
		t.Errorf("%d streams are held, want %d", len(c.slots), maxStreams)
	}
	for _, conn := range open {
		conn.Close()
	}
	cancel()
	if err := <-done; err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("the tunnel ended with %v", err)
	}
}

func keyOf(p *Paired) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(p.Key) }

func dialHub(t *testing.T, p *Paired) *websocket.Conn {
	t.Helper()
	config, err := p.tls()
	if err != nil {
		t.Fatal(err)
	}
	ws, _, err := websocket.Dial(t.Context(), "wss"+strings.TrimPrefix(p.URL, "https"), &websocket.DialOptions{HTTPClient: httpClient(config)})
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
