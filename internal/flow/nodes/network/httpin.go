package network

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// httpIn makes a message of every request for its path.
type httpIn struct {
	b      *flow.Base
	web    *Web
	route  *route
	upload bool
	raw    string // path whose bodies are taken as they are; "" for none
}

// HTTPIn offers a path to HTTP clients, on web.
func HTTPIn(web *Web) flow.Type {
	return flow.Type{Name: "http in", Fields: []string{"url", "method", "upload", "skipBodyParsing", "swaggerDoc"},
		New: func(b *flow.Base, c flow.Config) (flow.Node, error) { return newHTTPIn(web, b, c) }}
}

func newHTTPIn(web *Web, b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &httpIn{b: b, web: web, upload: c.Get("upload").Truthy()}
	path := c.Str("url")
	if path == "" {
		b.Warn("missing path")
		return n, nil
	}
	if path[0] != '/' {
		path = "/" + path
	}
	switch method := c.Str("method"); method {
	case "get", "post", "put", "patch", "delete":
		r, err := newRoute(method, path, n)
		if err != nil {
			return nil, err
		}
		n.route = r
	default:
		return n, nil // as in Node-RED: nothing is served
	}
	if c.Get("skipBodyParsing").Truthy() {
		n.raw = routeKey(path)
	}
	web.add(n.route)
	return n, nil
}

var slashes = regexp.MustCompile(`/{2,}`)

// routeKey is how paths are compared for bodies that are not to be parsed: to the letter, so
// that it does nothing for a path with variables, as in Node-RED.
func routeKey(path string) string {
	return strings.TrimSuffix(slashes.ReplaceAllString(path, "/"), "/")
}

func (n *httpIn) Receive(*flow.Msg) {}

// Close takes the path back.
func (n *httpIn) Close(_ bool, done func()) {
	if n.route != nil {
		n.web.remove(n.route)
	}
	done()
}

// bodyPatience is how long a client may take for its body, as in Node.js.
const bodyPatience = 5 * time.Minute

// serve reads the request, sends its message and waits for the answer of the flow.
func (n *httpIn) serve(w http.ResponseWriter, r *http.Request, params []param) {
	defer n.web.open.Add(-1)
	if n.web.open.Add(1) > n.web.o.MaxOpen {
		failPage(w, http.StatusServiceUnavailable, "Too many requests wait for their answer.")
		return
	}
	in := newRequest(n, r, params)
	payload := value.Value{}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		deadline := http.NewResponseController(w)
		_ = deadline.SetReadDeadline(time.Now().Add(bodyPatience)) // a connection without deadlines does without
		held, fault := n.readBody(w, r, in)
		defer n.web.held.Add(-held)
		_ = deadline.SetReadDeadline(time.Time{})
		if fault != nil {
			n.refuse(w, fault)
			return
		}
		payload = in.body
	} else {
		payload = in.parseQuery()
	}
	res := newResponse(in)
	in.res = res
	msg := flow.EmptyMsg()
	o := msg.Root()
	o.Put("_msgid", value.Str(flow.NewID()))
	o.Put("req", value.Opaque(in))
	o.Put("res", value.Opaque(&responseWrapper{res, n}))
	o.Put("payload", payload.Clone())
	if !n.b.Emit(msg) {
		failPage(w, http.StatusServiceUnavailable, "The flow has stopped.")
		return
	}
	res.write(w, r.Context().Done())
}

// refuse answers a request whose body can't be had.
func (n *httpIn) refuse(w http.ResponseWriter, fault *bodyFault) {
	w.Header().Set("Connection", "close")
	if fault.silent {
		text := http.StatusText(fault.status)
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Content-Length", strconv.Itoa(len(text)))
		h.Set("ETag", etag([]byte(text)))
		w.WriteHeader(fault.status)
		_, _ = w.Write([]byte(text)) // a client that has gone needs no answer
		name, message, _ := strings.Cut(fault.text, ": ")
		n.b.Do(func() { n.b.WarnError(&flow.Error{Name: name, Message: message}) })
		return
	}
	failPage(w, fault.status, fault.text)
}

func (q *request) parseQuery() value.Value {
	if !q.query.Defined() {
		q.query = parseForm(q.r.URL.RawQuery, queryLimits).Value()
	}
	return q.query
}

// headerObject is what Node.js makes of the headers: names in small letters, lists joined.
func headerObject(h http.Header, host string) *value.Map {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	sortStrings(names)
	o := value.NewMap(len(names) + 1)
	if host != "" {
		o.Set("host", value.Str(host))
	}
	for _, name := range names {
		list := h[name]
		switch key := strings.ToLower(name); key {
		case "set-cookie":
			o.Set(key, value.From(list))
		case "cookie":
			o.Set(key, value.Str(strings.Join(list, "; ")))
		default:
			if onceOnly[key] {
				list = list[:1]
			}
			o.Set(key, value.Str(strings.Join(list, ", ")))
		}
	}
	return o
}

// onceOnly are headers of which Node.js keeps the first.
var onceOnly = map[string]bool{
	"age": true, "authorization": true, "content-length": true, "content-type": true, "etag": true, "expires": true, "from": true,
	"host": true, "if-modified-since": true, "if-unmodified-since": true, "last-modified": true, "location": true, "max-forwards": true,
	"proxy-authorization": true, "referer": true, "retry-after": true, "server": true, "user-agent": true,
}

// pathOf is the path of a request as the client wrote it.
func pathOf(u *url.URL) string { return u.EscapedPath() }
