package mail_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"tsunagi/internal/account"
	"tsunagi/internal/mail"
)

const secret = "s3cr3t-t0ken"

var invitation = account.InviteMail{To: "reader@example.org", Token: secret, Expires: time.Date(2026, 11, 29, 11, 0, 0, 0, time.UTC)}

// text stands in for the catalogue.
func text(language, key string, args ...any) string { return fmt.Sprint(language, " ", key, args) }

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	var logged bytes.Buffer
	s, err := mail.New(mail.Options{Dir: dir, PanelURL: "https://localhost:8443", Text: text, Log: slog.New(slog.NewTextHandler(&logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := s.Invite(t.Context(), invitation)
	if err != nil || sent != "file" {
		t.Fatalf("Invite = %q, %v", sent, err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(names) != 1 || !strings.HasSuffix(names[0], ".eml") {
		t.Fatalf("files %v", names)
	}
	for path, mode := range map[string]os.FileMode{names[0]: 0o600, dir: 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
	raw, _ := os.ReadFile(names[0])
	if n := strings.Count(string(raw), "\nhttps://localhost:8443/invitation#token="+secret+"\n"); n != 2 {
		t.Errorf("the link stands %d times on a line of its own:\n%s", n, raw)
	}
	for _, want := range []string{"en api.mail.invite.text[server localhost:8443]", "ja api.mail.invite.text", "2026-11-29 11:00 UTC", "To: <reader@example.org>"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %q in\n%s", want, raw)
		}
	}
	if !strings.Contains(logged.String(), filepath.Base(names[0])) || strings.Contains(logged.String(), secret) {
		t.Errorf("log: %s", logged.String())
	}
}

func TestSMTP(t *testing.T) {
	for _, security := range []string{"starttls", "tls", "none"} {
		t.Run(security, func(t *testing.T) {
			server := newServer(t, security)
			s := server.sender(t, security, "pass word")
			sent, err := s.Invite(t.Context(), invitation)
			if err != nil || sent != "mail" {
				t.Fatalf("Invite = %q, %v", sent, err)
			}
			m := server.only(t)
			subject, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			if !strings.Contains(subject, "en api.mail.invite.subject") || !strings.Contains(subject, " / ja") {
				t.Errorf("subject %q", subject)
			}
			body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
			if err != nil || !strings.Contains(string(body), "#token="+secret+"\r\n") {
				t.Errorf("body %q, %v", body, err)
			}
			if m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("Message-Id") == "" {
				t.Errorf("header %v", m.Header)
			}
		})
	}
}

func TestSMTPRefuses(t *testing.T) {
	t.Run("wrong password", func(t *testing.T) {
		server := newServer(t, "starttls")
		if _, err := server.sender(t, "starttls", "wrong").Invite(t.Context(), invitation); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a server without TLS gets no password", func(t *testing.T) {
		server := newServer(t, "none")
		if _, err := server.sender(t, "starttls", "pass word").Invite(t.Context(), invitation); err == nil {
			t.Error("was sent in clear")
		}
		if server.logins != 0 {
			t.Error("the password went over the wire")
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		s, err := mail.New(mail.Options{Host: "127.0.0.1", Port: port, From: "a@example.org", Security: "none", Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Invite(t.Context(), invitation); err == nil {
			t.Error("no error")
		}
	})
	t.Run("silence", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		s, err := mail.New(mail.Options{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, From: "a@example.org", Security: "none", Text: text, Timeout: 50 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Invite(t.Context(), invitation); err == nil {
			t.Error("no error")
		}
	})
	for name, o := range map[string]mail.Options{"nothing set up": {}, "security": {Host: "localhost", Port: 25, Security: "maybe"}, "port": {Host: "localhost", Security: "tls"}} {
		t.Run(name, func(t *testing.T) {
			if _, err := mail.New(o); err == nil {
				t.Error("was accepted")
			}
		})
	}
}

func TestHostileAddress(t *testing.T) {
	s, err := mail.New(mail.Options{Dir: t.TempDir(), PanelURL: "https://localhost", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	m := invitation
	m.To = "a@example.org\r\nBcc: b@example.org"
	if _, err := s.Invite(t.Context(), m); err == nil {
		t.Error("a header was let in")
	}
}

// server is an SMTP server on loopback that keeps what it gets.
type server struct {
	port  int
	roots *x509.CertPool

	mu     sync.Mutex // guards the fields below
	mails  [][]byte
	logins int
}

func newServer(t *testing.T, security string) *server {
	t.Helper()
	cert, roots := certificate(t)
	s := &server{roots: roots}
	srv := smtp.NewServer(s)
	srv.Domain = "127.0.0.1"
	srv.ErrorLog = discard{}
	srv.AllowInsecureAuth = security == "none"
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	if security == "starttls" {
		srv.TLSConfig = config
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if security == "tls" {
		l = tls.NewListener(l, config)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return s
}

func (s *server) sender(t *testing.T, security, password string) *mail.Sender {
	t.Helper()
	out, err := mail.New(mail.Options{Host: "127.0.0.1", Port: s.port, User: "us", Password: password, From: "Tsunagi <us@example.org>",
		Security: security, Roots: s.roots, PanelURL: "https://localhost:8443", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *server) only(t *testing.T) *netmail.Message {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mails) != 1 {
		t.Fatalf("%d mails", len(s.mails))
	}
	m, err := netmail.ReadMessage(bytes.NewReader(s.mails[0]))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) { return &talk{server: s}, nil }

type talk struct {
	server *server
	in     bool
}

func (k *talk) AuthMechanisms() []string { return []string{sasl.Plain} }

func (k *talk) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		k.server.mu.Lock()
		k.server.logins++
		k.server.mu.Unlock()
		if user != "us" || password != "pass word" {
			return errors.New("no")
		}
		k.in = true
		return nil
	}), nil
}

func (k *talk) Mail(string, *smtp.MailOptions) error {
	if !k.in {
		return smtp.ErrAuthRequired
	}
	return nil
}
func (k *talk) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (k *talk) Reset()                               {}
func (k *talk) Logout() error                        { return nil }
func (k *talk) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	k.server.mu.Lock()
	defer k.server.mu.Unlock()
	k.server.mails = append(k.server.mails, raw)
	return err
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestLetters writes each kind once: in the reader's language, with its link.
func TestLetters(t *testing.T) {
	for _, kind := range []account.LetterKind{account.LetterJoin, account.LetterHave, account.LetterReset, account.LetterPassword, account.LetterNewPlace, account.LetterFactorOff, account.LetterDeleted, account.LetterCertificate, account.LetterQuota} {
		for _, language := range []string{"en", "ja", ""} {
			dir := t.TempDir()
			s, err := mail.New(mail.Options{Dir: dir, PanelURL: "https://example.org", Text: text})
			if err != nil {
				t.Fatal(err)
			}
			l := account.Letter{Kind: kind, To: "reader@example.org", Language: language, Remote: "192.0.2.7", Agent: "Browser"}
			if kind == account.LetterJoin || kind == account.LetterReset {
				l.Token, l.Expires = secret, invitation.Expires
			}
			if err := s.Letter(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			files, err := os.ReadDir(dir)
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			raw, err := os.ReadFile(filepath.Join(dir, files[0].Name()))
			if err != nil {
				t.Fatal(err)
			}
			got := string(raw)
			for _, part := range []string{".subject", ".text", ".end"} {
				if !strings.Contains(got, "api.mail."+string(kind)+part) {
					t.Errorf("%s in %q lacks its %s:\n%s", kind, language, part, got)
				}
			}
			if l.Token != "" && !strings.Contains(got, "#token="+secret) {
				t.Errorf("%s has no link:\n%s", kind, got)
			}
			if both := strings.Contains(got, "en api.mail.greeting") && strings.Contains(got, "ja api.mail.greeting"); both != (language == "") {
				t.Errorf("%s in %q: languages\n%s", kind, language, got)
			}
		}
	}
}
