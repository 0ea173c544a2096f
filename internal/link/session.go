package link

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/hashicorp/yamux"

	"tsunagi/internal/account"
)

// Bounds of one tunnel.
const (
	maxQuestions = 16  // of the device, at once
	maxConns     = 64  // HTTP connections to the device, at once
	maxDoors     = 8   // of the panel to the device's door, at once
	maxVisits    = 48  // requests to the flows' pages, WebSockets included, at once
	maxWaiting   = 256 // requests to them that wait until others are done
	maxWatched   = 200 // sessions whose end the device is told
)

// session is one tunnel, as the platform has it.
type session struct {
	hub       *Hub
	id        string
	name      string
	owner     account.Actor
	version   string
	remote    string
	noEditing bool
	pagesWord string        // who at most may see its pages, as the device says; "": a program that offers none
	pages     account.Pages // the same
	since     time.Time
	log       *slog.Logger

	ctx    context.Context // ends with the tunnel
	end    context.CancelFunc
	mux    *yamux.Session
	slots  chan struct{}
	editor http.Handler
	door   *http.Transport // to the device's door for the panel
	site   http.Handler    // the flows' pages
	visits chan struct{}   // a place for each request to them
	queue  chan struct{}   // a place for each that waits for one

	mu      sync.Mutex // guards the fields below
	watched map[string]bool
	reason  string // why the tunnel ends, when somebody has said so
}

func (h *Hub) newSession(ws *websocket.Conn, d account.Device, p proof, remote string) (*session, error) {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	s := &session{hub: h, id: d.ID, name: d.Name, owner: account.DeviceActor(d, host), version: p.Version, remote: host, noEditing: p.NoEditing,
		pagesWord: word(p.Pages), visits: make(chan struct{}, maxVisits), queue: make(chan struct{}, maxWaiting), since: time.Now().UTC(), log: h.o.Log.With("device", d.ID, "name", d.Name), slots: make(chan struct{}, maxQuestions), watched: map[string]bool{}}
	s.ctx, s.end = context.WithCancel(context.Background())
	conn := newBounded(s.ctx, websocket.NetConn(s.ctx, ws, websocket.MessageBinary), h.o.Bandwidth)
	if s.mux, err = yamux.Client(conn, muxConfig(false, s.log)); err != nil {
		s.end()
		return nil, err
	}
	context.AfterFunc(s.ctx, func() { s.mux.Close() })
	s.pages, _ = account.ParsePages(p.Pages)
	s.editor = s.proxy(s.transport(kindHTTP, maxConns), h.o.Rewrite)
	s.site = s.proxy(s.pagesTransport(), h.rewritePages)
	s.door = s.transport(kindDoor, maxDoors)
	return s, nil
}

// run answers the device's questions until the tunnel ends.
func (s *session) run() {
	s.log.Info("device connected", "version", s.version, "remote", s.remote)
	for {
		c, err := s.mux.Accept()
		if err != nil {
			s.because(Lost)
			break
		}
		select {
		case s.slots <- struct{}{}:
		default:
			c.Close() // the device asks too much at once; it has to try again
			continue
		}
		go func() { // ends within questionTime
			defer func() { <-s.slots }()
			if err := answer(c, s.handle); err != nil {
				s.log.Debug("question of a device not answered", "error", err)
			}
		}()
	}
	s.end()
	defer s.hub.remove(s)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.hub.o.Devices.DeviceSeen(ctx, s.id, ""); err != nil {
		s.log.Warn("end of tunnel not noted", "error", err)
	}
	s.log.Info("device disconnected", "reason", s.because(Lost))
}

// handle answers one question.
func (s *session) handle(m message) message {
	ctx, cancel := context.WithTimeout(s.ctx, questionTime)
	defer cancel()
	switch m.Op {
	case opExchange:
		login, err := s.hub.o.Devices.ExchangeDeviceCode(ctx, s.id, m.Code, m.Agent)
		if err != nil {
			s.log.Info("sign-in to the editor refused", "error", err)
			return message{Error: "the code is not valid, or no longer"}
		}
		session := hex.EncodeToString(login.Session[:])
		s.watch(session, login.Session)
		return message{Name: login.Account.Email, Session: session}
	case opAlive:
		hash, err := sessionHash(m.Session)
		if err != nil {
			return message{Error: err.Error()}
		}
		alive, err := s.hub.o.Devices.EditorAlive(ctx, hash, account.Thing{Kind: account.ThingDevice, ID: s.id})
		if err != nil {
			s.log.Warn("session not looked up", "error", err)
			return message{Error: "the session can't be looked up"}
		}
		if alive {
			s.watch(m.Session, hash)
		}
		return message{Alive: alive}
	case opRotate:
		if len(m.Key) != ed25519.PublicKeySize || !ed25519.Verify(m.Key, rotation(s.id, m.Key), m.Proof) {
			return message{Error: "the new key did not sign"}
		}
		password, err := s.hub.o.Devices.RotateDevice(ctx, s.owner, s.id, m.Key)
		if err != nil {
			s.log.Warn("key of device not changed", "error", err)
			return message{Error: "the key could not be changed"}
		}
		return message{Password: password}
	case opBye:
		if slices.Contains([]string{Stopped, Restarting, Updating}, m.Reason) {
			s.because(m.Reason)
		}
		return message{}
	case opUnpair:
		if err := s.hub.o.Devices.DeleteDevice(ctx, s.owner, s.id); err != nil {
			s.log.Warn("device not unpaired", "error", err)
			return message{Error: "the device could not be unpaired"}
		}
		time.AfterFunc(time.Second, s.end) // the answer goes out before
		return message{}
	}
	return message{Error: "unknown question"}
}

func sessionHash(text string) (hash [32]byte, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(hash) {
		return hash, errors.New("want 64 hex digits")
	}
	return [32]byte(raw), nil
}

// tell sends the device a notice.
func (s *session) tell(ctx context.Context, m message) (message, error) {
	return ask(ctx, s.mux, string(kindNotice), m)
}

// watch tells the device when a session in the panel ends. Beyond the bound it learns that by asking.
func (s *session) watch(name string, hash [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watched[name] || len(s.watched) >= maxWatched {
		return
	}
	s.watched[name] = true
	ended, stop := s.hub.o.Devices.SessionEnd(hash)
	go func() { // ends with the session or the tunnel
		defer stop()
		select {
		case <-ended:
			if _, err := s.tell(s.ctx, message{Op: opEnded, Session: name}); err != nil {
				s.log.Info("device not told of the end of a session", "error", err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.watched, name)
		case <-s.ctx.Done():
		}
	}()
}

// because notes why the tunnel ends, unless that is known, and returns what is known.
func (s *session) because(reason string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason == "" {
		s.reason = reason
	}
	return s.reason
}

// stream opens a connection of a kind to the device.
func (s *session) stream(kind byte) (net.Conn, error) {
	c, err := s.mux.Open()
	if err != nil {
		return nil, err
	}
	if _, err := c.Write([]byte{kind}); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// transport opens HTTP connections of a kind to the device, at most so many at once.
func (s *session) transport(kind byte, most int) *http.Transport {
	t := &http.Transport{
		DialContext:           func(context.Context, string, string) (net.Conn, error) { return s.stream(kind) },
		MaxIdleConnsPerHost:   8,
		MaxConnsPerHost:       most,
		IdleConnTimeout:       30 * time.Second,
		ResponseHeaderTimeout: 60 * time.Second,
		DisableCompression:    true,
	}
	context.AfterFunc(s.ctx, t.CloseIdleConnections)
	return t
}

// proxy is a way to what the device serves.
func (s *session) proxy(transport http.RoundTripper, rewrite func(*httputil.ProxyRequest)) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite:        rewrite,
		ModifyResponse: s.hub.o.Clean,
		Transport:      transport,
		ErrorHandler:   s.failed,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		FlushInterval:  -1,
	}
}

// failed answers a request that the device could not.
func (s *session) failed(w http.ResponseWriter, r *http.Request, err error) {
	var late net.Error
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return // the browser has gone
	case errors.As(err, &late) && late.Timeout():
		s.hub.explain(w, r, http.StatusGatewayTimeout, pageSlow)
	default:
		if !errors.Is(err, io.EOF) {
			s.log.Info("device did not answer", "error", err)
		}
		s.hub.explain(w, r, http.StatusServiceUnavailable, pageOffline)
	}
}
