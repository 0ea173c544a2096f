package app

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"tsunagi/internal/config"
	"tsunagi/internal/home"
	"tsunagi/internal/link"
	"tsunagi/internal/release"
)

// trialVariable tells a new version of the program, in its environment, that it has to prove itself: when its flows run
// and it has reached the platform, it says so on descriptor 3.
const trialVariable = "TRIAL_OF_TSUNAGI" // not TSUNAGI_…, which are settings

const trialWord = "up"

// trial is an update that is to be tried once the flow server has ended its parts.
type trial struct {
	updater *home.Updater
	program string
	release *release.Manifest
}

func (t *trial) Error() string { return "version " + t.release.Version + " is to be tried" }

// updates takes other versions of the program, where this process can be replaced; else nil.
func (t *tunnel) updates(cfg *config.Flow, failed *failure, s Streams) *home.Updater {
	if s.Replace == nil {
		return nil
	}
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		t.log.Warn("own program not found; there are no updates", "error", err)
		return nil
	}
	u := &home.Updater{Dir: cfg.Data, Program: program, Key: ed25519.PublicKey(t.paired.Releases), Built: built()}
	if cfg.UpdateKey != "" {
		if u.Key, err = base64.StdEncoding.DecodeString(cfg.UpdateKey); err != nil {
			t.log.Error("update_key can't be read", "error", err) // Validate has looked at it
		}
	}
	u.Try = func(program string, m *release.Manifest) {
		t.end(failed, link.Updating, &trial{u, program, m})
	}
	return u
}

// Committed is when the sources of this program were committed (RFC 3339), set by scripts/go-build; "": not known.
var Committed = ""

// built is that moment, which is before any release of this program was signed; zero where it isn't known.
func built() time.Time {
	at, err := time.Parse(time.RFC3339, Committed)
	if err != nil {
		return time.Time{}
	}
	return at
}

// run tries the new version: it runs in this one's place, and is kept when it says in time that it works. A power
// failure in the middle leaves the present version, which is replaced at the very end.
func (t *trial) run(ctx context.Context, wait time.Duration, log *slog.Logger, s Streams) error {
	if err := t.prove(ctx, wait, s); err != nil {
		log.Error("the new version did not come up; the present one goes on", "version", t.release.Version, "error", err)
		return t.updater.Drop(t.program, t.release, err)
	}
	if err := t.updater.Keep(t.program, t.release); err != nil {
		log.Error("the new version is not kept", "version", t.release.Version, "error", err)
		return t.updater.Drop(t.program, t.release, err)
	}
	log.Info("the new version has proved itself", "version", t.release.Version)
	return nil
}

// prove runs the new version until it says that it works, and ends it.
func (t *trial) prove(ctx context.Context, wait time.Duration, s Streams) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.program, os.Args[1:]...)
	cmd.Env = append(os.Environ(), trialVariable+"=1")
	cmd.ExtraFiles = []*os.File{w}
	cmd.Stdout, cmd.Stderr = s.Out, s.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * stopTime // then it is killed
	err = cmd.Start()
	w.Close()
	if err != nil {
		return err
	}
	var once sync.Once
	stop := context.AfterFunc(ctx, func() { once.Do(func() { r.Close() }) })
	defer stop()
	word, readErr := bufio.NewReader(io.LimitReader(r, 16)).ReadString('\n')
	up := word == trialWord+"\n"
	late := ctx.Err() != nil
	cancel() // it has shown what it can
	ended := cmd.Wait()
	switch {
	case up:
		return nil
	case late:
		return fmt.Errorf("it did not run its flows and reach the platform within %v", wait)
	}
	return fmt.Errorf("it ended: %w", errors.Join(ended, readErr))
}

// proof is the side of the new version.
type proof struct {
	mu    sync.Mutex // guards the fields below
	ready bool       // flows and editor run
	open  bool       // the tunnel is open
	out   *os.File   // nil: nobody waits, or it has been said
}

// newProof returns the proof that a process owes to the one before it; it is none for others.
func newProof() *proof {
	p := &proof{}
	if os.Getenv(trialVariable) != "" {
		os.Unsetenv(trialVariable)
		p.out = os.NewFile(3, "trial")
	}
	return p
}

// say notes what works, and tells it when all does.
func (p *proof) say(ready, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready, p.open = p.ready || ready, p.open || open
	if p.out != nil && p.ready && p.open {
		_, _ = fmt.Fprintln(p.out, trialWord) // else this version is taken back
		p.out.Close()
		p.out = nil
	}
}
