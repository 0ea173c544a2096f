package network

import (
	"net/http"
	"strings"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes/function"
	"tsunagi/internal/flow/value"
)

// httpAsk is an http request node: it sends a request and passes the answer on.
type httpAsk struct {
	b *flow.Base
	c askConfig

	proxy    *proxyConfig
	tls      *tlsConfig
	user     string
	password string
	known    bool // there are credentials

	trusting transports
	asked    int // requests under way
}

// askConfig is what the dialog holds.
type askConfig struct {
	method  string
	url     string
	text    *function.Text // the URL, if it is a template
	fault   error          // of the template
	ret     string
	payload string // where the payload of a GET goes: "", query or body
	auth    string
	persist bool
	quiet   bool // errors go to catch nodes alone
	headers []askHeader
}

// askHeader is a line of the dialog's headers: name and value, each a text or a path.
type askHeader struct{ name, value askText }

type askText struct {
	text string
	path *flow.Property // nil for a text
}

// HTTPRequest sends HTTP requests.
func HTTPRequest() flow.Type {
	return flow.Type{Name: "http request", Credentials: map[string]string{"user": "text", "password": "password"},
		Fields: []string{"method", "ret", "paytoqs", "url", "tls", "persist", "proxy", "insecureHTTPParser", "authType", "senderr", "headers", "useAuth"},
		New:    newHTTPAsk}
}

func newHTTPAsk(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &httpAsk{b: b, c: askConfig{method: c.StrOr("method", "GET"), url: c.Str("url"), ret: c.StrOr("ret", "txt"), auth: c.StrOr("authType", "basic"),
		persist: c.Get("persist").Truthy(), quiet: c.Get("senderr").Truthy()}}
	if strings.Contains(n.c.url, "{{") {
		n.c.text, n.c.fault = function.CompileText(n.c.url)
	}
	switch p := c.Get("paytoqs"); {
	case p.Bool() || p.Str() == "query":
		n.c.payload = "query"
	case p.Str() == "body":
		n.c.payload = "body"
	}
	if err := n.readHeaders(b, c); err != nil {
		return nil, err
	}
	n.tls, _ = b.Lookup(c.Str("tls")).(*tlsConfig)
	n.proxy, _ = b.Lookup(c.Str("proxy")).(*proxyConfig)
	var user, password bool
	n.user, user = b.Credential("user")
	n.password, password = b.Credential("password")
	n.known = user || password
	return n, nil
}

func (n *httpAsk) readHeaders(b *flow.Base, c flow.Config) error {
	l := c.Get("headers").List()
	if l == nil {
		return nil
	}
	for _, e := range l.All() {
		o := e.Map()
		if o == nil {
			continue
		}
		var h askHeader
		for _, part := range []struct {
			to  *askText
			key string
		}{{&h.name, "key"}, {&h.value, "value"}} {
			typ, text := o.Get(part.key+"Type").Text(), o.Get(part.key+"Value")
			switch typ {
			case "other":
				part.to.text = text.Text()
				if text.Nullish() {
					part.to.text = ""
				}
			case "msg":
				p, err := b.Property(text, "msg")
				if err != nil {
					return err
				}
				part.to.path = p
			default:
				part.to.text = typ
			}
		}
		n.c.headers = append(n.c.headers, h)
	}
	return nil
}

// Close ends what is idle. Requests under way end with the node's life.
func (n *httpAsk) Close(_ bool, done func()) {
	n.trusting.close()
	n.b.Status(flow.Status{})
	done()
}

// Bounds of one node and one request.
const (
	maxAsked    = 1000              // requests under way
	maxAnswer   = 64 << 20          // bytes of an answer
	askTimeout  = 120 * time.Second // for one answer, unless the message says otherwise
	maxRedirect = 21
)

// Receive begins a request.
func (n *httpAsk) Receive(m *flow.Msg) {
	n.b.Status(flow.Status{Fill: "blue", Shape: "dot", Text: "httpin.status.requesting"})
	ask, err := n.prepare(m)
	switch {
	case err != nil:
		n.b.Error(err, m)
		n.b.Done(m, nil)
		return
	case ask == nil: // a warning has said why
		n.b.Done(m, nil)
		return
	case n.asked >= maxAsked:
		n.b.Done(m, flow.NewError("more than %d requests of this node wait for their answer", maxAsked))
		return
	}
	n.asked++
	go func() { // ends with the answer, a timeout or the node
		answer, err := ask.run(n.b.Life())
		n.b.Soon(func() { n.finish(m, ask, answer, err) })
	}()
}

// finish sends the answer or the error.
func (n *httpAsk) finish(m *flow.Msg, ask *ask, answer *answer, err error) {
	n.asked--
	if err != nil {
		n.fail(m, ask, err)
		return
	}
	for _, w := range ask.warnings {
		n.b.Warn(w)
	}
	m.Set("statusCode", value.Int(answer.status))
	headers := headerObject(answer.header, "")
	cookies := responseCookies(answer.header)
	m.Set("headers", value.Nil()) // at its place among the keys
	m.Set("responseUrl", value.Str(answer.url))
	m.Set("payload", n.decode(answer))
	redirects := value.NewList()
	for _, r := range answer.redirects {
		redirects.Append(r.Value())
	}
	m.Set("redirectList", redirects.Value())
	m.Set("retry", value.Int(0))
	if cookies != nil {
		m.Set("responseCookies", cookies.Value())
	}
	headers.Set(requestMark, value.Str(markOf(headers)))
	m.Set("headers", headers.Value())
	if n.asked == 0 {
		n.b.Status(flow.Status{})
	}
	n.b.Send(m)
	n.b.Done(m, nil)
}

// decode makes the payload of the answer's body.
func (n *httpAsk) decode(a *answer) value.Value {
	if n.c.ret == "bin" {
		return value.Data(a.body)
	}
	text := value.DecodeUTF8(a.body)
	if n.c.ret != "obj" {
		return value.Str(text)
	}
	if a.status == http.StatusNoContent {
		text = "{}"
	}
	v, err := value.ParseString(text)
	if err != nil {
		n.b.Warn("JSON parse error")
		return value.Str(text)
	}
	return v
}

func (n *httpAsk) fail(m *flow.Msg, ask *ask, err error) {
	e := askFault(err)
	if e.Code == "ETIMEDOUT" {
		n.b.Error(flow.Text("no response from server"), m)
		n.b.Status(flow.Status{Fill: "red", Shape: "ring", Text: "common.notification.errors.no-response"})
	} else {
		n.b.Error(e, m)
		n.b.Status(flow.Status{Fill: "red", Shape: "ring", Text: e.Code})
	}
	m.Set("payload", value.Str(e.Error()+" : "+ask.shown))
	if e.Code != "" {
		m.Set("statusCode", value.Str(e.Code))
	} else {
		m.Delete("statusCode")
	}
	if !n.c.quiet {
		n.b.Send(m)
	}
	n.b.Done(m, nil)
}

// responseCookies are the cookies that an answer sets, nil without any.
func responseCookies(h http.Header) *value.Map {
	lines := h.Values("Set-Cookie")
	if len(lines) == 0 {
		return nil
	}
	o := value.NewMap(len(lines))
	for _, line := range lines {
		name, _, ok := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			continue
		}
		parsed := parseCookies([]string{line})
		v := parsed.Get(name)
		parsed.Delete(name)
		o.Set(name, parsed.Set("value", v).Value())
	}
	return o
}
