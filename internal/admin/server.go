package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tsunagi/internal/account"
)

// Bounds of a request.
const (
	maxBody   = 64 << 10
	patience  = 30 * time.Second // of one request
	socketMax = 100              // longest path that a socket address holds everywhere, in bytes
)

// Server listens on the socket.
type Server struct {
	name     string
	accounts *account.Service
	text     func(language, key string, args ...any) string
	log      *slog.Logger
	http     *http.Server
	done     chan error

	ownerLink func(context.Context) (string, error)        // nil: there is none
	backup    func(ctx context.Context, w io.Writer) error // nil: there is none
	status    func() any                                   // nil: there is none
	histories Histories                                    // nil: there are none
	api       http.Handler                                 // nil: there is none
	backingUp sync.Mutex                                   // held while one is made
}

// NewServer serves the accounts on the socket in dir. text gives the texts of failures. It starts nothing.
func NewServer(dir string, accounts *account.Service, text func(language, key string, args ...any) string, log *slog.Logger) *Server {
	s := &Server{name: filepath.Join(dir, SocketName), accounts: accounts, text: text, log: log, done: make(chan error, 1)}
	s.http = &http.Server{Handler: s.routes(), ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: patience, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	return s
}

// Name is what the log calls this part.
func (s *Server) Name() string { return "admin socket" }

// Start opens the socket; the goroutine ends with Stop. A socket that a killed process left behind is replaced: the
// data directory is ours alone.
func (s *Server) Start(context.Context) error {
	l, err := listen(s.name)
	if err != nil {
		return fmt.Errorf("admin socket %s: %w", s.name, err)
	}
	go func() { s.done <- s.http.Serve(l) }()
	return nil
}

// Stop waits for requests under way until ctx ends, and removes the socket.
func (s *Server) Stop(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	if serveErr := <-s.done; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	if gone := os.Remove(s.name); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// OnStatus has f say how what runs here is. It must be called before Start.
func (s *Server) OnStatus(f func() any) { s.status = f }

// listen makes the socket with mode 0600. It is made inside a directory of mode 0700 and moved to its place, so that
// at no moment another user could open it.
func listen(name string) (net.Listener, error) {
	if info, err := os.Lstat(name); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, errors.New("there is something else of that name; move it away")
	}
	dir, err := os.MkdirTemp(filepath.Dir(name), ".admin-*") // 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	addr, release, err := shortPath(filepath.Join(dir, "s"))
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := net.Listen("unix", addr)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // it will have another name
	made := filepath.Join(dir, "s")
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, name)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// shortPath is a way to name that fits into a socket's address. A long one goes through the directory's descriptor;
// release closes that.
func shortPath(name string) (short string, release func(), err error) {
	if len(name) <= socketMax {
		return name, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(name)), func() { _ = dir.Close() }, nil
}

// routes is the table of what can be asked.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /accounts", s.answer(s.createAccount))
	mux.Handle("GET /instances/{id}/users", s.answer(s.listUsers))
	mux.Handle("POST /instances/{id}/users", s.answer(s.createUser))
	mux.Handle("PATCH /instances/{id}/users/{name}", s.answer(s.setUser))
	mux.Handle("DELETE /instances/{id}/users/{name}", s.answer(s.deleteUser))
	mux.Handle("GET /instances/{id}/rules", s.answer(s.listRules))
	mux.Handle("POST /instances/{id}/rules", s.answer(s.createRule))
	mux.Handle("POST /owner-link", s.answer(s.makeOwnerLink))
	mux.Handle("POST /instances/{id}/import", s.answerUpTo(importMax, s.importUsers))
	mux.HandleFunc("POST /backup", s.writeBackup)
	mux.Handle("GET /status", s.answer(func(*http.Request) (any, error) {
		if s.status == nil {
			return nil, &account.Error{Code: account.NotFound, Key: "api.not_found"}
		}
		return s.status(), nil
	}))
	mux.Handle("/api/", unhurried(http.HandlerFunc(s.serveAPI)))
	s.historyRoutes(mux)
	return mux
}

// answer turns a function into a handler.
func (s *Server) answer(f func(*http.Request) (any, error)) http.Handler {
	return s.answerUpTo(maxBody, f)
}

// answerUpTo is answer for bodies of so many bytes.
func (s *Server) answerUpTo(limit int64, f func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		out, err := f(r)
		w.Header().Set("Content-Type", "application/json")
		if err == nil {
			_ = json.NewEncoder(w).Encode(out) // the caller may be gone
			return
		}
		tell(w, http.StatusUnprocessableEntity, s.fault(r, err))
	})
}

// fault is a failure in words; one that is none of the caller's is logged.
func (s *Server) fault(r *http.Request, err error) fault {
	if known, ok := errors.AsType[*account.Error](err); ok {
		return fault{Code: string(known.Code), Detail: s.text("en", known.Key, known.Args...)}
	}
	s.log.Error("admin request failed", "route", r.Pattern, "error", err)
	return fault{Code: string(account.Internal), Detail: s.text("en", "api.internal")}
}

func decode[T any](r *http.Request) (in T, err error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if d.Decode(&in) != nil {
		return in, &account.Error{Code: account.Invalid, Key: "api.invalid"}
	}
	return in, nil
}
