package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a hosted flow server sees no files of the system

	"tsunagi/internal/config"
	"tsunagi/internal/editor"
	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes/network"
	"tsunagi/internal/front"
	"tsunagi/internal/hosted"
)

// runChild runs a flow server for the platform that started this process: it gets its connections, and dials, through
// its parent, and ends with it.
func runChild(ctx context.Context, child *hosted.Child, s Streams) error {
	runtime.GOMAXPROCS(1) // flows run one after the other, and the neighbours want the other cores
	cfg := child.Config
	log := newLog(config.Log{Level: cfg.LogLevel, Format: "json"}, s.Err)
	auth := &editor.Platform{
		LoginURL: cfg.LoginURL, LogoutURL: cfg.LogoutURL, Alive: child.Alive,
		Exchange: func(ctx context.Context, e editor.Exchange) (editor.User, error) {
			p, err := child.Exchange(ctx, e.Code, e.Remote, e.Agent)
			return editor.User{Name: p.Name, Scope: p.Scope, Session: p.Session}, err
		},
	}
	web := network.NewWeb(network.WebOptions{Forwarded: true, MaxRaw: 16 << 20, MaxHeld: 32 << 20, MaxOpen: 250})
	bounds := hostedBounds(cfg.MemoryMB)
	bounds.Dial, bounds.TrustedCA, bounds.NoLocalFiles = child.Dial, []byte(cfg.CA), true
	bounds.FilesDir, bounds.NoExec, bounds.NoListen = filepath.Join(cfg.Dir, "files"), true, true
	f, err := newFlowServer(cfg.Dir, bounds, web,
		editor.Options{Auth: auth, Title: cfg.Title, Hosts: cfg.Hosts, Shared: true, Instances: childInstances{child}}, hostedContexts(), log)
	if err != nil {
		return errors.Join(err, child.Fail(err))
	}
	child.OnSessionEnd(func(session string) {
		if err := f.editor.EndSession(session); err != nil {
			log.Error("tokens of a session that is over not ended", "error", err)
		}
	})
	ended := newFailure()
	go func() { // ends with the platform
		<-child.Done()
		ended.fail(errors.New("the platform is gone"))
	}()
	server := front.NewServer("editor", child.Listener(), nil, byOrigin(cfg.PageHosts, web, f.editor), log)
	server.OnStop(web.Stop)
	door := front.NewServer("door", child.DoorListener(), nil, http.StripPrefix("/flows", f.editor.Managed()), log)
	parts := []part{f.editing(), f.running(), {door.Name(), door.Start, door.Stop}, {server.Name(), server.Start, server.Stop}}
	ready := false
	err = runParts(ctx, log, parts, func() {
		ready = true
		time.AfterFunc(settleAfter, settle)
		if err := child.Ready(); err != nil {
			ended.fail(err)
		}
	}, ended.c)
	if err != nil && !ready {
		err = errors.Join(err, child.Fail(err))
	}
	return err
}

// byOrigin gives requests for the hosts of the flows' pages to pages, and all others to the editor: the two never share
// an origin.
func byOrigin(hosts []string, pages, editor http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if slices.Contains(hosts, strings.ToLower(host)) {
			pages.ServeHTTP(w, r)
			return
		}
		editor.ServeHTTP(w, r)
	})
}

// hostedBounds are options with bounds that fit into the memory that the plan gives, in MiB: an eighth of it for messages
// in queues, a quarter for those that nodes hold, and as much for one function, whose memory is its own. So the editor
// names the node that takes too much before the system ends the process.
func hostedBounds(memoryMB int) flow.Options {
	mb := memoryMB << 20
	return flow.Options{QueueBytes: mb / 8, KeptBytes: mb / 4, FunctionBytes: min(64<<20, int64(mb/4))}
}

// hostedContexts are the context stores of hosted flow servers: memory, and files for what is to be kept.
func hostedContexts() contextSettings {
	return contextSettings{standard: "memory", limit: 32 << 20, list: []flow.ContextStore{{Name: "memory", Module: "memory"},
		{Name: "file", Module: "localfilesystem", Dir: "context", Interval: 30 * time.Second}}}
}
