// Package mail sends mail: through an SMTP server where one is set up, else as files in the data directory, whose
// names are logged and whose links are not.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/wneessen/go-mail"
)

// Options of New.
type Options struct {
	Host     string // mail server; "" writes files to Dir
	Port     int
	User     string // login on the mail server; "" for none
	Password string
	From     string         // sender's address
	Security string         // "starttls" (always, never downgraded), "tls", "none"
	Roots    *x509.CertPool // of the mail server's certificate; nil: the system's
	Timeout  time.Duration  // longest wait for the mail server at each step [10s]
	Dir      string         // where files go, made when needed
	PanelURL string         // origin of the panel, without slash at the end
	// Text gives a text of the catalogue; args are pairs of placeholder and value.
	Text func(language, key string, args ...any) string
	// Cause gives a broker's words for the end of a connection in a language; nil: they stay as they are.
	Cause     func(language, words string) string
	Languages []string // that a mail carries when its reader's is unknown [en, ja]
	Log       *slog.Logger
}

// Sender sends mail. It is safe for many goroutines.
type Sender struct {
	o      Options
	client *mail.Client // nil: files
}

// New checks the options. It connects to nobody.
func New(o Options) (*Sender, error) {
	if len(o.Languages) == 0 {
		o.Languages = []string{"en", "ja"}
	}
	if o.Cause == nil {
		o.Cause = func(_, words string) string { return words }
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Host == "" {
		if o.Dir == "" {
			return nil, errors.New("mail: want a mail server or a directory")
		}
		return &Sender{o: o}, nil
	}
	config := &tls.Config{ServerName: o.Host, RootCAs: o.Roots, MinVersion: tls.VersionTLS12}
	options := []mail.Option{mail.WithPort(o.Port), mail.WithTimeout(o.Timeout), mail.WithTLSConfig(config)}
	auth := mail.SMTPAuthAutoDiscover
	switch o.Security {
	case "starttls":
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case "tls":
		options = append(options, mail.WithSSL())
	case "none":
		auth = mail.SMTPAuthPlainNoEnc // settings allow it on loopback only
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return nil, fmt.Errorf("mail: security %q: want starttls, tls or none", o.Security)
	}
	if o.User != "" {
		options = append(options, mail.WithSMTPAuth(auth), mail.WithUsername(o.User), mail.WithPassword(o.Password))
	}
	client, err := mail.NewClient(o.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return &Sender{o: o, client: client}, nil
}

// send hands a text to the mail server, or writes it to a file, and says which: "mail" or "file".
func (s *Sender) send(ctx context.Context, to, subject, text string) (string, error) {
	encoding := mail.EncodingQP
	if s.client == nil {
		encoding = mail.NoEncoding // 8bit: the file is read by people, who copy the link out of it
	}
	m := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(encoding), mail.WithNoDefaultUserAgent())
	from := s.o.From
	if from == "" {
		from = "tsunagi@localhost"
	}
	if err := errors.Join(m.From(from), m.To(to)); err != nil {
		return "", fmt.Errorf("mail to %s: %w", to, err)
	}
	m.Subject(subject)
	m.SetDate()
	m.SetMessageID()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	m.SetBodyString(mail.TypeTextPlain, text)
	if s.client == nil {
		return "file", s.write(m, to)
	}
	if err := s.client.DialAndSendWithContext(ctx, m); err != nil {
		return "", fmt.Errorf("mail through %s: %w", s.o.Host, err)
	}
	return "mail", nil
}

// write keeps a mail as a file that only the process's user can read. The file has all of it, or isn't there.
func (s *Sender) write(m *mail.Msg, to string) error {
	if err := os.MkdirAll(s.o.Dir, 0o700); err != nil {
		return fmt.Errorf("mail directory: %w", err)
	}
	f, err := os.CreateTemp(s.o.Dir, ".new-*") // 0600
	if err != nil {
		return fmt.Errorf("mail file: %w", err)
	}
	defer os.Remove(f.Name()) // gone already where all went well
	_, err = m.WriteTo(f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("mail file: %w", err)
	}
	name := filepath.Join(s.o.Dir, time.Now().UTC().Format("20060102-150405")+filepath.Base(f.Name())[len(".new"):]+".eml")
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("mail file: %w", err)
	}
	s.o.Log.Info("no mail server is set up, so the mail was written to a file; give it to its reader", "file", name, "to", to)
	return nil
}
