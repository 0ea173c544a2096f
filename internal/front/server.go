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
	http     *http.Server
	done     chan error
}

// NewServer serves h on l, over TLS when config is given. It starts nothing.
func NewServer(name string, l net.Listener, config *tls.Config, h http.Handler, log *slog.Logger) *Server {
	if config != nil {
		config = config.Clone()
		config.NextProtos = []string{"h2", "http/1.1"}
		l = tls.NewListener(l, config)
	}
	return &Server{
		name:     name,
		listener: l,
		done:     make(chan error, 1),
		http: &http.Server{
			Handler:           h,
			TLSConfig:         config,
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

// Start begins to serve; the goroutine ends with Stop.
func (s *Server) Start(context.Context) error {
	go func() { s.done <- s.http.Serve(s.listener) }()
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
