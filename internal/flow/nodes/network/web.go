package network

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// WebOptions configure a Web. Zero values mean the default in brackets.
type WebOptions struct {
	MaxBody   int64 // bytes of a body that is parsed, as JSON or a form [5 MiB]
	MaxRaw    int64 // bytes of a body that is taken as it is, or of an upload [64 MiB]
	MaxHeld   int64 // bytes of all bodies that are being read or wait for their answer [128 MiB]
	MaxOpen   int64 // requests that may wait for their answer at once [1000]
	Forwarded bool  // X-Forwarded-For and -Proto are the word of a proxy of ours, not of the client
	// Sandbox keeps pages apart from what else is served on their origin, such as the editor and the token that its
	// browser keeps: browsers give them an origin of their own.
	Sandbox bool
}

func (o *WebOptions) defaults() {
	for _, f := range []struct {
		v  *int64
		or int64
	}{{&o.MaxBody, 5 << 20}, {&o.MaxRaw, 64 << 20}, {&o.MaxHeld, 128 << 20}, {&o.MaxOpen, 1000}} {
		if *f.v == 0 {
			*f.v = f.or
		}
	}
}

// Web serves what http in and websocket nodes offer. It is an http.Handler, which belongs to
// one runtime: the one that has the node types made with it.
type Web struct {
	o    WebOptions
	open atomic.Int64 // requests without an answer
	held atomic.Int64 // bytes of their bodies

	ending chan struct{} // closed when answers are no longer waited for
	once   sync.Once     // for ending

	mu     sync.Mutex                 // guards changes of what follows
	routes atomic.Pointer[[]*route]   // in the order of their nodes
	socks  map[string]*socketListener // by path
}

// NewWeb returns a Web without pages.
func NewWeb(o WebOptions) *Web {
	o.defaults()
	w := &Web{o: o, socks: map[string]*socketListener{}, ending: make(chan struct{})}
	w.routes.Store(new([]*route))
	return w
}

// stopPatience is how long requests may wait for their answer when the program ends.
const stopPatience = 2 * time.Second

// Stop ends what waits for an answer, soon: a flow may never give one.
func (s *Web) Stop() {
	time.AfterFunc(stopPatience, func() { s.once.Do(func() { close(s.ending) }) })
}

// add serves a route, until remove.
func (s *Web) add(r *route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := append(slices.Clip(*s.routes.Load()), r)
	s.routes.Store(&list)
}

func (s *Web) remove(r *route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(*s.routes.Load()), func(o *route) bool { return o == r })
	s.routes.Store(&list)
}

type apartKey struct{}

// Apart serves the same on an origin that is the pages' own, behind a proxy of ours: nothing has to be kept apart there,
// and X-Forwarded-For and -Proto are that proxy's word.
func (s *Web) Apart() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), apartKey{}, true)))
	})
}

func apart(r *http.Request) bool { return r.Context().Value(apartKey{}) != nil }

// sandbox gives a page an opaque origin: it can't read what the editor's origin keeps.
const sandbox = "sandbox allow-scripts allow-forms allow-modals allow-popups allow-popups-to-escape-sandbox allow-downloads " +
	"allow-pointer-lock allow-orientation-lock allow-presentation allow-top-navigation-by-user-activation"

// sandboxed is the header's list for most answers. It has no room for more, so that adding to it makes another.
var sandboxed = []string{sandbox}

// ServeHTTP answers with the node whose path and method fit, as Express does.
func (s *Web) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.o.Sandbox && !apart(r) {
		s.seclude(w, r)
	}
	if s.serveSocket(w, r) {
		return
	}
	routes := *s.routes.Load()
	path := r.URL.EscapedPath()
	var allowed []string
	for _, route := range routes {
		params, ok, err := route.match(path)
		switch {
		case err != nil:
			failPage(w, http.StatusBadRequest, err.Error())
			return
		case !ok:
		case route.takes(r.Method):
			route.node.serve(w, r, params)
			return
		case r.Method == http.MethodOptions:
			for _, m := range route.methods() {
				if !slices.Contains(allowed, m) {
					allowed = append(allowed, m)
				}
			}
		}
	}
	if len(allowed) > 0 {
		options(w, strings.Join(allowed, ","))
		return
	}
	failPage(w, http.StatusNotFound, "Cannot "+r.Method+" "+path)
}

// options answers which methods a path has.
func options(w http.ResponseWriter, list string) {
	h := w.Header()
	h.Set("Allow", list)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(list)))
	h.Set("ETag", etag([]byte(list)))
	_, _ = w.Write([]byte(list)) // a client that has gone needs no answer
}

// seclude sends what keeps a page apart. What such a page asks for has no origin that could be compared, so that
// browsers show it no answer; it may see those of its own server, which the Referer tells: pages can't forge that.
func (s *Web) seclude(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if h["Content-Security-Policy"] == nil {
		h["Content-Security-Policy"] = sandboxed
	} else {
		h.Add("Content-Security-Policy", sandbox)
	}
	if r.Header.Get("Origin") != "null" {
		return
	}
	_, rest, ok := strings.Cut(r.Header.Get("Referer"), "://")
	host, _, _ := strings.Cut(rest, "/")
	if !ok || !strings.EqualFold(host, r.Host) {
		return
	}
	h.Set("Access-Control-Allow-Origin", "null")
	h.Set("Access-Control-Expose-Headers", "*")
	h.Add("Vary", "Origin, Referer")
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
	}
}

var escapes = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "'", "&#39;", "<", "&lt;", ">", "&gt;")

// failPage is Express's answer when a request can't be handled.
func failPage(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Add("Content-Security-Policy", "default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>" +
		escapes.Replace(text) + "</pre>\n</body>\n</html>\n")) // a client that has gone needs no answer
}
