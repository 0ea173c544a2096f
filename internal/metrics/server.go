package metrics

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// Server is the operator's own listener, on loopback: metrics, health and profiles. It has no login, so nothing of it
// may stand on another port.
type Server struct {
	listener net.Listener
	http     *http.Server
	done     chan error
}

// NewServer serves on l what fill puts on a page, and whether ready says nil. It starts nothing.
func NewServer(l net.Listener, fill func(*Page), ready func() error, log *slog.Logger) *Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		var p Page
		fill(&p)
		w.Header().Set("Content-Type", ContentType)
		_, _ = p.WriteTo(w) // the peer may be gone
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n")) // the peer may be gone
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return &Server{listener: l, done: make(chan error, 1), http: &http.Server{
		Handler: local(mux), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
}

// local refuses what a page from elsewhere makes a browser on this machine ask for: a Host that is a name (DNS
// rebinding), or an Origin at all.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) || r.Header.Get("Origin") != "" {
			http.Error(w, "This listener answers to this machine only.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Start begins to serve; the goroutine ends with Stop.
func (s *Server) Start(context.Context) error {
	go func() { s.done <- s.http.Serve(s.listener) }()
	return nil
}

// Stop waits for requests under way until ctx ends.
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
