package editor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tsunagi/internal/flow"
)

// deployPatience is how long a deploy waits for the runtime before it answers; the start goes on meanwhile.
const deployPatience = 2 * time.Second

// project holds what is deployed: the flow file and its credentials, in memory and on disk.
type project struct {
	store   *Store
	snaps   *snapshots
	runtime Runtime
	log     *slog.Logger
	secret  string
	given   bool // the secret came with the options

	turn  chan struct{} // a token: who holds it may change state, disk and runtime
	state atomic.Pointer[deployed]
	ctx   context.Context // ends with close
	stop  context.CancelFunc
}

// deployed is one version of what is stored. It is not changed once it is in place.
type deployed struct {
	file  *flow.File
	json  []byte // of file
	rev   string
	creds flow.Credentials
	lost  bool // creds is empty because the stored ones could not be read
}

// openProject reads what is stored. A secret that isn't given is taken from .config.runtime.json or made and kept there.
func openProject(store *Store, rt Runtime, secret string, log *slog.Logger) (*project, error) {
	p := &project{store: store, runtime: rt, log: log, secret: secret, turn: make(chan struct{}, 1)}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.turn <- struct{}{}
	if err := p.findSecret(); err != nil {
		return nil, err
	}
	if err := p.read(); err != nil {
		return nil, err
	}
	var err error
	if p.snaps, err = openSnapshots(store); err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	d := p.state.Load()
	if last, ok := p.snaps.newest(); len(d.file.Nodes) > 0 && (!ok || last.Rev != d.rev) {
		p.keep(d, "", "found") // the first one, or changed by hand
	}
	return p, nil
}

// keep makes a snapshot. Without one a deploy is as good.
func (p *project) keep(d *deployed, user, kind string) {
	if err := p.snaps.add(d, p.secret, user, kind); err != nil {
		p.log.Error("no snapshot made of the deploy", "error", err)
	}
}

// findSecret makes sure that there is a credential secret.
func (p *project) findSecret() error {
	if p.secret != "" {
		p.given = true
		return nil
	}
	settings := map[string]json.RawMessage{}
	if err := p.store.readJSON(runtimeFile, &settings); err != nil {
		return err
	}
	if err := json.Unmarshal(settings["_credentialSecret"], &p.secret); err == nil && p.secret != "" {
		return nil
	}
	random := make([]byte, 32)
	rand.Read(random)
	p.secret = hex.EncodeToString(random)
	settings["_credentialSecret"], _ = json.Marshal(p.secret) // a string
	return p.store.writeJSON(runtimeFile, settings)
}

// read takes flows and credentials from disk.
func (p *project) read() error {
	text, err := p.store.read(flowsFile)
	if err != nil {
		return err
	}
	if text == nil {
		text = []byte("[]")
	}
	file, err := flow.ParseFile(text)
	if err != nil {
		return fmt.Errorf("%s: %w; repair it, or move it away (.%s.backup has the flows before the last deploy)",
			p.store.dir.file(flowsFile), err, flowsFile)
	}
	sealed, err := p.store.read(credsFile)
	if err != nil {
		return err
	}
	creds, err := openCredentials(sealed, p.secret)
	lost := errors.Is(err, errSecret)
	if err != nil && !lost {
		return err
	}
	if lost {
		p.log.Error("credentials of the flows are not readable; enter them again in the editor", "error", err)
		creds = flow.Credentials{}
	}
	creds = mergeCredentials(file, creds, p.runtime.CredentialKinds) // old files have them inside
	p.state.Store(&deployed{file, file.JSON(), file.Rev(), creds, lost})
	return nil
}

// load deploys what is stored, and tells browsers when the credentials are lost.
func (p *project) load(ctx context.Context, comms *Comms) error {
	if err := p.enter(ctx); err != nil {
		return err
	}
	defer p.leave()
	d := p.state.Load()
	if err := p.runtime.Deploy(ctx, d.file, d.creds, flow.DeployFull); err != nil {
		return fmt.Errorf("start flows: %w", err)
	}
	if d.lost {
		comms.Publish(flow.Event{Topic: "notification/runtime-state", Retain: true, Data: map[string]any{
			"state": p.runtime.State(), "type": "warning", "error": "credentials_load_failed",
			"text": "notification.warnings.credentials_load_failed"}})
	}
	return nil
}

// enter waits for the turn to change things; leave gives it back.
func (p *project) enter(ctx context.Context) error {
	select {
	case <-p.turn:
		return nil
	case <-ctx.Done():
		return refusal(503, "unexpected_error", "Another deploy is still under way; try again in a moment.")
	case <-p.ctx.Done():
		return refusal(503, "unexpected_error", "This flow server is stopping.")
	}
}

func (p *project) leave() { p.turn <- struct{}{} }

// deploy stores file and makes it run. rev is the version the change began from, nil for any. Credentials inside the
// file are merged into the stored ones. It returns when everything is on disk, and after a short wait for the runtime.
func (p *project) deploy(ctx context.Context, file *flow.File, rev *string, t flow.DeployType) (*deployed, error) {
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	old := p.state.Load()
	if rev != nil && *rev != old.rev {
		p.leave()
		return nil, refusal(409, "version_mismatch", "Error")
	}
	next := &deployed{file: file, json: file.JSON(), rev: file.Rev()}
	next.creds = mergeCredentials(file, old.creds, p.runtime.CredentialKinds)
	return next, p.put(ctx, old, next, t, string(t))
}

// restore deploys what a snapshot holds.
func (p *project) restore(ctx context.Context, file *snapshotFile) (*deployed, error) {
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	old := p.state.Load()
	next, err := file.restored(old, p.secret, p.runtime.CredentialKinds)
	if err != nil {
		p.leave()
		return nil, err
	}
	return next, p.put(ctx, old, next, flow.DeployFull, "restore")
}

// put makes next what is stored and runs. It gives the turn back, now or when the runtime is done.
func (p *project) put(ctx context.Context, old, next *deployed, t flow.DeployType, kind string) error {
	if err := p.save(old, next); err != nil {
		p.leave()
		return err
	}
	p.state.Store(next)
	if old.rev != next.rev || !sameCredentials(old.creds, next.creds) {
		user := ""
		if u, ok := ctx.Value(userContextKey{}).(*User); ok {
			user = u.Name
		}
		p.keep(next, user, kind)
	}
	p.start(next, t)
	return nil
}

// reload takes everything from disk again and restarts it.
func (p *project) reload(ctx context.Context) (*deployed, error) {
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	if err := p.read(); err != nil {
		p.leave()
		p.log.Error("flows not reloaded", "error", err)
		return nil, refusal(400, "unexpected_error", "The stored flows can't be read; the log says why.")
	}
	d := p.state.Load()
	p.start(d, flow.DeployReload)
	return d, nil
}

// start hands d to the runtime and gives the turn back when that is done, which may be after start returns.
func (p *project) start(d *deployed, t flow.DeployType) {
	done := make(chan struct{})
	go func() { // ends with Deploy, which close cancels
		defer p.leave()
		defer close(done)
		if err := p.runtime.Deploy(p.ctx, d.file, d.creds, t); err != nil {
			p.log.Error("deploy not completed", "error", err)
		}
	}()
	patience := time.NewTimer(deployPatience)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	}
}

// save writes what differs between two versions, flows and credentials together.
func (p *project) save(old, next *deployed) error {
	files := map[string][]byte{}
	if old.rev != next.rev {
		files[flowsFile] = pretty(next.json)
	}
	if !sameCredentials(old.creds, next.creds) || old.lost {
		sealed, err := sealCredentials(next.creds, p.secret)
		if err != nil {
			return err
		}
		files[credsFile] = sealed
		if old.lost {
			copyFile(p.store.dir.file(credsFile), p.store.dir.file(credsFile+".unreadable"))
		}
	}
	if len(files) == 0 {
		return nil
	}
	if err := p.store.write(files); err != nil {
		p.log.Error("flows not saved", "error", err)
		return refusal(500, "unexpected_error", "The flows could not be saved, and nothing was changed: is the disk full?")
	}
	return nil
}

// close cancels a deploy that is under way and waits for it.
func (p *project) close() {
	p.stop()
	<-p.turn
}

// encryption is Node-RED's word for where the credential secret comes from.
func (p *project) encryption() string {
	if p.given {
		return "user"
	}
	return "system"
}
