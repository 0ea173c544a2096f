package hosted

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"tsunagi/internal/account"
)

// Server is one flow server that is to run.
type Server struct {
	ID       string // small letters and digits; names its directory
	Name     string // DNS label
	MemoryMB int    // MiB it may use [256]
	CPU      int    // percent of one processor it may use, over ten seconds and more [100]
}

// States of a flow server.
const (
	Starting = "starting"
	Running  = "running"
	Stopped  = "stopped"
	Failed   = "failed" // it died or didn't start; it is tried again after a while
)

// Status is how a flow server is.
type Status struct {
	State         string
	Cause         string          // why it isn't running, in words
	MemoryMB      int             // MiB in use
	MemoryLimitMB int             // MiB it may use
	CPU           int             // percent of one processor in use
	CPULimit      int             // percent of one processor it may use
	Restarts      int             // times it died and was started again
	Sandbox       map[string]bool // which walls are up
}

// Errors of a Manager.
var (
	ErrUnknown = errors.New("no such flow server")
	ErrName    = errors.New("flow server: the name must be a DNS label that is not reserved, and the id small letters and digits")
	ErrTaken   = errors.New("flow server: another one has this name")
	ErrClosed  = errors.New("flow servers are being stopped")
)

var validID = regexp.MustCompile(`^[a-z0-9]{1,40}$`)

// Manager runs the flow servers. It starts none by itself.
type Manager struct {
	o      Options
	dialer *dialer
	walls  atomic.Pointer[walls] // what the system allows, known after the first start

	users sync.Mutex // held while a directory gets its user

	divided sync.Once // the search for cgroups
	cgroups *delegation

	mu     sync.Mutex
	byID   map[string]*process
	byName map[string]*process
	closed bool
}

// New returns a Manager without flow servers.
func New(o Options) (*Manager, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	return &Manager{o: o, dialer: o.dialer(), byID: map[string]*process{}, byName: map[string]*process{}}, nil
}

// Start makes a flow server run and keeps it running. It doesn't wait for it to be ready. One that was stopped is
// started again, with the limits given now; one that runs is left alone.
func (m *Manager) Start(s Server) error {
	if !account.ValidLabel(s.Name) || !validID.MatchString(s.ID) {
		return ErrName
	}
	if s.MemoryMB == 0 {
		s.MemoryMB = 256
	}
	if s.CPU == 0 {
		s.CPU = 100
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	if old := m.byID[s.ID]; old != nil {
		if old.status().State != Stopped {
			return nil
		}
		delete(m.byName, old.server.Name)
	}
	if m.byName[s.Name] != nil {
		return ErrTaken
	}
	dir := m.dir(s.ID)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("flow server: %w", err)
	}
	p := newProcess(m, s, dir)
	m.byID[s.ID], m.byName[s.Name] = p, p
	go p.run() // ends with p.stop
	return nil
}

// Stop ends a flow server in order, and by force when it takes too long. It is known still, and can be started again.
func (m *Manager) Stop(ctx context.Context, id string) error {
	p := m.find(id)
	if p == nil {
		return ErrUnknown
	}
	return p.end(ctx)
}

// Restart ends a flow server and starts it again, also one that had failed.
func (m *Manager) Restart(ctx context.Context, id string) error {
	p := m.find(id)
	if p == nil {
		return ErrUnknown
	}
	if err := p.end(ctx); err != nil {
		return err
	}
	return m.Start(p.server)
}

// Remove ends a flow server and deletes its directory. One that isn't known may have a directory, too.
func (m *Manager) Remove(ctx context.Context, id string) error {
	if !validID.MatchString(id) {
		return ErrUnknown
	}
	if p := m.find(id); p != nil {
		if err := p.end(ctx); err != nil {
			return err
		}
		m.mu.Lock()
		delete(m.byID, id)
		delete(m.byName, p.server.Name)
		m.mu.Unlock()
	}
	if err := os.RemoveAll(m.dir(id)); err != nil {
		return fmt.Errorf("flow server: %w", err)
	}
	return nil
}

// Status says how a flow server is; one that isn't known is stopped.
func (m *Manager) Status(id string) Status {
	if p := m.find(id); p != nil {
		return p.status()
	}
	return Status{State: Stopped}
}

// Close stops all flow servers, all at once, and takes no new ones.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	all := make([]*process, 0, len(m.byID))
	for _, p := range m.byID {
		all = append(all, p)
	}
	m.mu.Unlock()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, p := range all {
		wg.Go(func() { errs[i] = p.end(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Host is the host name of a flow server's editor.
func (m *Manager) Host(name string) string { return "edit-" + name + m.o.Zone }

// EditorURL is the address of a flow server's editor, with a slash at the end.
func (m *Manager) EditorURL(name string) string {
	host := m.Host(name)
	if m.o.Port != 443 {
		host = net.JoinHostPort(host, strconv.Itoa(m.o.Port))
	}
	return "https://" + host + "/"
}

// PagesURL is the address of what the flows of a flow server offer, with a slash at the end.
func (m *Manager) PagesURL(name string) string {
	host := name + m.o.Zone
	if m.o.Port != 443 {
		host = net.JoinHostPort(host, strconv.Itoa(m.o.Port))
	}
	return "https://" + host + "/"
}

// Knows tells whether a host, with or without port, is an origin of a flow server.
func (m *Manager) Knows(host string) bool { return m.byHost(host) != nil }

func (m *Manager) dir(id string) string { return filepath.Join(m.o.Dir, "flows", id) }

func (m *Manager) find(id string) *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.byID[id]
}

// byHost finds the flow server whose editor a host is, or the origin of what its flows serve. No name begins with edit-.
func (m *Manager) byHost(host string) *process {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	name, ok := strings.CutSuffix(host, m.o.Zone)
	if !ok {
		return nil
	}
	name = strings.TrimPrefix(name, "edit-")
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.byName[name]
}
