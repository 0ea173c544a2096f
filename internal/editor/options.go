package editor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/web/editor/packfile"
)

// Version is the version of the editor packages that this code is written for.
const Version = "5.0.7"

// Runtime is what runs the flows; *flow.Runtime is one.
type Runtime interface {
	Deploy(ctx context.Context, f *flow.File, c flow.Credentials, t flow.DeployType) error
	SetState(ctx context.Context, state string) error
	State() string
	Inject(ctx context.Context, id string, props json.RawMessage) error
	SetDebug(ids []string, active bool) (known bool)
	Types() []string
	CredentialKinds(nodeType string) map[string]string
	Meter(ctx context.Context, d time.Duration) ([]flow.NodeMeter, error)
}

// Options configure a Server. Zero values mean the default in brackets.
type Options struct {
	Dir       string                   // folder with flows.json and what belongs to it; made when missing
	Runtime   Runtime                  // runs the flows
	Comms     *Comms                   // the one whose Publish the runtime's events go to
	Auth      Auth                     // who may come in [nobody has to sign in; loopback names only]
	Assets    *packfile.Pack           // the editor's files [none: a page says so; see EmbeddedAssets]
	Title     string                   // name on the page ["Tsunagi"]
	Release   string                   // our own version, shown in the diagnostics
	Pages     http.Handler             // answers what is none of the editor's: pages of http nodes [nobody]
	Nearby    func(remote string) bool // who, besides this machine, may make the first user with its code [nobody]
	Hosts     []string                 // host names that may be in a request, without port [without Auth: localhost and loopback addresses; else any]
	Shared    bool                     // part of a shared cloud: dialogs offer no paths of this machine's files
	Instances Instances                // brokers of the platform that a dialog fills in [none: it offers nothing]
	Written   *flow.Written            // counts what is written to the disk [one of its own]
	Secret    string                   // credential secret [made at first start and kept in .config.runtime.json]
	Log       *slog.Logger             // [discard]
}

// Server serves the editor for one runtime. It is an http.Handler.
type Server struct {
	o       Options
	log     *slog.Logger
	store   *Store
	auth    Auth
	tokens  *tokens
	comms   *Comms
	project *project
	nodes   *catalogue
	locales *locales
	index   *indexPage
	handler http.Handler
	started time.Time

	countsDue   *time.Timer // for the next save of Written
	countsSaved string      // what the last one wrote

	closing sync.Once
	closed  error // set by closing
}

// New opens the files in o.Dir, which no other process may use meanwhile. It deploys nothing; see Load.
func New(o Options) (*Server, error) {
	if o.Title == "" {
		o.Title = "Tsunagi"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Runtime == nil || o.Comms == nil {
		return nil, errors.New("editor: Options need a Runtime and Comms")
	}
	if o.Assets != nil && o.Assets.Version != Version {
		return nil, fmt.Errorf("editor assets are of version %s: want %s", o.Assets.Version, Version)
	}
	if o.Written == nil {
		o.Written = &flow.Written{}
	}
	store, err := OpenStore(o.Dir)
	if err != nil {
		return nil, err
	}
	store.dir.written = func(n int) { o.Written.Add("flows", n) }
	s := &Server{o: o, log: o.Log, store: store, auth: o.Auth, comms: o.Comms, started: time.Now()}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return s, nil
}

// open makes the parts of a Server.
func (s *Server) open() (err error) {
	if login, ok := s.ownLogin(nil); ok {
		if err := login.attach(s.store); err != nil {
			return err
		}
	}
	if s.tokens, err = openTokens(s.store); err != nil {
		return err
	}
	if s.project, err = openProject(s.store, s.o.Runtime, s.o.Secret, s.log); err != nil {
		return err
	}
	if s.o.Assets != nil {
		if s.nodes, err = readCatalogue(s.o.Assets, runnable(s.o.Runtime.Types())); err != nil {
			return err
		}
		if s.index, err = readIndex(s.o.Assets); err != nil {
			return err
		}
		s.locales = newLocales(s.o.Assets)
	}
	s.loadWrites()
	s.comms.open(s.signedIn)
	s.tokens.revoked = s.comms.revoke
	s.handler = s.routes()
	return nil
}

// runnable says which node types the editor may offer.
func runnable(types []string) func(string) bool {
	return func(t string) bool { _, ok := slices.BinarySearch(types, t); return ok }
}

// Load deploys what is stored.
func (s *Server) Load(ctx context.Context) error { return s.project.load(ctx, s.comms) }

// EndSession signs out everybody who came in with this session, in all browsers.
func (s *Server) EndSession(session string) error {
	if p := s.platformLogin(); p != nil {
		p.ended(session)
	}
	err := s.tokens.endSession(session)
	s.comms.recheck()
	return err
}

// ServeHTTP answers a request of the editor.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends every comms connection, waits for a deploy that is under way and lets go of the files. It may be called
// again.
func (s *Server) Close() error {
	s.closing.Do(func() {
		s.comms.close()
		s.project.close()
		if s.countsDue.Stop() { // else it is being written now
			s.saveWrites()
		}
		s.closed = s.store.Close()
	})
	return s.closed
}
