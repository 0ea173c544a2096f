package link

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"

	"github.com/coder/websocket"

	"tsunagi/internal/account"
)

// maxHandshakes bounds the tunnels that have not proved anything yet.
const maxHandshakes = 256

// Devices are the rules about devices; *account.Service has them.
type Devices interface {
	FindDevice(ctx context.Context, id, name string) (account.Device, error)
	DeviceSeen(ctx context.Context, id, version string) error
	CheckDeviceCode(ctx context.Context, id, code, agent string) (session [32]byte, err error)
	ExchangeDeviceCode(ctx context.Context, id, code, agent string) (account.FlowLogin, error)
	ExchangePagesCode(ctx context.Context, id, code, agent string) (account.FlowLogin, error)
	EditorAlive(ctx context.Context, hash [32]byte, about account.Thing) (bool, error)
	SessionEnd(hash [32]byte) (ended <-chan struct{}, stop func())
	DeleteDevice(ctx context.Context, by account.Actor, id string) error
	RotateDevice(ctx context.Context, by account.Actor, id string, key []byte) (password string, err error)
}

// Options configure a Hub. Devices, Key, Zone and Panel must be set; zero values mean the default in brackets.
type Options struct {
	Devices Devices
	Key     ed25519.PrivateKey // proves to devices that this is their platform
	Zone    string             // what follows the name in a host, with both dots: ".flows.example.com"
	Port    int                // of the HTTPS server, for addresses [443]
	Panel   string             // origin of the panel, without a slash at the end

	Bandwidth int // bytes a second of one device, in each direction [4 MiB]
	// Rewrite and Clean make the request that a device sees, and its answer fit for the platform's names [as they are].
	Rewrite func(*httputil.ProxyRequest)
	Clean   func(*http.Response) error
	Log     *slog.Logger // [discard]
}

// Hub takes the tunnels of devices and passes browsers on to them.
type Hub struct {
	o          Options
	handshakes chan struct{}

	mu       sync.Mutex // guards the fields below
	sessions map[string]*session
	ended    map[string]Ended // of devices without a tunnel, since this Hub began
	closed   bool
	running  sync.WaitGroup // tunnels
}

// NewHub returns a Hub without tunnels.
func NewHub(o Options) *Hub {
	if o.Port == 0 {
		o.Port = 443
	}
	if o.Bandwidth == 0 {
		o.Bandwidth = 4 << 20
	}
	if o.Rewrite == nil {
		o.Rewrite = func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "device"
			r.Out.Host = r.In.Host
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Hub{o: o, handshakes: make(chan struct{}, maxHandshakes), sessions: map[string]*session{}, ended: map[string]Ended{}}
}

// PublicKey is what devices know the platform by.
func (h *Hub) PublicKey() ed25519.PublicKey { return h.o.Key.Public().(ed25519.PublicKey) }

// State is how a device's tunnel is.
type State struct {
	Online    bool
	Since     time.Time // start of the tunnel
	Remote    string    // address that the device comes from
	NoEditing bool      // the device itself forbids remote editing
	Pages     string    // who at most may see its pages, as the device itself says; "": it offers none
	Ended     Ended     // without a tunnel: why; zero when it had none since this Hub began
}

// Ended is why a device has no tunnel.
type Ended struct {
	Reason string // Stopped, Restarting, Updating, Lost or Refused
	At     time.Time
}

// Reasons for which a device has no tunnel.
const (
	Stopped    = "stopped"    // its program was ended
	Restarting = "restarting" // it was asked to
	Updating   = "updating"   // it tries another version of its program
	Lost       = "lost"       // it went silent or the line broke
	Refused    = "refused"    // somebody came in its name with a wrong key
)

// maxEnded bounds the devices of which it is known why they have no tunnel.
const maxEnded = 10_000

// State says how a device's tunnel is.
func (h *Hub) State(id string) State {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[id]; s != nil {
		return State{Online: true, Since: s.since, Remote: s.remote, NoEditing: s.noEditing, Pages: s.pagesWord}
	}
	return State{Ended: h.ended[id]}
}

// note remembers why a device has no tunnel. The caller holds mu.
func (h *Hub) note(id, reason string) {
	if _, known := h.ended[id]; known || len(h.ended) < maxEnded {
		h.ended[id] = Ended{reason, time.Now().UTC()}
	}
}

// Ask sends a request to a device's door for the panel. Path and query are used of its address.
func (h *Hub) Ask(id string, r *http.Request) (*http.Response, error) {
	s := h.find(id)
	if s == nil {
		return nil, ErrOffline
	}
	r.URL.Scheme, r.URL.Host = "http", "device"
	return s.door.RoundTrip(r)
}

func (h *Hub) find(id string) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[id]
}

// Restart ends a device's tunnel with all that is in it; the device comes back and learns what has changed.
func (h *Hub) Restart(id string) {
	s := h.find(id)
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, err := s.tell(ctx, message{Op: opAgain}); err != nil {
		h.o.Log.Info("device not told to begin anew", "device", id, "error", err)
	}
	s.end()
}

// Forget ends the tunnel of a device that was unpaired, and tells it.
func (h *Hub) Forget(ctx context.Context, id string) {
	if s := h.find(id); s != nil {
		if _, err := s.tell(ctx, message{Op: opUnpair}); err != nil {
			h.o.Log.Info("device not told that it is unpaired", "device", id, "error", err)
		}
		s.end()
	}
}

// ErrOffline is the answer for a device without a tunnel.
var ErrOffline = errors.New("the device has no connection")

// Rotate asks a device to make itself another key and to take another MQTT password.
func (h *Hub) Rotate(ctx context.Context, id string) error {
	s := h.find(id)
	if s == nil {
		return ErrOffline
	}
	_, err := s.tell(ctx, message{Op: opRotate})
	return err
}

// Close ends all tunnels and takes no new ones. Call it also as the server begins to stop: it does not wait for
// connections that became tunnels.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	all := make([]*session, 0, len(h.sessions))
	for _, s := range h.sessions {
		all = append(all, s)
	}
	h.mu.Unlock()
	for _, s := range all {
		s.end()
	}
	done := make(chan struct{})
	go func() { h.running.Wait(); close(done) }() // ends with the last tunnel
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Tunnel is the handler of Path: it takes the tunnel of one device, for as long as it lasts.
func (h *Hub) Tunnel() http.Handler { return http.HandlerFunc(h.serveTunnel) }

func (h *Hub) serveTunnel(w http.ResponseWriter, r *http.Request) {
	select {
	case h.handshakes <- struct{}{}:
	default:
		w.Header().Set("Retry-After", "10")
		http.Error(w, "Too many devices connect at once; try again in a moment.", http.StatusServiceUnavailable)
		return
	}
	s, err := h.handshake(w, r)
	<-h.handshakes
	if err != nil {
		h.o.Log.Info("tunnel refused", "remote", r.RemoteAddr, "error", err)
		return
	}
	s.run()
}

// handshake finds out which device calls. See wire.go for what is said.
func (h *Hub) handshake(w http.ResponseWriter, r *http.Request) (*session, error) {
	ws, err := websocket.Accept(w, r, nil) // it refuses pages of other origins
	if err != nil {
		return nil, err
	}
	refuse := func(err error) (*session, error) {
		ws.CloseNow()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), handshakeTime)
	defer cancel()
	ws.SetReadLimit(handshakeBytes)
	var first hello
	if err := readMessage(ctx, ws, &first); err != nil {
		return refuse(err)
	}
	if first.Version != 1 || len(first.Nonce) != nonceBytes || len(first.Device) > 64 {
		return refuse(errors.New("handshake: not of version 1"))
	}
	ours, key := newNonce(), h.PublicKey()
	sign := ed25519.Sign(h.o.Key, signed("platform", first.Device, key, first.Nonce, ours))
	if err := writeMessage(ctx, ws, challenge{ours, sign}); err != nil {
		return refuse(err)
	}
	var p proof
	if err := readMessage(ctx, ws, &p); err != nil {
		return refuse(err)
	}
	d, err := h.o.Devices.FindDevice(ctx, first.Device, "")
	if known := err == nil; !known || len(d.Key) != ed25519.PublicKeySize ||
		!ed25519.Verify(d.Key, signed("device", first.Device, key, ours, first.Nonce), p.Proof) {
		_ = writeMessage(ctx, ws, welcome{}) // it hears no, and nothing else
		if known {
			h.mu.Lock()
			if h.sessions[d.ID] == nil {
				h.note(d.ID, Refused)
			}
			h.mu.Unlock()
		}
		if known || isNotFound(err) {
			err = ErrRefused
		}
		return refuse(err)
	}
	if err := writeMessage(ctx, ws, welcome{true, d.Name, h.Host(d.Name), d.NoEditing, d.Pages.String(), h.PagesHost(d.Name)}); err != nil {
		return refuse(err)
	}
	ws.SetReadLimit(frameBytes)
	s, err := h.newSession(ws, d, p, r.RemoteAddr)
	if err != nil {
		return refuse(err)
	}
	return s, h.add(ctx, s, d)
}

func isNotFound(err error) bool {
	var e *account.Error
	return errors.As(err, &e) && e.Code == account.NotFound
}

// add makes s the tunnel of its device; one that it had ends. A device that was changed meanwhile has to begin anew.
func (h *Hub) add(ctx context.Context, s *session, d account.Device) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		s.end()
		return net.ErrClosed
	}
	old := h.sessions[d.ID]
	h.sessions[d.ID] = s
	delete(h.ended, d.ID)
	h.running.Add(1)
	h.mu.Unlock()
	if old != nil {
		old.end()
	}
	now, err := h.o.Devices.FindDevice(ctx, d.ID, "")
	if err == nil && (string(now.Key) != string(d.Key) || now.Name != d.Name || now.NoEditing != d.NoEditing || now.Pages != d.Pages) {
		err = errors.New("the device was changed during its handshake")
	}
	if err == nil {
		err = h.o.Devices.DeviceSeen(ctx, d.ID, s.version)
	}
	if err != nil {
		s.end()
		h.remove(s)
	}
	return err
}

// remove takes a tunnel that has ended out.
func (h *Hub) remove(s *session) {
	h.mu.Lock()
	if h.sessions[s.id] == s {
		delete(h.sessions, s.id)
		h.note(s.id, s.because(Lost))
	}
	h.mu.Unlock()
	h.running.Done()
}
