package network

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// Bounds of a WebSocket.
const (
	maxFrame       = 16 << 20 // bytes of a message that arrives
	socketPatience = 30 * time.Second
	socketRetry    = 3 * time.Second
)

// socketPeer is one WebSocket. What it sends is queued.
type socketPeer struct {
	id   string
	conn *websocket.Conn

	mu     sync.Mutex // guards what follows
	queue  []socketFrame
	bytes  int
	ending bool
	wake   chan struct{} // holds one token when there is something new
}

type socketFrame struct {
	data   []byte
	binary bool
}

func newSocketPeer(conn *websocket.Conn) *socketPeer {
	conn.SetReadLimit(maxFrame)
	return &socketPeer{id: flow.NewID(), conn: conn, wake: make(chan struct{}, 1)}
}

// write queues a message.
func (p *socketPeer) write(data []byte, binary bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending {
		return nil
	}
	if p.bytes+len(data) > maxUnsent {
		return errUnsent
	}
	p.queue = append(p.queue, socketFrame{data, binary})
	p.bytes += len(data)
	p.signal()
	return nil
}

func (p *socketPeer) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// end closes the connection when all is sent.
func (p *socketPeer) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ending = true
	p.signal()
}

// send writes what is queued until ctx or the connection ends.
func (p *socketPeer) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		p.mu.Lock()
		queue, ending := p.queue, p.ending
		p.queue, p.bytes = nil, 0
		p.mu.Unlock()
		for _, f := range queue {
			kind := websocket.MessageText
			if f.binary {
				kind = websocket.MessageBinary
			}
			limited, cancel := context.WithTimeout(ctx, socketPatience)
			err := p.conn.Write(limited, kind, f.data)
			cancel()
			if err != nil {
				_ = p.conn.CloseNow() // the reader learns of it
				return
			}
		}
		if ending {
			_ = p.conn.Close(websocket.StatusNormalClosure, "") // it is over, whatever the other side says
			return
		}
	}
}

// run reads until the connection ends, and hands what arrives to the node, on the loop. The
// node's end ends it by way of p.end, in order, so that the other side hears of it.
func (p *socketPeer) run(n *socketNode) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go p.send(ctx) // ends with ctx
	for {
		kind, data, err := p.conn.Read(ctx)
		if err != nil {
			_ = p.conn.CloseNow() // it is over
			return err
		}
		if !n.b.Do(func() { n.arrived(p.id, data, kind == websocket.MessageBinary) }) {
			p.end()
			for { // until the other side agrees
				if _, _, err := p.conn.Read(ctx); err != nil {
					return err
				}
			}
		}
	}
}

// socketListener is the place of a node among the pages.
type socketListener struct {
	node *socketNode
	path string
}

// addSocket serves a path, unless it is served already.
func (s *Web) addSocket(l *socketListener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socks[l.path] != nil {
		return false
	}
	s.socks[l.path] = l
	return true
}

func (s *Web) removeSocket(l *socketListener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socks[l.path] == l {
		delete(s.socks, l.path)
	}
}

// serveSocket takes a WebSocket for one of the listeners, and says whether it was one.
func (s *Web) serveSocket(w http.ResponseWriter, r *http.Request) bool {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || r.Method != http.MethodGet {
		return false
	}
	s.mu.Lock()
	l := s.socks[r.URL.Path]
	s.mu.Unlock()
	if l == nil {
		return false
	}
	// As in Node-RED, pages of every site may connect: what a flow offers has no login that a browser would send along.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return true // Accept has answered
	}
	l.node.serve(newSocketPeer(conn))
	return true
}

// serve keeps a connection until it ends. It is called by the request's goroutine.
func (n *socketNode) serve(p *socketPeer) {
	full := make(chan bool, 1)
	taken := n.b.Do(func() {
		over := len(n.peers) >= maxConnections
		if !over {
			n.peers[p.id] = p
			n.show("connect", p.id)
		}
		full <- over
	})
	if !taken || wait(n.b, full) {
		_ = p.conn.Close(websocket.StatusTryAgainLater, "too many connections") // it is refused
		return
	}
	err := p.run(n)
	n.b.Do(func() {
		delete(n.peers, p.id)
		if fault := socketError(err); fault != "" {
			n.show("error", p.id)
		}
		n.show("disconnect", p.id)
	})
}

// wait waits for an answer of the loop; the end of the node is a yes.
func wait(b *flow.Base, c chan bool) bool {
	select {
	case v := <-c:
		return v
	case <-b.Life().Done():
		return true
	}
}

// socketError is what went wrong with a connection, "" for an end in order.
func socketError(err error) string {
	if websocket.CloseStatus(err) != -1 || errors.Is(err, context.Canceled) {
		return ""
	}
	return err.Error()
}

// socketClient keeps a connection to a server.
type socketClient struct {
	n         *socketNode
	protocols []string
	header    http.Header
	tls       *tlsConfig
	secure    bool
	beat      time.Duration

	started bool
	now     *socketPeer // nil: not connected
	timer   *flow.Timer
	closed  bool
}

func newSocketClient(n *socketNode, c flow.Config) (*socketClient, error) {
	s := &socketClient{n: n, beat: heartbeat(c), header: http.Header{}, secure: c.Get("tls").Truthy()}
	s.tls, _ = n.b.Lookup(c.Str("tls")).(*tlsConfig)
	for p := range strings.SplitSeq(c.Str("subprotocol"), ",") {
		if p = strings.TrimSpace(p); p != "" {
			s.protocols = append(s.protocols, p)
		}
	}
	l := c.Get("headers").List()
	if l == nil {
		return s, nil
	}
	for _, e := range l.All() {
		if o := e.Map(); o != nil {
			name, text := socketHeader(n.b, o)
			if name != "" && text != "" && validHeader(name) && !strings.ContainsAny(text, "\r\n\x00") {
				s.header[name] = []string{text}
			}
		}
	}
	return s, nil
}

// socketHeader is a line of the dialog's headers.
func socketHeader(b *flow.Base, o *value.Map) (name, text string) {
	name = texted(o.Get("keyType"))
	if name == "other" {
		name = texted(o.Get("keyValue"))
	}
	switch text = texted(o.Get("valueType")); text {
	case "other":
		text = texted(o.Get("valueValue"))
	case "env":
		text = texted(flow.ExpandEnv(b, texted(o.Get("valueValue"))))
	}
	return name, text
}

func (s *socketClient) connect() {
	config, err := s.config()
	if err != nil {
		s.failed(err)
		return
	}
	proxy, err := s.proxy()
	if err != nil {
		s.n.b.Warn(err.Error())
	}
	transport := &http.Transport{TLSClientConfig: config, DialContext: dialOf(s.n.b), Proxy: proxy}
	b := s.n.b
	go func() { // ends with the connection, or the node
		ctx, cancel := context.WithTimeout(b.Life(), socketPatience)
		conn, res, err := websocket.Dial(ctx, s.n.path, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport},
			HTTPHeader: s.header, Subprotocols: s.protocols, CompressionMode: websocket.CompressionDisabled})
		cancel()
		if res != nil && res.Body != nil && err != nil {
			_ = res.Body.Close() // the answer was no
		}
		if err != nil {
			b.Do(func() { s.failed(err) })
			return
		}
		p := newSocketPeer(conn)
		if !b.Do(func() { s.opened(p) }) {
			_ = conn.CloseNow() // nobody wants it
			return
		}
		if s.beat > 0 {
			go p.beat(b.Life(), s.beat) // ends with the connection
		}
		err = p.run(s.n)
		b.Do(func() { s.ended(p, err) })
	}()
}

// beat pings until the other side doesn't answer.
func (p *socketPeer) beat(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		limited, cancel := context.WithTimeout(ctx, every)
		err := p.conn.Ping(limited)
		cancel()
		if err != nil {
			_ = p.conn.CloseNow() // the reader learns of it
			return
		}
	}
}

func (s *socketClient) config() (*tls.Config, error) {
	if s.secure {
		return tlsFor(s.tls, true)
	}
	return defaultTLS(s.n.b)
}

func (s *socketClient) opened(p *socketPeer) {
	if s.closed {
		p.end()
		return
	}
	s.now = p
	s.n.show("connect", p.id)
}

// failed shows that there is no connection, and tries again.
func (s *socketClient) failed(err error) {
	id := flow.NewID()
	s.n.show("error", id)
	s.n.show("disconnect", id)
	s.n.b.Debug("An error occurred on the ws connection: " + err.Error())
	s.again()
}

func (s *socketClient) ended(p *socketPeer, err error) {
	if s.now == p {
		s.now = nil
	}
	if fault := socketError(err); fault != "" {
		s.n.show("error", p.id)
	}
	s.n.show("disconnect", p.id)
	s.again()
}

func (s *socketClient) again() {
	if !s.closed {
		s.timer = s.n.b.After(socketRetry, s.connect)
	}
}

// endTime is how long a server has to agree to the end.
const endTime = time.Second

// close ends the connection and calls done when the server has agreed.
func (s *socketClient) close(done func()) {
	s.closed = true
	s.timer.Stop()
	p := s.now
	if p == nil {
		done()
		return
	}
	go func() { // ends within endTime
		agreed := make(chan struct{})
		go func() { // ends within the library's patience
			defer close(agreed)
			_ = p.conn.Close(websocket.StatusNormalClosure, "") // it is over, whatever the other side says
		}()
		select {
		case <-agreed:
		case <-time.After(endTime):
		}
		done()
	}()
}

// proxy is how a server is reached, nil for directly.
func (s *socketClient) proxy() (func(*http.Request) (*url.URL, error), error) {
	to, err := url.Parse(s.n.path)
	if err != nil {
		return nil, nil //nolint:nilerr // the connection says what is wrong with the address
	}
	proxy, err := proxyFor(s.n.b, nil, to)
	if err != nil || proxy == nil {
		return nil, err
	}
	return http.ProxyURL(proxy), nil
}
