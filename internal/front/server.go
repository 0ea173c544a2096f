package front

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of a request before a handler sees it.
const (
	headerTime  = 10 * time.Second
	idleTime    = 2 * time.Minute
	headerBytes = 32 << 10
)

// Server is one HTTP or HTTPS listener.
type Server struct {
	name     string
	listener net.Listener
	tls      *tls.Config // nil: without TLS
	http     *http.Server
	done     chan error
	places   *Places
}

// Protocol serves a connection that asked for another protocol than HTTP by ALPN, until it ends.
type Protocol = func(*http.Server, *tls.Conn, http.Handler)

// NewServer serves h on l, over TLS when config is given. It starts nothing.
func NewServer(name string, l net.Listener, config *tls.Config, h http.Handler, log *slog.Logger) *Server {
	if config != nil {
		config = config.Clone()
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	protocols := new(http.Protocols) // named, because TLSNextProto alone would turn HTTP/2 off
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &Server{
		name:     name,
		listener: l,
		tls:      config,
		done:     make(chan error, 1),
		http: &http.Server{
			Handler:           h,
			TLSConfig:         config,
			Protocols:         protocols,
			ConnContext:       keepPeer,
			ReadHeaderTimeout: headerTime,
			IdleTimeout:       idleTime,
			MaxHeaderBytes:    headerBytes,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}
}

// Name is what the log calls this server.
func (s *Server) Name() string { return s.name }

// OnStop has f called as Stop begins, to end what would go on for long.
func (s *Server) OnStop(f func()) { s.http.RegisterOnShutdown(f) }

// Speak offers a further protocol by ALPN. Shutdown waits for its connections, so OnStop must end them. Call it before
// Start, on a server with TLS.
func (s *Server) Speak(name string, serve Protocol) {
	s.tls.NextProtos = append(s.tls.NextProtos, name)
	if s.http.TLSNextProto == nil {
		s.http.TLSNextProto = map[string]Protocol{}
	}
	s.http.TLSNextProto[name] = func(h *http.Server, c *tls.Conn, next http.Handler) {
		if s.places != nil { // whoever speaks it counts it by itself
			s.places.leave()
			defer s.places.enter() // the server lets go of it when it is closed
		}
		serve(h, c, next)
	}
}

// Bound has the server's connections counted in p, which servers may share. Call it before Start.
func (s *Server) Bound(p *Places) {
	s.places = p
	s.http.ConnState = p.state
}

// Start begins to serve; the goroutine ends with Stop.
func (s *Server) Start(context.Context) error {
	l := s.listener
	if s.tls != nil {
		l = tls.NewListener(l, s.tls)
	}
	go func() { s.done <- s.http.Serve(l) }()
	return nil
}

// Stop refuses new requests and waits for those under way, until ctx ends.
func (s *Server) Stop(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	if serveErr := <-s.done; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}
