package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"tsunagi/internal/cert"
	"tsunagi/internal/config"
	"tsunagi/internal/editor"
	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes"
	"tsunagi/internal/flow/nodes/network"
	"tsunagi/internal/front"
	"tsunagi/internal/home"
	"tsunagi/internal/hosted"
)

// flowServer is one flow server: the runtime and the editor in front of it.
type flowServer struct {
	log     *slog.Logger
	runtime *flow.Runtime
	editor  *editor.Server
	written *flow.Written // bytes, by what for
	ended   chan struct{}
	cancel  context.CancelFunc
}

// newFlowServer makes runtime and editor on one directory, with pages of the flows on web. What is the mode's own comes
// in ro and eo.
func newFlowServer(dir string, ro flow.Options, web *network.Web, eo editor.Options, stores contextSettings, log *slog.Logger) (*flowServer, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, &dataError{err}
	}
	assets, err := editor.EmbeddedAssets()
	if err != nil {
		return nil, fmt.Errorf("the editor inside this program: %w", err)
	}
	comms := editor.NewComms(log)
	ro.Written = &flow.Written{}
	for i := range stores.list {
		if stores.list[i].Module == "localfilesystem" && !filepath.IsAbs(stores.list[i].Dir) {
			stores.list[i].Dir = filepath.Join(dir, stores.list[i].Dir)
		}
	}
	if ro.Contexts, err = flow.OpenContexts(stores.list, stores.standard, log); err != nil {
		return nil, &dataError{err}
	}
	if stores.limit > 0 {
		ro.Contexts.Limit(stores.limit)
	}
	f := &flowServer{log: log, written: ro.Written, ended: make(chan struct{})}
	ro.Dir, ro.Log, ro.Nodes, ro.JSONata, ro.Events = dir, log, nodes.AllOn(web), nodes.JSONata, comms.Publish
	f.runtime = flow.New(ro)
	eo.Dir, eo.Runtime, eo.Comms, eo.Assets, eo.Release, eo.Log, eo.Written = dir, f.runtime, comms, assets, Version, log, ro.Written
	if f.editor, err = editor.New(eo); err != nil {
		return nil, &dataError{errors.Join(fmt.Errorf("data directory %s: %w", dir, err), ro.Contexts.Close())}
	}
	return f, nil
}

// running is the event loop as a part; the flows that are stored start with it.
func (f *flowServer) running() part {
	return part{
		name: "flows",
		start: func(ctx context.Context) error {
			own, cancel := context.WithCancel(ctx)
			f.cancel = cancel
			go func() { // ends when every node is closed
				defer close(f.ended)
				if err := f.runtime.Run(own); err != nil {
					f.log.Error("flows ended", "error", err)
				}
			}()
			return f.editor.Load(ctx)
		},
		stop: func(ctx context.Context) error {
			f.cancel()
			select {
			case <-f.ended:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
}

// editing is the editor as a part; it is started before its listener.
func (f *flowServer) editing() part {
	return part{name: "editor", stop: func(context.Context) error { return f.editor.Close() }}
}

// flowCommand is `tsunagi flow`, by itself or as a child of `tsunagi serve`.
func flowCommand(ctx context.Context, args []string, s Streams) int {
	child, err := hosted.OpenChild()
	if err != nil {
		return exitCode("flow", err, s)
	}
	if child != nil {
		return exitCode("flow", runChild(ctx, child, s), s)
	}
	if len(args) > 0 && args[0] == "import" {
		return flowImport(args[1:], s)
	}
	if len(args) > 0 && args[0] == "unlink" {
		return flowUnlink(ctx, args[1:], s)
	}
	if len(args) > 0 && args[0] == "rotate" {
		return flowRotate(ctx, args[1:], s)
	}
	if len(args) > 0 && args[0] == "broker" {
		return flowBroker(ctx, args[1:], s)
	}
	var cfg config.Flow
	if code, done := settingsOf("flow", "Runs one flow server: Node-RED's editor and flows, on a device or anywhere.", &cfg, args, s); done {
		return code
	}
	if done, err := importFirst(&cfg, s); done || err != nil {
		return exitCode("flow", err, s)
	}
	if more := withSettingsFile(args, s.Environ, cfg.Data); len(more) > len(args) {
		data := cfg.Data
		cfg = config.Flow{}
		if code, done := settingsOf("flow", "", &cfg, more, s); done {
			return code
		}
		cfg.Data = data
	}
	if cfg.MemoryMB > 0 {
		debug.SetMemoryLimit(int64(cfg.MemoryMB) << 20)
	}
	runtime.GOMAXPROCS(cfg.Threads)
	return exitCode("flow", keepFlow(ctx, &cfg, s), s)
}

// keepFlow runs a flow server, again and again when it is to start anew, perhaps with another version of the program.
func keepFlow(ctx context.Context, cfg *config.Flow, s Streams) error {
	program, err := os.Executable()
	if err != nil && s.Replace != nil {
		return err
	}
	up := newProof()
	for {
		lines := home.NewLog()
		log := newLog(cfg.Log, io.MultiWriter(s.Err, lines))
		err := runFlow(ctx, cfg, lines, up, log, s)
		next, tried := errors.AsType[*trial](err)
		switch {
		case tried:
			if err := next.run(ctx, cfg.UpdateWait, log, s); err != nil {
				log.Error("what came of the update is not noted", "error", err)
			}
			if ctx.Err() != nil {
				return nil
			}
		case !errors.Is(err, errRestart):
			return err
		}
		if s.Replace != nil {
			return s.Replace(program)
		}
	}
}

// errRestart ends the parts of a flow server that is to start anew.
var errRestart = errors.New("the flow server is to start anew")

// runFlow runs a flow server that stands by itself.
func runFlow(ctx context.Context, cfg *config.Flow, lines *home.Log, up *proof, log *slog.Logger, s Streams) error {
	ro := flow.Options{Env: os.LookupEnv, QueueBytes: cfg.QueueMB << 20, KeptBytes: cfg.KeptMB << 20,
		FunctionBytes: int64(cfg.FunctionMB) << 20, FunctionTime: time.Duration(cfg.FunctionS) * time.Second}
	if cfg.CA != "" {
		pem, err := os.ReadFile(cfg.CA)
		if err != nil {
			return fmt.Errorf("ca %q: want a PEM file that can be read: %w", cfg.CA, err)
		}
		ro.TrustedCA = pem
	}
	web := network.NewWeb(network.WebOptions{Sandbox: !cfg.TrustPages})
	eo := editor.Options{Title: cfg.Title, Pages: web}
	if cfg.LAN {
		eo.Nearby = home.Nearby
	}
	var login *editor.Login
	if !cfg.NoLogin {
		login = editor.NewLogin()
		eo.Auth = login
	}
	tunnel, err := joinPlatform(ctx, cfg, &ro, &eo, up, log)
	if err != nil {
		return err
	}
	local, err := openLANBroker(ctx, cfg, log)
	if err != nil {
		return err
	}
	failed := newFailure()
	if local != nil {
		local.failure = failed
		ro.TrustedCA = append(append([]byte{}, ro.TrustedCA...), local.authority.PEM()...)
		eo.Instances = lanNodes{local}
	}
	if err := tunnel.use(local); err != nil {
		return errors.Join(err, local.discard())
	}
	f, err := newFlowServer(cfg.Data, ro, web, eo, contextsOf(cfg), log)
	if err != nil {
		return errors.Join(err, local.discard())
	}
	l, config, scheme, err := flowListener(cfg)
	if err != nil {
		return errors.Join(err, f.editor.Close(), local.discard())
	}
	services := local.services()
	var lan []part
	if cfg.LAN {
		var here home.Service
		l, here, lan = openLAN(cfg, l, login, tunnel == nil, failed, log)
		services = append(services, here)
	}
	if len(services) > 0 {
		lan = append(lan, announcing(services, log))
	}
	server := front.NewServer("editor", l, config, f.editor, log)
	server.OnStop(web.Stop)
	parts := append(local.parts(f.written), f.editing(), f.running(), part{server.Name(), server.Start, server.Stop})
	parts = append(parts, lan...)
	if tunnel != nil {
		door := home.NewDoor(home.Options{Dir: cfg.Data, Version: Version, Log: lines, Flows: f.editor.Managed(brokerNode),
			Allowed: tunnel.client.MayEdit, Restart: tunnel.restart(failed), Update: tunnel.updates(cfg, failed, s), Broker: local.status, Logger: log})
		parts = append(parts, tunnel.parts(f, web, door)...)
	}
	return runParts(ctx, log, parts, func() {
		base := scheme + "://" + reachable(l.Addr())
		fmt.Fprintf(s.Out, "Flow server, data in %s\n  editor      %s/\n", cfg.Data, base)
		if login != nil {
			if code := login.OwnerCode(); code != "" {
				where := "on this machine"
				if cfg.LAN {
					where = "in this machine's own network"
				}
				fmt.Fprintf(s.Out, "  first user  %s/welcome#code=%s\n              This link works once, %s; until it is used nobody can sign in.\n", base, code, where)
			}
		}
		fmt.Fprint(s.Out, local.greeting())
		if tunnel != nil {
			fmt.Fprintf(s.Out, "  linked to   %s\n", tunnel.paired.URL)
		}
		fmt.Fprintln(s.Out, "ready")
		up.say(true, false)
		time.AfterFunc(settleAfter, settle)
	}, failed.c)
}

// flowListener listens as the settings say: plain http on loopback, https beyond it.
func flowListener(cfg *config.Flow) (net.Listener, *tls.Config, string, error) {
	l, err := listen("listen", cfg.Listen)
	if err != nil {
		return nil, nil, "", err
	}
	if config.Loopback(cfg.Listen) {
		return l, nil, "http", nil
	}
	authority, err := cert.OpenAuthority(filepath.Join(cfg.Data, "ca"))
	if err != nil {
		return nil, nil, "", &dataError{errors.Join(err, l.Close())}
	}
	return l, authority.TLSConfig(func(string) bool { return false }), "https", nil
}

// reachable is an address that a browser on this machine can open.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
