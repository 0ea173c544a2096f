package takeover

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"tsunagi/internal/editor"
)

// Bounds of what is copied.
const (
	maxCopied = 20_000
	maxBytes  = 512 << 20
)

// SettingsFile is the file of settings in a data directory that `tsunagi flow` reads by itself.
const SettingsFile = "flow.toml"

// Write makes the data directory. What makes it one, the flows with their credentials, comes
// last and at once.
func (p *Plan) Write() error {
	if err := p.vacant(); err != nil {
		return err
	}
	store, err := editor.OpenStore(p.o.Data)
	if err != nil {
		return err
	}
	left := budget{maxCopied, maxBytes}
	for _, c := range p.copies {
		if err = copyTree(c.from, c.to, &left); err != nil {
			break
		}
	}
	if err == nil {
		err = p.writeSettings()
	}
	if err == nil {
		err = store.Install(p.files)
	}
	return errors.Join(err, store.Close())
}

// writeSettings writes what is another value than the default.
func (p *Plan) writeSettings() error {
	out := map[string]any{"listen": p.settings.Listen}
	if p.settings.Title != "" {
		out["title"] = p.settings.Title
	}
	if p.settings.Log.Level != "" {
		out["log"] = map[string]any{"level": p.settings.Log.Level}
	}
	if len(p.settings.Context) > 0 {
		out["context"] = p.settings.Context
	}
	if p.settings.ContextDefault != "" {
		out["context_default"] = p.settings.ContextDefault
	}
	var text bytes.Buffer
	text.WriteString("# Settings of tsunagi flow, taken over from Node-RED. Options and TSUNAGI_ variables win over them.\n")
	if err := toml.NewEncoder(&text).Encode(out); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.o.Data, SettingsFile), text.Bytes(), 0o600)
}

// budget is what may still be copied.
type budget struct {
	files int
	bytes int64
}

// copyTree copies regular files and directories; links and others are left out.
func copyTree(from, to string, left *budget) error {
	root, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // only read
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		place := filepath.Join(to, filepath.FromSlash(name))
		if d.IsDir() {
			return os.MkdirAll(place, 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		in, err := root.Open(name)
		if err != nil {
			return err
		}
		defer in.Close() //nolint:errcheck // only read
		if left.files--; left.files < 0 {
			return fmt.Errorf("%s has more than %d files", from, maxCopied)
		}
		out, err := os.OpenFile(place, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		n, err := io.Copy(out, io.LimitReader(in, left.bytes+1))
		if left.bytes -= n; left.bytes < 0 {
			err = errors.Join(err, fmt.Errorf("%s has more than %d MiB", from, maxBytes>>20))
		}
		return errors.Join(err, out.Sync(), out.Close())
	})
}
