package network

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

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
