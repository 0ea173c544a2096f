package network

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"tsunagi/internal/flow/value"
)

func sortStrings(s []string) { slices.Sort(s) }

// request is msg.req: Express's request as flows use it. Messages share it. What flows seldom
// ask for is made when they do. It belongs to the loop once the message is sent.
type request struct {
	node   *httpIn
	r      *http.Request
	params []param
	res    *response
	query  value.Value
	body   value.Value
	files  value.Value // undefined without an upload
	own    *value.Map  // what flows have set, and what was made of the request
}

func newRequest(n *httpIn, r *http.Request, params []param) *request {
	return &request{node: n, r: r, params: params, body: value.NewMap(0).Value()}
}

// Property is a property as flows read it.
func (q *request) Property(key string) value.Value {
	if q.own != nil && q.own.Has(key) {
		return q.own.Get(key).Clone()
	}
	v := q.make(key)
	if v.Is(value.Object) || v.Is(value.Array) {
		q.keep(key, v)
		v = v.Clone()
	}
	return v
}

func (q *request) keep(key string, v value.Value) {
	if q.own == nil {
		q.own = value.NewMap(2)
	}
	q.own.Set(key, v)
}

// SetProperty sets a property for everybody who has the request.
func (q *request) SetProperty(key string, v value.Value) bool {
	q.keep(key, v)
	return true
}

// make is what the request says about a property.
func (q *request) make(key string) value.Value {
	r := q.r
	switch key {
	case "query":
		return q.parseQuery()
	case "body":
		return q.body
	case "files":
		return q.files
	case "params":
		o := value.NewMap(len(q.params))
		for _, p := range q.params {
			o.Set(p.name, value.Str(p.value))
		}
		return o.Value()
	case "headers":
		return headerObject(r.Header, r.Host).Value()
	case "cookies":
		return parseCookies(r.Header.Values("Cookie")).Value()
	case "signedCookies":
		return value.NewMap(0).Value()
	case "method":
		return value.Str(r.Method)
	case "url", "originalUrl":
		return value.Str(r.RequestURI)
	case "baseUrl":
		return value.Str("")
	case "path":
		return value.Str(pathOf(r.URL))
	case "res":
		return value.Opaque(q.res)
	}
	return q.rare(key)
}

// rare has what is asked for once in a while.
func (q *request) rare(key string) value.Value {
	r := q.r
	switch key {
	case "hostname", "host":
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil && key == "hostname" {
			host = strings.Trim(h, "[]")
		}
		return value.Str(host)
	case "ip":
		return value.Str(q.remote())
	case "ips", "subdomains", "rawTrailers":
		return value.NewList().Value()
	case "protocol":
		return value.Str(q.protocol())
	case "secure":
		return value.Of(q.protocol() == "https")
	case "xhr":
		return value.Of(strings.EqualFold(r.Header.Get("X-Requested-With"), "xmlhttprequest"))
	case "httpVersion":
		return value.Str(strings.TrimPrefix(r.Proto, "HTTP/"))
	case "httpVersionMajor":
		return value.Int(r.ProtoMajor)
	case "httpVersionMinor":
		return value.Int(r.ProtoMinor)
	case "complete":
		return value.Of(true)
	case "aborted", "upgrade":
		return value.Of(false)
	case "rawHeaders":
		l := value.NewList()
		for name, v := range headerObject(r.Header, r.Host).All() {
			l.Append(value.Str(http.CanonicalHeaderKey(name)), v)
		}
		return l.Value()
	case "route":
		return value.MapOf("path", q.node.route.path, "methods", value.MapOf(strings.ToLower(q.node.route.method), true)).Value()
	case "socket", "connection", "client":
		return value.MapOf("remoteAddress", q.remote(), "remotePort", q.remotePort(), "encrypted", r.TLS != nil).Value()
	case "get", "header":
		return value.Opaque(&value.Method{Name: key, Call: q.header})
	}
	return value.Value{}
}

// header is req.get(name).
func (q *request) header(args []value.Value) (value.Value, error) {
	if len(args) == 0 {
		return value.Value{}, nil
	}
	name := strings.ToLower(args[0].Text())
	if name == "referrer" {
		name = "referer"
	}
	return q.Property("headers").Map().Get(name), nil
}

// forwarded says whether a proxy of ours has written down who asks.
func (q *request) forwarded() bool { return q.node.web.o.Forwarded || apart(q.r) }

// remote is the address of the client.
func (q *request) remote() string {
	if q.forwarded() {
		list := strings.Split(q.r.Header.Get("X-Forwarded-For"), ",")
		if last := strings.TrimSpace(list[len(list)-1]); last != "" {
			return last
		}
	}
	host, _, err := net.SplitHostPort(q.r.RemoteAddr)
	if err != nil {
		return q.r.RemoteAddr
	}
	return host
}

func (q *request) remotePort() int {
	_, port, _ := net.SplitHostPort(q.r.RemoteAddr)
	n, _ := value.ParseInt(port)
	return int(n)
}

func (q *request) protocol() string {
	if p := q.r.Header.Get("X-Forwarded-Proto"); q.forwarded() && p != "" {
		return p
	}
	if q.r.TLS != nil {
		return "https"
	}
	return "http"
}

// shownKeys are what the debug sidebar lists of a request, in Node-RED's order. What Express
// keeps for itself is left out.
var shownKeys = []string{"httpVersionMajor", "httpVersionMinor", "httpVersion", "complete", "rawHeaders", "rawTrailers", "aborted", "upgrade",
	"url", "method", "baseUrl", "originalUrl", "params", "query", "body", "files", "route", "cookies", "signedCookies", "headers"}

// Shown is the request in the debug sidebar.
func (q *request) Shown() *value.Map {
	o := value.NewMap(len(shownKeys) + 1)
	for _, key := range shownKeys {
		if v := q.Property(key); v.Defined() {
			o.Set(key, v)
		}
	}
	o.Set("res", value.Str("[internal]"))
	if q.own != nil {
		for key, v := range q.own.All() {
			if !o.Has(key) {
				o.Set(key, v.Clone())
			}
		}
	}
	return o
}

// AppendJSON writes the request as JSON, for flows that send a whole message somewhere.
func (q *request) AppendJSON(b []byte) []byte { return value.Append(b, q.Shown().Value()) }
