package link

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/hashicorp/yamux"

	"tsunagi/internal/account"
)

// How long a device waits before it tries again: at first, at most, and when it was refused.
const (
	firstWait   = time.Second
	longestWait = 2 * time.Minute
	refusedWait = 15 * time.Minute
	steadyTime  = 10 * time.Second // a tunnel that lasted so long begins anew with firstWait
)

// maxStreams bounds the streams that the platform has open.
const maxStreams = 128

// ClientOptions configure a Client. Dir and Paired must be set.
type ClientOptions struct {
	Dir       string
	Paired    *Paired
	Version   string
	NoEditing bool          // this device accepts no remote editing, whatever the platform says
	Pages     account.Pages // who at most may see its flows' pages, whatever the platform says

	Ended   func(session string)                 // a session in the panel is over [nobody is told]
	Opened  func()                               // the tunnel is open [nobody is told]
	Unknown func()                               // the platform has unpaired this device, or refuses it [nobody is told]
	Rotated func(context.Context, Broker) error  // the MQTT login has another password [nobody is told]
	Wait    func(time.Duration) <-chan time.Time // [time.After]
	Log     *slog.Logger                         // [discard]
}

// Client keeps a device's tunnel open.
type Client struct {
	o      ClientOptions
	conns  chan net.Conn // to the editor
	doors  chan net.Conn // to the door for the panel
	visits *visits       // to the flows' pages
	slots  chan struct{}
	gone   chan struct{} // closed when the platform has unpaired the device

	mu        sync.Mutex // guards the fields below
	paired    Paired
	mux       *yamux.Session // nil: no tunnel
	host      string         // of the editor's origin
	editing   bool           // the platform allows it
	pages     account.Pages  // who may see the flows' pages, as both sides have it
	pagesHost string         // of their origin
	rotating  bool
	again     bool // the platform wants a new tunnel at once
}

// NewClient returns a Client without a tunnel; see Run.
func NewClient(o ClientOptions) *Client {
	if o.Ended == nil {
		o.Ended = func(string) {}
	}
	if o.Opened == nil {
		o.Opened = func() {}
	}
	if o.Unknown == nil {
		o.Unknown = func() {}
	}
	if o.Rotated == nil {
		o.Rotated = func(context.Context, Broker) error { return nil }
	}
	if o.Wait == nil {
		o.Wait = time.After
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Client{o: o, paired: *o.Paired, conns: make(chan net.Conn), doors: make(chan net.Conn), visits: newVisits(), pages: account.PagesNone, slots: make(chan struct{}, maxStreams), gone: make(chan struct{})}
}

// Run keeps the tunnel open until ctx ends or the platform unpairs the device.
func (c *Client) Run(ctx context.Context) {
	wait := firstWait
	for ctx.Err() == nil {
		begun := time.Now()
		err := c.once(ctx)
		select {
		case <-c.gone:
			c.o.Unknown()
			c.o.Log.Warn("this device is no longer paired; pair it again to reach it from the panel")
			return
		case <-ctx.Done():
			return
		default:
		}
		if time.Since(begun) > steadyTime {
			wait = firstWait
		}
		pause := wait/2 + mathrand.N(wait/2+1)
		if c.wantedAgain() {
			wait, pause = firstWait/2, mathrand.N(firstWait/4)
		}
		if errors.Is(err, ErrRefused) {
			pause = refusedWait/2 + mathrand.N(refusedWait/2)
			c.o.Unknown()
			c.o.Log.Error("the platform does not know this device; pair it again if it was unpaired", "platform", c.o.Paired.URL, "again_in", pause.Round(time.Second))
		} else {
			c.o.Log.Info("no tunnel to the platform", "platform", c.o.Paired.URL, "error", err, "again_in", pause.Round(time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return
		case <-c.o.Wait(pause):
		}
		wait = min(2*wait, longestWait)
	}
}

// wantedAgain says, once, whether the platform has asked for a new tunnel.
func (c *Client) wantedAgain() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	again := c.again
	c.again = false
	return again
}

// once opens the tunnel and serves it until it ends.
func (c *Client) once(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	mux, in, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer mux.Close()
	stop := context.AfterFunc(ctx, func() { mux.Close() })
	defer stop()
	allowed, _ := account.ParsePages(in.Pages) // none, where the platform knows no pages
	c.mu.Lock()
	c.mux, c.host, c.editing = mux, strings.ToLower(in.Host), !in.NoEditing && !c.o.NoEditing
	c.pages, c.pagesHost = allowed.Least(c.o.Pages), strings.ToLower(in.PagesHost)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.mux, c.editing, c.pages = nil, false, account.PagesNone
		c.mu.Unlock()
	}()
	c.o.Log.Info("tunnel to the platform is open", "platform", c.o.Paired.URL, "name", in.Name, "remote_editing", !in.NoEditing && !c.o.NoEditing, "pages", allowed.Least(c.o.Pages).String())
	c.o.Opened()
	for {
		s, err := mux.Accept()
		if err != nil {
			return fmt.Errorf("tunnel ended: %w", err)
		}
		select {
		case c.slots <- struct{}{}:
			go c.serve(ctx, &slotted{Conn: s, slots: c.slots}) // ends with the stream, or with the tunnel
		default:
			s.Close()
		}
	}
}

// open dials the platform and proves to it, and has it prove, who calls.
func (c *Client) open(ctx context.Context) (*yamux.Session, welcome, error) {
	c.mu.Lock()
	p := c.paired
	c.mu.Unlock()
	mux, in, err := c.openWith(ctx, &p, p.Key)
	if errors.Is(err, ErrRefused) && p.Next != nil { // the platform may have taken the new key, and its answer was lost
		if mux, in, err = c.openWith(ctx, &p, p.Next); err == nil {
			p.Key, p.Next = p.Next, nil
			err = c.keep(p)
		}
	}
	return mux, in, err
}

func (c *Client) openWith(ctx context.Context, p *Paired, seed []byte) (*yamux.Session, welcome, error) {
	config, err := p.tls()
	if err != nil {
		return nil, welcome{}, err
	}
	short, cancel := context.WithTimeout(ctx, 2*handshakeTime)
	defer cancel()
	ws, _, err := websocket.Dial(short, "wss"+strings.TrimPrefix(p.URL, "https")+Path, &websocket.DialOptions{HTTPClient: httpClient(config)})
	if err != nil {
		return nil, welcome{}, err
	}
	in, err := c.prove(short, ws, p, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		ws.CloseNow()
		return nil, welcome{}, err
	}
	ws.SetReadLimit(frameBytes)
	mux, err := yamux.Server(websocket.NetConn(ctx, ws, websocket.MessageBinary), muxConfig(true, c.o.Log))
	return mux, in, err
}

// prove is the device's side of the handshake.
func (c *Client) prove(ctx context.Context, ws *websocket.Conn, p *Paired, key ed25519.PrivateKey) (in welcome, err error) {
	ws.SetReadLimit(handshakeBytes)
	ours := newNonce()
	if err := writeMessage(ctx, ws, hello{1, p.ID, ours}); err != nil {
		return in, err
	}
	var theirs challenge
	if err := readMessage(ctx, ws, &theirs); err != nil {
		return in, err
	}
	if len(theirs.Nonce) != nonceBytes || !ed25519.Verify(p.Platform, signed("platform", p.ID, p.Platform, ours, theirs.Nonce), theirs.Proof) {
		return in, errors.New("the server is not the platform that this device is paired with: its proof is wrong")
	}
	answer := proof{ed25519.Sign(key, signed("device", p.ID, p.Platform, theirs.Nonce, ours)), c.o.Version, c.o.NoEditing, c.o.Pages.String()}
	if err := writeMessage(ctx, ws, answer); err != nil {
		return in, err
	}
	if err := readMessage(ctx, ws, &in); err != nil {
		return in, err
	}
	if !in.OK {
		return in, ErrRefused
	}
	return in, nil
}

// keep stores a changed pairing.
func (c *Client) keep(p Paired) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := p.save(c.o.Dir); err != nil {
		return err
	}
	c.paired = p
	return nil
}

// Goodbye tells the platform why the tunnel is about to end: one of the Reasons of package link. Without a tunnel there is
// nobody to tell.
func (c *Client) Goodbye(ctx context.Context, reason string) error {
	c.mu.Lock()
	mux := c.mux
	c.mu.Unlock()
	if mux == nil {
		return nil
	}
	_, err := ask(ctx, mux, "", message{Op: opBye, Reason: reason})
	return err
}

// MayEdit says whether both sides allow remote editing now.
func (c *Client) MayEdit() bool { return c.mayEdit() }

// Delivered notes that the flows have the broker's password, which then needs to stand nowhere else.
func (c *Client) Delivered() error {
	c.mu.Lock()
	p := c.paired
	c.mu.Unlock()
	p.Broker.Password = ""
	return c.keep(p)
}

// Rotate asks the platform for another key and another MQTT login, which comes to ClientOptions.Rotated.
func (c *Client) Rotate(ctx context.Context) error { return c.rotate(ctx) }

// rotate makes another key, which the platform takes with the proof that this device has it.
func (c *Client) rotate(ctx context.Context) error {
	c.mu.Lock()
	if c.rotating {
		c.mu.Unlock()
		return nil
	}
	c.rotating = true
	p := c.paired
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.rotating = false
		c.mu.Unlock()
	}()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	p.Next = private.Seed()
	if err := c.keep(p); err != nil { // before the platform knows it
		return err
	}
	out, err := c.ask(ctx, message{Op: opRotate, Key: public, Proof: ed25519.Sign(private, rotation(p.ID, public))})
	if err != nil {
		return err
	}
	p.Key, p.Next = p.Next, nil
	p.Broker.Password = out.Password
	if err := c.keep(p); err != nil || out.Password == "" {
		return err
	}
	if err := c.o.Rotated(ctx, p.Broker); err != nil {
		return err // the password waits in the file for the next start
	}
	return c.Delivered()
}

// ask asks the platform a question.
func (c *Client) ask(ctx context.Context, m message) (message, error) {
	c.mu.Lock()
	mux := c.mux
	c.mu.Unlock()
	if mux == nil {
		return message{}, errors.New("the tunnel to the platform is not open")
	}
	return ask(ctx, mux, "", m)
}

// Exchange asks the platform whom a single-use code lets in.
func (c *Client) Exchange(ctx context.Context, code, agent string) (name, session string, err error) {
	if !c.mayEdit() {
		return "", "", errors.New("remote editing is switched off")
	}
	out, err := c.ask(ctx, message{Op: opExchange, Code: code, Agent: agent})
	if err == nil && (out.Name == "" || out.Session == "") {
		err = errors.New("the platform did not say who it is")
	}
	return out.Name, out.Session, err
}

// Alive asks the platform whether a session in the panel still holds.
func (c *Client) Alive(ctx context.Context, session string) (bool, error) {
	out, err := c.ask(ctx, message{Op: opAlive, Session: session})
	return out.Alive, err
}

// RotateOnce opens a tunnel once and changes the key; the new MQTT password waits in the pairing's file for the next start.
// No other Client may use the pairing meanwhile.
func (c *Client) RotateOnce(ctx context.Context) error {
	mux, _, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer mux.Close()
	c.mu.Lock()
	c.mux = mux
	c.mu.Unlock()
	c.o.Rotated = func(context.Context, Broker) error { return errLater }
	if err := c.rotate(ctx); !errors.Is(err, errLater) {
		return err // without an MQTT user there is no password
	}
	return nil
}

// errLater leaves the password where it is.
var errLater = errors.New("no flows run that could take the password")

// Unpair opens a tunnel once, has the platform forget this device, and deletes the pairing.
func (c *Client) Unpair(ctx context.Context) error {
	mux, _, err := c.open(ctx)
	switch {
	case errors.Is(err, ErrRefused): // it has forgotten us already
	case err != nil:
		return err
	default:
		defer mux.Close()
		if _, err := ask(ctx, mux, "", message{Op: opUnpair}); err != nil {
			return err
		}
	}
	return Forget(c.o.Dir)
}

// mayEdit says whether both sides allow remote editing now.
func (c *Client) mayEdit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.editing
}

// Guard lets requests of the tunnel through to the editor, when remote editing is allowed and they are for its origin.
func (c *Client) Guard(editor http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		allowed, ours := c.editing, c.host
		c.mu.Unlock()
		switch {
		case !allowed:
			http.Error(w, "Remote editing is switched off on this device.", http.StatusForbidden)
		case !isFor(r, ours):
			http.Error(w, "This editor is not served under that host name.", http.StatusMisdirectedRequest)
		default:
			editor.ServeHTTP(w, r)
		}
	})
}

// isFor says whether a request is for a host name; "" is that of none.
func isFor(r *http.Request, name string) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return name != "" && strings.ToLower(host) == name
}
