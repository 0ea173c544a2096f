package flow

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"tsunagi/internal/flow/value"
)

// contextFiles keeps contexts as Node-RED's localfilesystem does: global/global.json,
// <flow>/flow.json and <flow>/<node>.json, each an object of its keys.
type contextFiles struct {
	dir     string
	each    time.Duration // between writes
	noCache bool

	mu      sync.Mutex     // one writer at a time
	root    *os.Root       // of dir: no id of a flow leads out of it
	unsaved []contextFile  // what could not be written
	busy    sync.WaitGroup // writes that are under way
}

// contextFile is one scope to write; without text it is to be removed.
type contextFile struct {
	scope string
	text  []byte
}

// contextPath is where a scope is kept, "" for an id that is no file name.
func contextPath(scope string) string {
	node, flow, ok := strings.Cut(scope, ":")
	switch {
	case scope == globalID:
		return "global/global.json"
	case !ok:
		node, flow = "flow", scope
	}
	for _, name := range []string{node, flow} {
		if name == "" || name[0] == '.' || len(name) > 200 || strings.ContainsAny(name, "/\\\x00:") {
			return ""
		}
	}
	return flow + "/" + node + ".json"
}

// contextScope is the reverse of contextPath.
func contextScope(dir, file string) string {
	name := strings.TrimSuffix(file, ".json")
	switch {
	case dir == "global" && name == "global":
		return globalID
	case name == "flow":
		return dir
	}
	return name + ":" + dir
}

// load reads every context, up to limit bytes of text in all.
func (c *contextFiles) load(limit int) (map[string]*value.Map, error) {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return nil, err
	}
	c.root = root
	data := map[string]*value.Map{}
	names, err := fs.Glob(root.FS(), "*/*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		dir, file := path.Split(name)
		if strings.HasPrefix(dir, ".") || strings.HasPrefix(file, ".") {
			continue
		}
		m, size, err := c.read(name, limit)
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w; repair it, or move it away", c.dir, name, err)
		}
		limit -= size
		if m != nil {
			data[contextScope(path.Clean(dir), file)] = m
		}
	}
	return data, nil
}

func (c *contextFiles) read(name string, limit int) (*value.Map, int, error) {
	f, err := c.root.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, 0, err
	}
	if len(text) > limit {
		return nil, 0, errors.New("the contexts are larger than what may be held in memory")
	}
	if strings.TrimSpace(string(text)) == "" {
		return nil, 0, nil
	}
	v, err := value.Parse(text)
	if err != nil {
		return nil, 0, err
	}
	if v.Map() == nil {
		return nil, 0, errors.New("want a JSON object")
	}
	return v.Map(), len(text), nil
}

// write replaces files, each at once: a reader, also one after a power cut, finds the old
// content or the new. It returns how many bytes it wrote.
func (c *contextFiles) write(batch []contextFile) (wrote int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dirs := map[string]bool{}
	for _, f := range batch {
		name := contextPath(f.scope)
		if name == "" {
			continue
		}
		dir := path.Dir(name)
		dirs[dir] = true
		failed := error(nil)
		if f.text == nil {
			failed = c.remove(name)
		} else if failed = c.replace(dir, name, f.text); failed == nil {
			wrote += len(f.text)
		}
		if failed != nil {
			err = errors.Join(err, failed)
			c.unsaved = append(c.unsaved, f)
		}
	}
	for dir := range dirs {
		if failed := c.sync(dir); failed != nil {
			return wrote, errors.Join(err, failed)
		}
	}
	return wrote, err
}

func (c *contextFiles) remove(name string) error {
	if err := c.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_ = c.root.Remove(path.Dir(name)) // when it was the last one in it
	return nil
}

func (c *contextFiles) replace(dir, name string, text []byte) error {
	if err := c.root.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temporary := dir + "/." + path.Base(name) + ".new"
	f, err := c.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return c.root.Rename(temporary, name)
}

// sync makes the names in a directory durable; one that is gone needs nothing.
func (c *contextFiles) sync(dir string) error {
	d, err := c.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		dir = "."
		d, err = c.root.Open(dir)
	}
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, fs.ErrPermission) {
		err = nil // Windows has no such call and needs none
	}
	return errors.Join(err, d.Close())
}

// takeUnsaved returns what could not be written.
func (c *contextFiles) takeUnsaved() []contextFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.unsaved
	c.unsaved = nil
	return list
}

func (c *contextFiles) close() error {
	if c.root == nil {
		return nil
	}
	return c.root.Close()
}
