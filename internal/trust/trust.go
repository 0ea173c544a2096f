// Package trust is `tsunagi trust`: it puts the local authority into this machine's and its browsers' trust stores, and
// takes it out again. It says each thing that it does, and asks for no rights: what needs root is told, not tried.
package trust

import (
	"context"
	"crypto/sha1" //nolint:gosec // macOS names certificates so; nothing is protected by it
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Machine is what the stores of a machine are reached by.
type Machine struct {
	GOOS string
	Root string // put before every path of the system; "" in earnest
	Home string // of the person whose browsers are meant; "" for none
	// Super says whether the system's store may be written.
	Super bool
	Find  func(command string) bool
	Run   func(ctx context.Context, command string, args ...string) (output string, err error)
}

// step is one thing to do.
type step struct {
	words string // what it does
	super bool   // needs root
	tell  string // the command that does the same by hand
	do    func(context.Context) error
}

// authority is the certificate in question.
type authority struct {
	file string
	pem  []byte
	crt  *x509.Certificate
}

// load reads a certificate, which must be an authority's: nothing else has any business in a trust store.
func load(file string) (a authority, err error) {
	a.file = file
	if a.pem, err = os.ReadFile(file); err != nil {
		return a, fmt.Errorf("the authority's certificate: %w", err)
	}
	block, rest := pem.Decode(a.pem)
	if block == nil || block.Type != "CERTIFICATE" || len(strings.TrimSpace(string(rest))) > 0 {
		return a, fmt.Errorf("%s: want one PEM certificate and nothing else", file)
	}
	if a.crt, err = x509.ParseCertificate(block.Bytes); err != nil {
		return a, fmt.Errorf("%s: %w", file, err)
	}
	if !a.crt.IsCA {
		return a, fmt.Errorf("%s is not the certificate of an authority", file)
	}
	return a, nil
}

func (a authority) name() string { return a.crt.Subject.CommonName }

// short tells authorities of several installations apart in file names.
func (a authority) short() string {
	sum := sha256.Sum256(a.crt.Raw)
	return hex.EncodeToString(sum[:4])
}

func (a authority) sha1() string {
	sum := sha1.Sum(a.crt.Raw) //nolint:gosec // as above
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// anchors are where Linux systems keep what their people trust, and the command that takes it over.
var anchors = []struct {
	dir            string
	command        string
	add, removeArg []string
}{
	{"/usr/local/share/ca-certificates", "update-ca-certificates", nil, []string{"--fresh"}},          // Debian, Alpine
	{"/etc/pki/ca-trust/source/anchors", "update-ca-trust", []string{"extract"}, []string{"extract"}}, // Fedora
	{"/etc/ca-certificates/trust-source/anchors", "trust", []string{"extract-compat"}, []string{"extract-compat"}},
	{"/usr/share/pki/trust/anchors", "update-ca-certificates", nil, nil}, // SUSE
}

// steps are what is to be done on a machine.
func (m Machine) steps(a authority, remove bool) []step {
	switch m.GOOS {
	case "darwin":
		return m.keychain(a, remove)
	case "windows":
		return m.windows(a, remove)
	}
	return append(m.linux(a, remove), m.browsers(a, remove)...)
}

func (m Machine) linux(a authority, remove bool) []step {
	for _, s := range anchors {
		dir := m.Root + s.dir
		if info, err := os.Stat(dir); err != nil || !info.IsDir() || !m.Find(s.command) {
			continue
		}
		file := filepath.Join(dir, "tsunagi-"+a.short()+".crt")
		if remove {
			if _, err := os.Lstat(file); err != nil {
				return nil
			}
			return []step{{words: "the system's store: remove " + file + " and run " + s.command, super: true,
				tell: fmt.Sprintf("sudo rm %s && sudo %s", file, join(s.command, s.removeArg)), do: func(ctx context.Context) error {
					if err := os.Remove(file); err != nil {
						return err
					}
					return m.run(ctx, s.command, s.removeArg...)
				}}}
		}
		return []step{{words: "the system's store: write " + file + " and run " + s.command, super: true,
			tell: fmt.Sprintf("sudo install -m 644 %s %s && sudo %s", a.file, file, join(s.command, s.add)), do: func(ctx context.Context) error {
				if err := os.WriteFile(file, a.pem, 0o644); err != nil { //nolint:gosec // everybody reads it
					return err
				}
				return m.run(ctx, s.command, s.add...)
			}}}
	}
	return nil
}

// databases are where Firefox and Chromium look, below a home directory.
var databases = []string{".pki/nssdb", ".mozilla/firefox/*", "snap/firefox/common/.mozilla/firefox/*", "snap/chromium/current/.pki/nssdb",
	".var/app/org.mozilla.firefox/.mozilla/firefox/*", ".config/mozilla/firefox/*"}

func (m Machine) browsers(a authority, remove bool) (all []step) {
	if m.Home == "" {
		return nil
	}
	for _, pattern := range databases {
		found, err := filepath.Glob(filepath.Join(m.Home, filepath.FromSlash(pattern), "cert9.db"))
		if err != nil {
			continue // the patterns are ours
		}
		for _, db := range found {
			dir := "sql:" + filepath.Dir(db)
			args := []string{"-A", "-d", dir, "-n", a.name(), "-t", "C,,", "-i", a.file}
			words := "browser store: add to "
			if remove {
				args, words = []string{"-D", "-d", dir, "-n", a.name()}, "browser store: remove from "
				if _, err := m.Run(context.Background(), "certutil", "-L", "-d", dir, "-n", a.name()); err != nil {
					continue // it isn't there
				}
			}
			all = append(all, step{words: words + filepath.Dir(db), tell: join("certutil", args), do: func(ctx context.Context) error {
				if !m.Find("certutil") {
					return errors.New("certutil is missing: install libnss3-tools (Debian) or nss-tools (Fedora)")
				}
				return m.run(ctx, "certutil", args...)
			}})
		}
	}
	return all
}

func (m Machine) keychain(a authority, remove bool) []step {
	const keychain = "/Library/Keychains/System.keychain"
	args, words := []string{"add-trusted-cert", "-d", "-r", "trustRoot", "-k", keychain, a.file}, "the system's keychain: add"
	if remove {
		args, words = []string{"delete-certificate", "-t", "-Z", a.sha1(), keychain}, "the system's keychain: remove"
	}
	return []step{{words: words, super: true, tell: "sudo " + join("security", args), do: func(ctx context.Context) error {
		return m.run(ctx, "security", args...)
	}}}
}

func (m Machine) windows(a authority, remove bool) []step {
	args, words := []string{"-user", "-addstore", "Root", a.file}, "your root store: add (Windows asks you)"
	if remove {
		args, words = []string{"-user", "-delstore", "Root", a.crt.SerialNumber.Text(16)}, "your root store: remove"
	}
	return []step{{words: words, tell: join("certutil", args), do: func(ctx context.Context) error { return m.run(ctx, "certutil", args...) }}}
}

func (m Machine) run(ctx context.Context, command string, args ...string) error {
	out, err := m.Run(ctx, command, args...)
	if err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, strings.TrimSpace(out))
	}
	return nil
}

// join writes a command as a shell reads it.
func join(command string, args []string) string {
	all := []string{command}
	for _, a := range args {
		if strings.ContainsAny(a, " '\"$") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		all = append(all, a)
	}
	return strings.Join(all, " ")
}
