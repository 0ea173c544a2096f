package flow

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tsunagi/internal/flow/value"
)

// ContextStore says where context is kept, as an entry of Node-RED's contextStorage does.
type ContextStore struct {
	Name     string
	Module   string        // memory or localfilesystem
	Dir      string        // localfilesystem: the directory, in Node-RED's layout
	NoCache  bool          // localfilesystem: write at once; function nodes need callbacks, as in Node-RED
	Interval time.Duration // localfilesystem: between writes [30s]
}

// Contexts are the context stores of a runtime. They belong to its loop.
type Contexts struct {
	stores     []*store
	byName     map[string]*store
	standard   *store
	configured bool // by the user: contexts of nodes stay when the nodes are restarted
	bytes      int  // about what all values hold
	limit      int
	log        *slog.Logger
}

// store is one context store. Its values lie in memory; those of localfilesystem are also
// written, some time after they change.
type store struct {
	name    string
	data    map[string]*value.Map // by scope: "global", the id of a flow, or node:flow
	files   *contextFiles         // nil: in memory alone
	changed map[string]bool       // scopes to write
	due     bool                  // a write is planned or under way
	waiting []func(error)         // called when what is changed now is written
}

// maxContext is the default bound of what all contexts hold, in bytes.
const maxContext = 256 << 20

var storeName = regexp.MustCompile(`^[a-zA-Z0-9_]+$`)

// OpenContexts opens context stores and reads what they hold. standard names the one for keys
// that name none: the first when it is "". Without stores there is one in memory.
func OpenContexts(list []ContextStore, standard string, log *slog.Logger) (*Contexts, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &Contexts{byName: map[string]*store{}, configured: len(list) > 0, limit: maxContext, log: log}
	if len(list) == 0 {
		list = []ContextStore{{Name: "memory", Module: "memory"}}
	}
	for _, s := range list {
		if err := c.open(s); err != nil {
			return nil, errors.Join(fmt.Errorf("context store %q: %w", s.Name, err), c.Close())
		}
	}
	c.standard = c.stores[0]
	if standard != "" {
		if c.standard = c.byName[standard]; c.standard == nil {
			return nil, errors.Join(fmt.Errorf("the default context store %q is not in the list", standard), c.Close())
		}
	}
	return c, nil
}

func (c *Contexts) open(o ContextStore) error {
	switch {
	case !storeName.MatchString(o.Name) || o.Name == "_":
		return errors.New("the name may have letters, digits and _ only")
	case c.byName[o.Name] != nil:
		return errors.New("the name is there twice")
	}
	s := &store{name: o.Name, data: map[string]*value.Map{}, changed: map[string]bool{}}
	switch o.Module {
	case "memory":
	case "localfilesystem":
		if o.Dir == "" {
			return errors.New("localfilesystem needs a directory")
		}
		if o.Interval < 0 || o.NoCache {
			o.Interval = 0
		}
		s.files = &contextFiles{dir: filepath.Clean(o.Dir), each: o.Interval, noCache: o.NoCache}
		data, err := s.files.load(c.limit - c.bytes)
		if err != nil {
			return err
		}
		s.data = data
		for _, m := range data {
			c.bytes += value.Size(m.Value())
		}
	default:
		return fmt.Errorf("module %q: want memory or localfilesystem", o.Module)
	}
	c.stores, c.byName[o.Name] = append(c.stores, s), s
	return nil
}

// Close lets go of the stores without writing; a Runtime that runs does it in the end.
func (c *Contexts) Close() (err error) {
	for _, s := range c.stores {
		if s.files != nil {
			err = errors.Join(err, s.files.close())
		}
	}
	return err
}

// Limit bounds what all contexts together hold, in bytes [256 MiB]; it is called before a
// Runtime has them.
func (c *Contexts) Limit(bytes int) { c.limit = bytes }

// Names are the names of the stores, the default one apart.
func (c *Contexts) Names() (all []string, standard string) {
	for _, s := range c.stores {
		all = append(all, s.name)
	}
	return all, c.standard.name
}

// store returns a store by the name in a key, the default one for what isn't there.
func (r *Runtime) store(name string) *store {
	c := r.contexts
	if s := c.byName[name]; s != nil {
		return s
	}
	if name != "" && name != "_" && name != c.standard.name && name != "default" && !r.noted["store "+name] {
		r.noted["store "+name] = true
		r.o.Log.Warn("context store is not there: the default one is used", "store", name, "default", c.standard.name)
	}
	return c.standard
}

// drop forgets a scope.
func (c *Contexts) drop(s *store, scope string) {
	if m := s.data[scope]; m != nil {
		c.bytes -= value.Size(m.Value())
		delete(s.data, scope)
		if s.files != nil {
			s.changed[scope] = true // its file goes with the next write
		}
	}
}

// end forgets the context of a node that is stopped, unless the user has configured stores:
// then it stays until the node is gone from the flows.
func (c *Contexts) end(scope string) {
	if !c.configured {
		c.drop(c.standard, scope)
	}
}

// cleanContexts drops the contexts of nodes and flows that known doesn't know.
func (r *Runtime) cleanContexts() {
	known := func(id string) bool {
		for _, part := range strings.Split(id, "-") { // copies in subflow instances: instance-inner
			if r.graph.all.get(part) == nil {
				return r.graph.all.get(id) != nil
			}
		}
		return true
	}
	for _, s := range r.contexts.stores {
		for scope := range s.data {
			node, flow, ok := strings.Cut(scope, ":")
			if scope != globalID && (!known(node) || ok && flow != "" && flow != globalID && !known(flow)) {
				r.contexts.drop(s, scope)
			}
		}
		if len(s.changed) > 0 {
			r.plan(s)
		}
	}
}

// full is the error for a value that there is no room for.
func (c *Contexts) full() error {
	return NewError("context is full: it holds %d MiB, the most there may be; remove keys by setting them to undefined", c.limit>>20)
}

// touch notes that a scope changed, and plans to write it.
func (r *Runtime) touch(s *store, scope string) {
	if s.files == nil {
		return
	}
	if contextPath(scope) == "" {
		if !r.noted["scope "+scope] {
			r.noted["scope "+scope] = true
			r.o.Log.Warn("this id can't be a file name: its context is kept in memory only", "id", scope)
		}
		return
	}
	s.changed[scope] = true
	r.plan(s)
}

// plan makes sure that what has changed will be written.
func (r *Runtime) plan(s *store) {
	if s.files == nil || s.due {
		return
	}
	s.due = true
	r.later(s.files.each, func() { r.flush(s) })
}

// flush writes what has changed, away from the loop. What fails is tried again.
func (r *Runtime) flush(s *store) {
	batch, waiting := s.batch()
	s.files.busy.Go(func() { // ends with the write; Run waits for it in the end
		err := r.write(s, batch)
		r.in.urgent(event{run: func() { r.flushed(s, waiting, err) }})
	})
}

// write writes a batch; what fails is left in the files' unsaved.
func (r *Runtime) write(s *store, batch []contextFile) error {
	wrote, err := s.files.write(batch)
	r.o.Written.Add("context", wrote)
	return err
}

func (r *Runtime) flushed(s *store, waiting []func(error), err error) {
	s.due = false
	s.again()
	if err != nil {
		r.o.Log.Error("context not written; it will be tried again", "store", s.name, "error", err)
		s.due = true
		r.later(max(s.files.each, 5*time.Second), func() { r.flush(s) })
	} else if len(s.changed) > 0 || len(s.waiting) > 0 {
		r.plan(s)
	}
	for _, f := range waiting {
		f(err)
	}
}

// again marks what could not be written as changed.
func (s *store) again() {
	for _, f := range s.files.takeUnsaved() {
		s.changed[f.scope] = true
	}
}

// batch takes what has changed, as text.
func (s *store) batch() ([]contextFile, []func(error)) {
	batch := make([]contextFile, 0, len(s.changed))
	for scope := range s.changed {
		f := contextFile{scope: scope}
		if m := s.data[scope]; m != nil {
			f.text = value.AppendIndented(nil, m.Value(), 4)
		}
		batch = append(batch, f)
	}
	slices.SortFunc(batch, func(a, b contextFile) int { return strings.Compare(a.scope, b.scope) })
	clear(s.changed)
	waiting := s.waiting
	s.waiting = nil
	return batch, waiting
}

// saveContexts writes all that isn't written yet, when the loop has ended.
func (r *Runtime) saveContexts() (err error) {
	for _, s := range r.contexts.stores {
		if s.files == nil {
			continue
		}
		s.files.busy.Wait()
		s.again()
		batch, _ := s.batch()
		if failed := r.write(s, batch); failed != nil {
			err = errors.Join(err, fmt.Errorf("context store %q: %w", s.name, failed))
		}
		err = errors.Join(err, s.files.close())
	}
	return err
}

// ContextStores are the names of the stores, the default one first.
func (b *Base) ContextStores() []string {
	names := []string{b.rt.contexts.standard.name}
	for _, s := range b.rt.contexts.stores {
		if s != b.rt.contexts.standard {
			names = append(names, s.name)
		}
	}
	return names
}

// CallbackStores are the names of the stores that function nodes reach with callbacks only:
// those of files without a cache.
func (b *Base) CallbackStores() (names []string) {
	for _, s := range b.rt.contexts.stores {
		if s.files != nil && s.files.noCache {
			names = append(names, s.name)
		}
	}
	return names
}

// WhenKept calls f on the loop when all that the store holds now is on the disk.
func (b *Base) WhenKept(store string, f func(error)) {
	s := b.rt.store(store)
	if s.files == nil || len(s.changed) == 0 && !s.due {
		b.After(0, func() { f(nil) })
		return
	}
	s.waiting = append(s.waiting, f)
}

// Keys are the names of what is kept in a store, in the order in which it was first set.
func (c Context) Keys(store string) []string {
	data := c.rt.store(store).data[c.id]
	if data == nil {
		return nil
	}
	keys := make([]string, 0, data.Len())
	for key := range data.All() {
		keys = append(keys, key)
	}
	return keys
}
