package app

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"tsunagi/internal/panel"
	"tsunagi/internal/release"
)

const releaseUsage = `Usage: tsunagi release key FILE
       tsunagi release sign --key FILE --version VERSION --target TARGET PROGRAM DIR

Signs programs for devices. "key" makes a key, which stays with those who make releases; "sign" puts a program into a
directory that "serve --updates DIR" offers. TARGET is system and processor: linux-arm64, linux-armv7, linux-armv6,
linux-amd64.

`

// releaseCommand is "tsunagi release".
func releaseCommand(_ context.Context, args []string, s Streams) int {
	flags := pflag.NewFlagSet("release", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	key := flags.String("key", "", "file of the key")
	version := flags.String("version", "", "what the program says its version is")
	target := flags.String("target", "", "system and processor")
	err := flags.Parse(args)
	switch a := flags.Args(); {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprint(s.Out, releaseUsage, flags.FlagUsages())
		return ExitOK
	case err == nil && len(a) == 2 && a[0] == "key":
		return exitCode("release", newReleaseKey(a[1], s.Out), s)
	case err == nil && len(a) == 3 && a[0] == "sign" && *key != "":
		return exitCode("release", signRelease(*key, *version, *target, a[1], a[2], s.Out), s)
	case err == nil:
		err = errors.New("want `key FILE`, or `sign --key FILE --version VERSION --target TARGET PROGRAM DIR`")
	}
	fmt.Fprintf(s.Err, "tsunagi release: %v\n", err)
	return ExitUsage
}

func newReleaseKey(name string, out io.Writer) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(private.Seed()))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Public key, for the setting update_key of devices:\n%s\n", base64.StdEncoding.EncodeToString(public))
	return err
}

func signRelease(keyFile, version, target, program, dir string, out io.Writer) error {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return fmt.Errorf("%s: want a key as `tsunagi release key` makes it", keyFile)
	}
	m, err := release.Shelf{Dir: dir}.Put(ed25519.NewKeyFromSeed(seed), version, target, program)
	if err == nil {
		_, err = fmt.Fprintf(out, "Signed %s for %s, %d bytes.\n", m.Version, m.Target, m.Size)
	}
	return err
}

// panelUpdates shows the signed programs to the panel; nil where the settings name none.
func (c *cloud) panelUpdates() panel.Updates {
	if c.cfg.Updates == "" {
		return nil
	}
	return panelUpdates{release.Shelf{Dir: c.cfg.Updates}, c.log}
}

type panelUpdates struct {
	release.Shelf
	log *slog.Logger
}

func (p panelUpdates) Key() []byte {
	key, err := p.Shelf.Key()
	if err != nil {
		p.log.Warn("key of the releases for devices not read", "error", err)
	}
	return key
}

func (p panelUpdates) Find(target string) (string, bool) {
	m, err := p.Shelf.Find(target)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			p.log.Warn("release for devices not usable", "target", target, "error", err)
		}
		return "", false
	}
	return m.Version, true
}

func (p panelUpdates) Open(target string) ([]byte, int64, io.ReadCloser, error) {
	m, err := p.Shelf.Find(target)
	if err != nil {
		return nil, 0, nil, err
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, 0, nil, err
	}
	program, err := p.Shelf.Open(m)
	return raw, m.Size, program, err
}
