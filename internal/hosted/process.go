package hosted

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// stableTime is how long a child must have run for its next death to count as the first.
const stableTime = time.Minute

// maxBackoff bounds the wait before a restart, as a multiple of Options.Backoff.
const maxBackoff = 64

// process is one flow server: its children, one after the other.
type process struct {
	m      *Manager
	server Server
	dir    string
	quit   chan struct{} // closed to end
	over   chan struct{} // closed when run has returned
	once   sync.Once

	mu       sync.Mutex
	state    string
	cause    string // for the owner, in the panel
	public   string // as much of it as anybody may read
	restarts int
	child    *child // nil while there is none
}

func newProcess(m *Manager, s Server, dir string) *process {
	return &process{m: m, server: s, dir: dir, quit: make(chan struct{}), over: make(chan struct{}), state: Starting}
}

// run keeps a child running until quit.
func (p *process) run() {
	defer close(p.over)
	log := p.m.o.Log.With("flow_server", p.server.ID, "name", p.server.Name)
	wait := p.m.o.Backoff
	for {
		began := time.Now()
		err := p.runOnce()
		select {
		case <-p.quit:
			p.set(Stopped, "", nil)
			return
		default:
		}
		if time.Since(began) > stableTime {
			wait = p.m.o.Backoff
		}
		log.Warn("flow server died", "cause", err, "restart_in", wait)
		p.set(Failed, err.Error(), nil)
		if shown := (publicError{}); errors.As(err, &shown) {
			p.show(shown.Error())
		}
		select {
		case <-p.quit:
			p.set(Stopped, "", nil)
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, maxBackoff*p.m.o.Backoff)
		p.mu.Lock()
		p.restarts++
		p.mu.Unlock()
	}
}

// runOnce runs one child from its start to its end, and says why it ended.
func (p *process) runOnce() error {
	p.set(Starting, p.lastCause(), nil)
	c, err := p.m.spawn(p)
	if err != nil {
		return fmt.Errorf("it could not be started: %w", err)
	}
	p.set(Starting, p.lastCause(), c)
	patience := time.NewTimer(p.m.o.Patience)
	defer patience.Stop()
	select {
	case <-c.ready:
		c.checkMemory(p.server.MemoryMB) // so that the first status has a figure
		p.set(Running, "", c)
	case <-patience.C:
		c.kill(fmt.Errorf("it was not ready within %s", p.m.o.Patience))
	case <-p.quit:
	case <-c.ended:
	}
	watch := time.NewTicker(p.m.o.WatchTime)
	defer watch.Stop()
	for {
		select {
		case <-c.ended:
			return c.why()
		case <-p.quit:
			if c.resume != nil && c.resume.Stop() {
				_ = goOn(c.proc) // else it would not hear that it is to end
			}
			c.terminate(p.m.o.StopTime)
			return c.why()
		case <-watch.C:
			c.checkMemory(p.server.MemoryMB)
			c.checkCPU(p.server.CPU, p.m.o.WatchTime)
		}
	}
}

// lastCause keeps the reason of a failure on show while the next try is under way.
func (p *process) lastCause() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cause
}

func (p *process) set(state, cause string, c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := p.state != state
	p.state, p.cause, p.public, p.child = state, cause, "", c
	if changed {
		p.m.o.Changed(p.server, state, cause)
	}
}

// show sets what anybody may read of the cause.
func (p *process) show(cause string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.public = cause
}

// shown is the state and what anybody may read of its cause.
func (p *process) shown() (state, cause string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, p.public
}

// running is the child that serves, nil when there is none.
func (p *process) running() *child {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != Running {
		return nil
	}
	return p.child
}

func (p *process) status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Status{State: p.state, Cause: p.cause, MemoryLimitMB: p.server.MemoryMB, CPULimit: p.server.CPU, Restarts: p.restarts, Sandbox: map[string]bool{}}
	if p.child != nil {
		s.MemoryMB, s.CPU = int(p.child.memory.Load()>>20), int(p.child.share.Load())
		s.Sandbox = p.child.report()
	}
	return s
}

// end stops the flow server and waits until it is over, or ctx is.
func (p *process) end(ctx context.Context) error {
	p.once.Do(func() { close(p.quit) })
	select {
	case <-p.over:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	if c != nil {
		c.kill(errors.New("it was stopped"))
	}
	select {
	case <-p.over:
		return nil
	case <-time.After(time.Second):
		return fmt.Errorf("stop flow server %s: %w", p.server.ID, context.Cause(ctx))
	}
}

// environment is what a child inherits: where to find its link, and what says how the system is set up. No setting and
// no secret of the platform is among it.
func environment(memoryMB int, dir string) []string {
	env := []string{
		childVariable + "=3",
		fmt.Sprintf("GOMEMLIMIT=%dMiB", max(memoryMB*7/10, 16)),
		"HOME=" + dir, "TMPDIR=" + dir,
	}
	for _, name := range []string{"TZ", "LANG", "LC_ALL", "PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
