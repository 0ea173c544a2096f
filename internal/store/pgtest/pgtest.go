// Package pgtest starts a real PostgreSQL for tests, reached by a socket below a temporary directory.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql's driver "pgx"
)

// ErrMissing is why nothing was started: there is no PostgreSQL on this machine, or nobody whom it would run as.
var ErrMissing = errors.New("PostgreSQL's server is not installed (package postgresql)")

// Server is a running one.
type Server struct {
	dir     string
	process *exec.Cmd
	ended   chan struct{}
	port    string // on loopback; "": the socket alone
}

// Start makes a database cluster and starts its server; Stop ends it.
func Start() (*Server, error) { return start(nil, nil) }

// StartTLS is Start for a server that listens on 127.0.0.1 as well, and there takes nothing but TLS with this certificate
// and key, both PEM.
func StartTLS(certificate, key []byte) (*Server, error) { return start(certificate, key) }

func start(certificate, key []byte) (*Server, error) {
	initdb, server := find("initdb"), find("postgres")
	if initdb == "" || server == "" {
		return nil, ErrMissing
	}
	dir, err := os.MkdirTemp("", "pg") // short, since the name of a socket has at most 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, ended: make(chan struct{})}
	as, err := s.owner()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	data := filepath.Join(dir, "data")
	first := exec.Command(initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	first.Dir, first.SysProcAttr = dir, as
	if out, err := first.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(dir))
	}
	var more []string
	if certificate != nil {
		if more, err = s.encrypt(data, certificate, key); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	if err := s.run(server, as, more); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// encrypt gives a cluster its certificate and its rules, and says what the server is to be started with.
func (s *Server) encrypt(data string, certificate, key []byte) ([]string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, s.port, _ = net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil { // PostgreSQL chooses no port by itself
		return nil, err
	}
	owner, err := os.Stat(data)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string][]byte{"server.crt": certificate, "server.key": key,
		"pg_hba.conf": []byte("local all all trust\nhostssl all all 127.0.0.1/32 trust\n")} {
		name = filepath.Join(data, name)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return nil, err
		}
		if as, ok := owner.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
			if err := os.Chown(name, int(as.Uid), int(as.Gid)); err != nil {
				return nil, err
			}
		}
	}
	return []string{"-c", "listen_addresses=127.0.0.1", "-c", "port=" + s.port, "-c", "ssl=on"}, nil
}

func (s *Server) run(server string, as *syscall.SysProcAttr, more []string) error {
	args := []string{"-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"}
	s.process = exec.Command(server, append(args, more...)...)
	s.process.Dir, s.process.SysProcAttr = s.dir, as
	var log strings.Builder
	s.process.Stdout, s.process.Stderr = &log, &log
	if err := s.process.Start(); err != nil {
		return err
	}
	go func() { defer close(s.ended); _ = s.process.Wait() }() // ends with the process
	for end := time.Now().Add(time.Minute); ; {
		err := s.do("postgres", "select 1")
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("postgres ended: %s", log.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			return errors.Join(err, s.Stop())
		}
	}
}

// owner gives the directory to whom the server runs as: it refuses to be root.
func (s *Server) owner() (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, os.Chown(s.dir, uid, gid)
}

// find looks for a program in the path and where Debian keeps PostgreSQL's, the newest first.
func find(name string) string {
	versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	slices.Sort(versions)
	if len(versions) > 0 {
		return versions[len(versions)-1]
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// URL names a database of the server, as a setting does.
func (s *Server) URL(database string) string {
	q := url.Values{"host": {s.dir}, "user": {"postgres"}}
	if s.port != "" {
		q.Set("port", s.port)
	}
	return "postgres:///" + database + "?" + q.Encode()
}

// TLSURL names a database as it is reached on loopback by a host name, with what the query of such an address says
// about TLS.
func (s *Server) TLSURL(host, database string, query url.Values) string {
	return "postgres://postgres@" + net.JoinHostPort(host, s.port) + "/" + database + "?" + query.Encode()
}

// Make makes a database where there is none of that name.
func (s *Server) Make(database string) error {
	err := s.do("postgres", "create database "+database)
	if err != nil && strings.Contains(err.Error(), "already exists") {
		return nil
	}
	return err
}

// Do runs statements in a database.
func (s *Server) Do(database, text string) error { return s.do(database, text) }

func (s *Server) do(database, text string) error {
	db, err := sql.Open("pgx", s.URL(database))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(context.Background(), text)
	return errors.Join(err, db.Close())
}

// Stop ends the server and removes its files.
func (s *Server) Stop() error {
	err := s.process.Process.Signal(syscall.SIGINT) // fast: sessions are ended
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		err = errors.Join(err, s.process.Process.Kill())
		<-s.ended
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
