package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// ErrNotRunning says that nobody listens on the socket.
var ErrNotRunning = errors.New("`tsunagi serve` is not running with this data directory")

// OnBackup says how a backup is written; it comes before Start. Its errors up to the first byte are told to the caller
// in words, later ones cut the answer off.
func (s *Server) OnBackup(write func(ctx context.Context, w io.Writer) error) { s.backup = write }

// writeBackup streams a backup, however long that takes, as long as the caller goes on reading.
func (s *Server) writeBackup(w http.ResponseWriter, r *http.Request) {
	if s.backup == nil {
		http.NotFound(w, r)
		return
	}
	if !s.backingUp.TryLock() {
		tell(w, http.StatusConflict, fault{"conflict", "another backup is being made; try again when it has ended"})
		return
	}
	defer s.backingUp.Unlock()
	out := &patient{w: w, control: http.NewResponseController(w)}
	_ = out.control.SetWriteDeadline(time.Time{}) // the copies of the databases take their time
	w.Header().Set("Content-Type", "application/x-tar")
	err := s.backup(r.Context(), out)
	if err == nil {
		s.log.Info("backup written", "bytes", out.written)
		return
	}
	s.log.Error("backup failed", "error", err)
	if out.written == 0 {
		tell(w, http.StatusInternalServerError, fault{"internal", err.Error()})
		return
	}
	panic(http.ErrAbortHandler) // so that what has been sent isn't taken for whole
}

func tell(w http.ResponseWriter, status int, f fault) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(f) // the caller may be gone
}

// patient is a writer whose deadline begins anew with each write.
type patient struct {
	w       io.Writer
	control *http.ResponseController
	written int64
}

func (p *patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(patience)) // where it isn't supported nothing is lost
	n, err := p.w.Write(b)
	p.written += int64(n)
	return n, err
}

// Backup has the running server of a data directory write a backup to w. It wraps ErrNotRunning where there is none.
func Backup(ctx context.Context, socket string, w io.Writer) error {
	c := newClient(socket)
	c.http.Timeout = 0
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://admin/backup", http.NoBody)
	if err != nil {
		return err
	}
	answer, err := c.http.Do(r)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return ErrNotRunning
	}
	if err != nil {
		return c.explain(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(io.LimitReader(answer.Body, maxBody))
		var f fault
		if json.Unmarshal(raw, &f) == nil && f.Detail != "" {
			return errors.New(f.Detail)
		}
		return fmt.Errorf("the server answered %s: %s", answer.Status, strings.TrimSpace(string(raw)))
	}
	if _, err := io.Copy(w, answer.Body); err != nil {
		return fmt.Errorf("the backup broke off (the server's log says why, where it is to blame): %w", err)
	}
	return nil
}
