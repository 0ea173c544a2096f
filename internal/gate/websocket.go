package gate

import (
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it; nothing is kept secret by it
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"tsunagi/internal/mqtt"
)

// WebSocketOptions say how MQTT over WebSocket is offered.
type WebSocketOptions struct {
	// Plain also serves requests that came without TLS: for --dev, and behind a proxy that ends TLS.
	Plain bool
	// Secure says whether a request without TLS of ours came through TLS all the same, to that proxy. [no]
	Secure func(*http.Request) bool
	// Check refuses a request with 403, by the words of its error. Cookies are never looked at. [no one]
	Check func(*http.Request) error
}

// WebSocket serves MQTT at /mqtt and /mqtt/<instance>. Below a TLS listener there must be Listener.
func (s *Server) WebSocket(o WebSocketOptions) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, words := o.judge(w, r); status != 0 {
			http.Error(w, words, status)
			return
		}
		a := &caller{srv: s, ws: new(frames), peer: remoteAddr(r.RemoteAddr)}
		a.hello = Hello{Host: hostOf(r.Host), Instance: instanceOf(r.URL.Path), Key: r.URL.Query().Get("key"), Origin: r.Header.Get("Origin"),
			Remote: r.RemoteAddr, Via: viaWS}
		if r.TLS != nil || o.Secure != nil && o.Secure(r) {
			a.hello.Via, a.hello.Secure = viaWSS, true
		}
		if r.TLS != nil {
			a.hello.TLS = r.TLS.Version
		}
		s.upgrade(w, r, a)
	})
}

// judge checks a request; status 0 lets it through.
func (o WebSocketOptions) judge(w http.ResponseWriter, r *http.Request) (status int, words string) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.URL.Path != "/mqtt" && instanceOf(r.URL.Path) == "":
		return http.StatusNotFound, "MQTT over WebSocket is at /mqtt and /mqtt/<instance>."
	case r.Method != http.MethodGet:
		h.Set("Allow", http.MethodGet)
		return http.StatusMethodNotAllowed, "A WebSocket begins with GET."
	case !hasToken(r.Header, "Connection", "upgrade") || !hasToken(r.Header, "Upgrade", "websocket"):
		h.Set("Upgrade", "websocket")
		h.Set("Connection", "Upgrade")
		return http.StatusUpgradeRequired, "This address speaks MQTT over WebSocket: use an MQTT client that can, with this address and the subprotocol mqtt."
	case r.TLS == nil && !o.Plain:
		return http.StatusUpgradeRequired, "WebSocket is served over TLS only: connect with wss://"
	case r.Header.Get("Sec-Websocket-Version") != "13":
		h.Set("Sec-Websocket-Version", "13")
		return http.StatusUpgradeRequired, "This server speaks version 13 of the WebSocket protocol."
	case !validKey(r.Header.Get("Sec-Websocket-Key")):
		return http.StatusBadRequest, "Sec-WebSocket-Key must be 16 bytes in base64."
	case subprotocol(r.Header) == "": // [MQTT-6.0.0-3]
		return http.StatusBadRequest, "The client must offer the WebSocket subprotocol mqtt."
	}
	if o.Check != nil {
		if err := o.Check(r); err != nil {
			return http.StatusForbidden, err.Error()
		}
	}
	return 0, ""
}

// subprotocol is the name of MQTT that the client is answered with: "mqtt" [MQTT-6.0.0-4], or what clients of 3.1 called
// it when they offer nothing else; empty: it offers neither.
func subprotocol(h http.Header) string {
	for _, name := range [...]string{"mqtt", "mqttv3.1"} {
		if hasToken(h, "Sec-Websocket-Protocol", name) {
			return name
		}
	}
	return ""
}

// upgrade takes the connection from the HTTP server and starts it.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, a *caller) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.log.Error("a WebSocket can't be taken from the HTTP server", "err", err)
		http.Error(w, "This server can't switch to WebSocket here.", http.StatusInternalServerError)
		return
	}
	a.stream = nc
	if err := a.takeApart(nc); err != nil {
		s.log.Error("a WebSocket can't be served", "err", err)
		_ = nc.Close()
		return
	}
	if n := rw.Reader.Buffered(); n > 0 {
		b, _ := rw.Reader.Peek(n) // they are buffered
		a.early = append([]byte(nil), b...)
	}
	if err := s.begin(a); err != nil {
		s.crowded(a.hello.Remote, err)
		_, _ = nc.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
		_ = nc.Close()
		return
	}
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: " + subprotocol(r.Header) + "\r\n" +
		"Sec-WebSocket-Accept: " + acceptKey(r.Header.Get("Sec-Websocket-Key")) + "\r\n\r\n"
	s.workers.start(&s.wg, func() { // ends by the deadline of begin, or with the login
		if _, err := nc.Write([]byte(head)); err != nil {
			s.settled(a)
			s.admission.leave()
			_ = nc.Close()
			return
		}
		a.serve(s.launch)
	})
}

// takeApart finds the socket under the layers of an HTTP server's connection.
func (a *caller) takeApart(nc net.Conn) error {
	if t, ok := nc.(*tls.Conn); ok {
		w, ok := t.NetConn().(*wire)
		if !ok {
			return fmt.Errorf("the HTTPS server's listener is %T, want one that was made by gate.Listener", t.NetConn())
		}
		a.tls, a.wire, a.tcp = t, w, w.TCPConn
		return nil
	}
	switch c := nc.(type) {
	case *wire:
		a.tcp = c.TCPConn
	case *net.TCPConn:
		a.tcp = c
	default:
		return fmt.Errorf("the HTTP server's connection is %T, want TCP", nc)
	}
	return nil
}

// NextProto serves a connection that asked for MQTT by ALPN on an HTTPS port: put it into http.Server.TLSNextProto
// under "mqtt". It returns when the connection has ended, because the HTTP server then closes it; see Recall.
func (s *Server) NextProto(_ *http.Server, t *tls.Conn, _ http.Handler) {
	a := &caller{srv: s, stream: t, lent: true}
	if err := a.takeApart(t); err != nil {
		s.log.Error("MQTT by ALPN can't be served", "err", err)
		return
	}
	a.peer = remoteAddr(t.RemoteAddr().String())
	a.hello = Hello{Remote: t.RemoteAddr().String(), Via: viaMQTTS, Secure: true, TLS: t.ConnectionState().Version}
	if err := s.begin(a); err != nil {
		s.crowded(a.hello.Remote, err)
		return
	}
	s.wg.Add(1)
	defer s.wg.Done()
	a.serve((*conn).run)
}

// Recall ends the connections that HTTP servers lent through NextProto, and takes no more of them: the Shutdown of such
// a server waits for them. Their clients get DISCONNECT 0x8B.
func (s *Server) Recall() {
	s.mu.Lock()
	s.recalled = true
	for a := range s.callers {
		if a.lent {
			_ = a.tcp.SetDeadline(time.Unix(1, 0)) // wakes whoever reads
		}
	}
	s.mu.Unlock()
	s.each(func(c *conn) {
		if c.lent {
			c.sess.expel(mqtt.ServerShuttingDown, errStopping.Words)
		}
	})
}

// acceptKey is the proof that a WebSocket handshake was understood (RFC 6455, 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	return base64.StdEncoding.EncodeToString(sum[:])
}

func validKey(key string) bool {
	b, err := base64.StdEncoding.DecodeString(key)
	return err == nil && len(b) == 16
}

// hasToken says whether a header that is a list holds a token.
func hasToken(h http.Header, name, token string) bool {
	for _, v := range h.Values(name) {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// instanceOf is the last part of /mqtt/<instance>; empty where there is none.
func instanceOf(path string) string {
	id, ok := strings.CutPrefix(path, "/mqtt/")
	if !ok || strings.Contains(id, "/") {
		return ""
	}
	return id
}

// hostOf is the host of a Host header, without port and brackets, in lower case.
func hostOf(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	return strings.ToLower(strings.Trim(strings.TrimSuffix(host, "."), "[]"))
}
