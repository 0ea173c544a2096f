package app

import (
	"context"
	"errors"
	"path/filepath"

	"tsunagi/internal/config"
	"tsunagi/internal/editor"
	"tsunagi/internal/flow"
	"tsunagi/internal/front"
	"tsunagi/internal/hosted"
)

// runChild runs a flow server for the platform that started this process: it gets its connections, and dials, through
// its parent, and ends with it.
func runChild(ctx context.Context, child *hosted.Child, s Streams) error {
	cfg := child.Config
	log := newLog(config.Log{Level: cfg.LogLevel, Format: "json"}, s.Err)
	auth := &editor.Platform{
		LoginURL: cfg.LoginURL, LogoutURL: cfg.LogoutURL, Alive: child.Alive,
		Exchange: func(ctx context.Context, e editor.Exchange) (editor.User, error) {
			p, err := child.Exchange(ctx, e.Code, e.Remote, e.Agent)
			return editor.User{Name: p.Name, Scope: p.Scope, Session: p.Session}, err
		},
	}
	f, err := newFlowServer(cfg.Dir, flow.Options{Dial: child.Dial, TrustedCA: []byte(cfg.CA), NoLocalFiles: true,
		FilesDir: filepath.Join(cfg.Dir, "files"), NoExec: true},
		editor.Options{Auth: auth, Title: cfg.Title, Hosts: cfg.Hosts, Shared: true}, log)
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
	server := front.NewServer("editor", child.Listener(), nil, f.editor, log)
	parts := []part{f.editing(), f.running(), {server.Name(), server.Start, server.Stop}}
	ready := false
	err = runParts(ctx, log, parts, func() {
		ready = true
		if err := child.Ready(); err != nil {
			ended.fail(err)
		}
	}, ended.c)
	if err != nil && !ready {
		err = errors.Join(err, child.Fail(err))
	}
	return err
}
