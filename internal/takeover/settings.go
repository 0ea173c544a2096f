// Package takeover makes of a Node-RED installation a data directory of `tsunagi flow`: flows,
// credentials, context, library, users and the settings that have a meaning here. What it
// can't take over is said before anything is written.
package takeover

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tsunagi/internal/flow/script"
	"tsunagi/internal/flow/value"
)

//go:embed prelude.js
var prelude string

// maxSettings bounds a settings file, in bytes.
const maxSettings = 1 << 20

// settings is what a settings.js exports, as far as it is looked at. Other keys are in all.
type settings struct {
	FlowFile         any            `json:"flowFile"`
	CredentialSecret any            `json:"credentialSecret"` // a text, or false for no encryption
	UIPort           any            `json:"uiPort"`
	UIHost           any            `json:"uiHost"`
	UserDir          any            `json:"userDir"`
	AdminAuth        map[string]any `json:"adminAuth"`
	ContextStorage   map[string]any `json:"contextStorage"`
	Logging          struct {
		Console struct {
			Level any `json:"level"`
		} `json:"console"`
	} `json:"logging"`
	EditorTheme struct {
		Page struct {
			Title any `json:"title"`
		} `json:"page"`
		Projects struct {
			Enabled bool `json:"enabled"`
		} `json:"projects"`
	} `json:"editorTheme"`

	all    map[string]any
	order  []string // keys of all
	needed []string // modules that the file requires
}

// readSettings runs settings.js in an engine of its own: two seconds, 64 MiB, and nothing of
// the machine within reach but the environment that env has. Without a file all is default.
func readSettings(dir string, env []string) (*settings, error) {
	s := &settings{all: map[string]any{}}
	text, err := readBounded(filepath.Join(dir, "settings.js"), maxSettings)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	v, err := evaluate(dir, string(text), env)
	if err != nil {
		return nil, fmt.Errorf("settings.js can't be read: %w", err)
	}
	exported := v.Get("settings")
	if m := exported.Map(); m == nil || m.Has("$function") || m.Has("$needs") {
		return nil, errors.New("settings.js exports no object: a settings file that is a function can't be taken over; give its values in settings.js as an object")
	}
	raw := []byte(value.JSON(exported))
	if err := errors.Join(json.Unmarshal(raw, &s.all), json.Unmarshal(raw, s)); err != nil {
		return nil, fmt.Errorf("settings.js: %w", err)
	}
	for key := range exported.Map().All() {
		s.order = append(s.order, key)
	}
	for _, n := range v.Get("needed").List().All() {
		s.needed = append(s.needed, n.Text())
	}
	return s, nil
}

func evaluate(dir, text string, env []string) (*value.Map, error) {
	vm, err := script.New(script.Limits{Memory: 64 << 20, Time: 2 * time.Second})
	if err != nil {
		return nil, err
	}
	defer vm.Close()
	begin, err := vm.Eval("prelude", prelude)
	if err != nil {
		return nil, err
	}
	defer vm.Free(begin)
	variables := value.NewMap(len(env))
	for _, e := range env {
		if name, val, ok := strings.Cut(e, "="); ok && name != "" {
			variables.Set(name, value.Str(val))
		}
	}
	host, err := vm.From(value.MapOf("dir", filepath.ToSlash(dir), "env", variables).Value())
	if err != nil {
		return nil, err
	}
	defer vm.Free(host)
	result, err := vm.Call(begin, host)
	if err != nil {
		return nil, err
	}
	defer vm.Free(result)
	// in a function, as Node.js does it: a return at the top and let module are allowed
	if strings.HasPrefix(text, "#!") {
		text = "//" + text
	}
	r, err := vm.Eval("settings.js", "(function () {"+text+"\n})()")
	if err != nil {
		return nil, err
	}
	vm.Free(r)
	out, err := vm.Call(result)
	if err != nil {
		return nil, err
	}
	defer vm.Free(out)
	v, err := vm.To(out)
	if err != nil {
		return nil, err
	}
	if v.Map() == nil {
		return nil, errors.New("it exports nothing")
	}
	return v.Map(), nil
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: want a regular file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s is larger than %d KiB", path, limit>>10)
	}
	return text, err
}
