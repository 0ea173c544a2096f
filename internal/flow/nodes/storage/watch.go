package storage

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

const (
	gatherTime = 200 * time.Millisecond // changes of one name within it are one
	maxDirs    = 8192                   // directories that one node watches
	maxChanged = 10_000                 // names that change within gatherTime
)

// watch tells of changes to files and directories.
type watch struct {
	b         *flow.Base
	recursive bool
	names     []string
	topic     string
}

// Watch watches files and directories.
func Watch() flow.Type {
	return flow.Type{Name: "watch", Fields: []string{"files", "recursive"}, New: newWatch}
}

func newWatch(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &watch{b: b, recursive: c.Get("recursive").Truthy()}
	list := value.NewList()
	for _, name := range strings.Split(c.Str("files"), ",") {
		n.names = append(n.names, strings.TrimSpace(name))
		list.Append(value.Str(strings.TrimSpace(name)))
	}
	n.topic = n.names[0]
	if len(n.names) > 1 {
		n.topic = value.JSON(list.Value())
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, flow.NewError("this machine can't watch more files: %v", err)
	}
	o := &observer{n: n, w: w, dirs: map[string]string{}, files: map[string]string{}}
	var faults []error
	for _, name := range n.names {
		if err := o.add(name); err != nil {
			faults = append(faults, err)
		}
	}
	b.After(0, func() { // when nodes are there to hear of it
		for _, err := range faults {
			b.Error(err, flow.NewMsg("payload", ""))
		}
	})
	go o.run()
	return n, nil
}

// Receive gets nothing: the node has no input.
func (n *watch) Receive(m *flow.Msg) { n.b.Done(m, nil) }

// observer gathers what the system tells, in a goroutine that ends with the node.
type observer struct {
	n       *watch
	w       *fsnotify.Watcher
	dirs    map[string]string // real path of a watched directory → how the dialog names it
	files   map[string]string // the same of single files, whose directories are watched for them
	changed []string          // in the order of their first change, by how the dialog names them
}

// add watches what a name of the dialog stands for.
func (o *observer) add(name string) error {
	real, err := o.n.b.Files().Real(name)
	if err != nil {
		if o.n.b.Files().Confined() {
			return err
		}
		return flow.NewError("%s does not exist.", name)
	}
	info, err := os.Stat(real)
	if err != nil {
		return flow.FileError("stat", name, err)
	}
	if info.IsDir() {
		return o.directory(real, filepath.Clean(name))
	}
	o.files[real] = filepath.Clean(name)
	if err := o.w.Add(filepath.Dir(real)); err != nil {
		return flow.FileError("watch", name, err)
	}
	return nil
}

// directory watches a directory, and those in it if the dialog says so.
func (o *observer) directory(real, name string) error {
	if len(o.dirs) >= maxDirs {
		return flow.NewError("more than %d directories are to be watched: name those that count", maxDirs)
	}
	if err := o.w.Add(real); err != nil {
		return flow.FileError("watch", name, err)
	}
	o.dirs[real] = name
	if !o.n.recursive {
		return nil
	}
	list, err := os.ReadDir(real)
	if err != nil {
		return nil //nolint:nilerr // one that can't be listed is watched itself
	}
	for _, e := range list {
		if e.IsDir() {
			if err := o.directory(filepath.Join(real, e.Name()), filepath.Join(name, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *observer) run() {
	defer o.w.Close() //nolint:errcheck // it only lets go
	var due <-chan time.Time
	for {
		select {
		case <-o.n.b.Life().Done():
			return
		case e, ok := <-o.w.Events:
			if !ok {
				return
			}
			if o.note(e) && due == nil {
				due = time.After(gatherTime)
			}
		case err := <-o.w.Errors:
			if err != nil {
				o.n.b.Do(func() { o.n.b.Error(flow.NewError("%v", err), flow.NewMsg("payload", "")) })
			}
		case <-due:
			due = nil
			o.report()
		}
	}
}

// note takes a change down. It says whether there is something to report.
func (o *observer) note(e fsnotify.Event) bool {
	name, known := o.files[e.Name]
	if dir, watched := o.dirs[filepath.Dir(e.Name)]; watched {
		name, known = filepath.Join(dir, filepath.Base(e.Name)), true
	}
	if !known {
		return false
	}
	if e.Has(fsnotify.Create) && o.n.recursive {
		if info, err := os.Lstat(e.Name); err == nil && info.IsDir() {
			if err := o.directory(e.Name, name); err != nil {
				o.n.b.Do(func() { o.n.b.Error(err, flow.NewMsg("payload", "")) })
			}
		}
	}
	if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
		delete(o.dirs, e.Name)
	}
	for _, c := range o.changed {
		if c == name {
			return true
		}
	}
	if len(o.changed) < maxChanged {
		o.changed = append(o.changed, name)
	}
	return true
}

// report sends a message for each name that changed.
func (o *observer) report() {
	changed := withoutTemporary(o.changed, o.there)
	o.changed = nil
	for _, name := range changed {
		m := o.message(name)
		o.n.b.Do(func() { o.n.b.Send(m) })
	}
}

func (o *observer) there(name string) bool {
	_, err := o.n.b.Files().Stat(name)
	return err == nil
}

// withoutTemporary leaves out the temporary files of text editors, a~ and .#a beside a, that
// came and went.
func withoutTemporary(names []string, there func(string) bool) (out []string) {
	plain := func(n string) string { return strings.TrimPrefix(strings.TrimSuffix(n, "~"), ".#") }
	seen, special, twice := map[string]bool{}, false, false
	for _, n := range names {
		p := plain(n)
		special = special || p != n
		twice = twice || seen[p]
		seen[p] = true
	}
	for _, n := range names {
		if !special || !twice || there(n) {
			out = append(out, n)
		}
	}
	return out
}

func (o *observer) message(name string) *flow.Msg {
	info, err := o.n.b.Files().Stat(name)
	event := "update"
	if err != nil {
		event = "remove"
	}
	m := flow.NewMsg("payload", name, "topic", o.n.topic, "file", filepath.Base(name), "filename", name, "event", event)
	typ := "none"
	if err == nil {
		typ = kindOf(info.Mode())
		if typ == "file" {
			m.Set("size", value.Num(float64(info.Size())))
		}
	}
	m.Set("type", value.Str(typ))
	return m
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "file"
	case m.IsDir():
		return "directory"
	case m&fs.ModeCharDevice != 0:
		return "characterdevice"
	case m&fs.ModeDevice != 0:
		return "blockdevice"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeNamedPipe != 0:
		return "fifo"
	}
	return "n/a"
}
