package network

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// prepare reads from a message what is to be sent. It returns nil after a warning.
func (n *httpAsk) prepare(m *flow.Msg) (*ask, error) {
	address, err := n.address(m)
	if err != nil || address == "" {
		return nil, err
	}
	a := &ask{method: strings.ToUpper(n.c.method), follow: true, timeout: n.timeout(m), header: headers{}}
	if method := m.Get("method"); method.Truthy() {
		if n.c.method == "use" {
			a.method = strings.ToUpper(method.Text())
		} else {
			n.b.Warn("Warning: msg properties can no longer override set node properties. See bit.ly/nr-override-msg-props")
		}
	}
	if m.Has("followRedirects") {
		a.follow = m.Get("followRedirects").Truthy()
	}
	if err := n.setHeaders(m, a); err != nil {
		return nil, err
	}
	if err := n.setBody(m, a, &address); err != nil {
		return nil, err
	}
	a.shown = address
	if a.url, err = parseAddress(address); err != nil {
		return nil, &flow.Error{Name: "TypeError", Message: "Invalid URL", Code: "ERR_INVALID_URL"}
	}
	n.setCookies(m, a)
	n.authorize(a)
	proxy, err := proxyFor(n.b, n.proxy, a.url)
	if err != nil {
		n.b.Warn(err.Error())
	}
	a.client, err = n.trusting.get(n, n.strict(m), proxy)
	return a, err
}

// address is where the request goes, "" after a warning.
func (n *httpAsk) address(m *flow.Msg) (string, error) {
	given := m.Get("url")
	address := n.c.url
	if address == "" && given.Truthy() {
		address = given.Text()
	}
	if n.c.url != "" && given.Truthy() && given.Text() != n.c.url {
		n.b.Warn("Warning: msg properties can no longer override set node properties. See bit.ly/nr-override-msg-props")
	}
	if n.c.text != nil {
		var err error
		if err = n.c.fault; err == nil {
			address, err = n.c.text.Render(m)
		}
		if err != nil {
			return "", flow.NewError("%s", err.Error())
		}
	}
	switch {
	case address == "":
		return "", flow.Text("No url specified")
	case strings.Contains(address, "://") && !strings.HasPrefix(address, "http"):
		n.b.Warn("non-http transport requested")
		n.b.Status(flow.Status{Fill: "red", Shape: "ring", Text: "httpin.errors.invalid-transport"})
		return "", nil
	case strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://"):
	case n.tls != nil:
		address = "https://" + address
	default:
		address = "http://" + address
	}
	return escapeQuery(address), nil
}

// escapeQuery makes %25 of each % of a query that begins no escape.
func escapeQuery(address string) string {
	path, query, ok := strings.Cut(address, "?")
	if !ok || !strings.Contains(query, "%") {
		return address
	}
	var b strings.Builder
	for i := range len(query) {
		b.WriteByte(query[i])
		if query[i] == '%' && (i+2 >= len(query) || !isHex(query[i+1]) || !isHex(query[i+2])) {
			b.WriteString("25")
		}
	}
	return path + "?" + b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// parseAddress reads an address as browsers do: what can't stand in one is escaped.
func parseAddress(address string) (*url.URL, error) {
	address, _, _ = strings.Cut(strings.TrimSpace(address), "#")
	start := strings.Index(address, "://") + 3
	end := strings.IndexAny(address[start:], "/?\\")
	if end < 0 {
		end = len(address) - start
	}
	var b strings.Builder
	b.WriteString(address[:start+end])
	inQuery := false
	for _, c := range []byte(address[start+end:]) {
		inQuery = inQuery || c == '?'
		switch {
		case c == '\\' && !inQuery:
			b.WriteByte('/')
		case c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>`, c) >= 0 || !inQuery && strings.IndexByte("`{}", c) >= 0:
			b.WriteString(encodeByte(c))
		default:
			b.WriteByte(c)
		}
	}
	text := b.String()
	u, err := url.Parse(text)
	if err != nil { // a % that begins no escape
		at := start + end
		u, err = url.Parse(text[:at] + strings.ReplaceAll(text[at:], "%", "%25"))
	}
	if err != nil {
		return nil, err
	}
	if u.Host == "" || u.Hostname() == "" {
		return nil, http.ErrNoLocation
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

func encodeByte(c byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{'%', digits[c>>4], digits[c&15]})
}

// timeout is how long the answer may take.
func (n *httpAsk) timeout(m *flow.Msg) time.Duration {
	t := m.Get("requestTimeout")
	if !t.Defined() {
		return askTimeout
	}
	switch ms := t.ToNumber(); {
	case ms != ms:
		n.b.Warn("Timeout value is not a valid number, ignoring")
	case ms < 1:
		n.b.Warn("Timeout value is negative, ignoring")
	default:
		return time.Duration(min(ms, 1<<31) * float64(time.Millisecond))
	}
	return askTimeout
}

// strict says whether the server's certificate must be right.
func (n *httpAsk) strict(m *flow.Msg) bool {
	if n.tls != nil || !m.Has("rejectUnauthorized") {
		return true
	}
	v := m.Get("rejectUnauthorized")
	switch text := strings.ToLower(v.Str()); {
	case v.Is(value.Bool):
		return v.Bool()
	case text == "true" || text == "false":
		return text == "true"
	}
	n.b.Warn("msg.rejectUnauthorized should be a boolean")
	return true
}

// headers are those of a request, with names as they were given.
type headers map[string][]string

// set sets a header whatever the case of its name; no values remove it.
func (h headers) set(name string, values ...string) {
	for key := range h {
		if strings.EqualFold(key, name) {
			delete(h, key)
		}
	}
	if len(values) > 0 {
		h[name] = values
	}
}

func (h headers) get(name string) (string, bool) {
	for key, v := range h {
		if strings.EqualFold(key, name) {
			return strings.Join(v, ", "), true
		}
	}
	return "", false
}

// setHeaders takes the headers of the message, then those of the dialog.
func (n *httpAsk) setHeaders(m *flow.Msg, a *ask) error {
	set := func(name string, v value.Value) error {
		var list []string
		if l := v.List(); l != nil {
			for _, e := range l.All() {
				list = append(list, e.Text())
			}
		} else if v.Truthy() {
			list = []string{v.Text()}
		}
		if !validHeader(name) {
			return nodeFault("TypeError", "ERR_INVALID_HTTP_TOKEN", "Header name must be a valid HTTP token [\""+name+"\"]")
		}
		for _, s := range list {
			if strings.ContainsAny(s, "\r\n\x00") {
				return nodeFault("TypeError", "ERR_INVALID_CHAR", "Invalid character in header content [\""+name+"\"]")
			}
		}
		a.header.set(name, list...)
		return nil
	}
	if own := ownHeaders(m); own != nil {
		for name, v := range own.All() {
			if err := set(name, v); err != nil {
				return err
			}
		}
	}
	for i := range n.c.headers {
		name := n.c.headers[i].name.eval(m)
		if !name.Truthy() {
			continue
		}
		if err := set(name.Text(), n.c.headers[i].value.eval(m)); err != nil {
			return err
		}
	}
	return nil
}

func (t *askText) eval(m *flow.Msg) value.Value {
	if t.path == nil {
		return value.Str(t.text)
	}
	v, err := t.path.Eval(m)
	if err != nil {
		return value.Value{}
	}
	return v
}

// setCookies takes the cookies of a header and of the message.
func (n *httpAsk) setCookies(m *flow.Msg, a *ask) {
	if line, ok := a.header["cookie"]; ok {
		for pair := range strings.SplitSeq(strings.Join(line, "; "), ";") {
			if name, text, ok := strings.Cut(pair, "="); ok {
				a.addCookie(strings.TrimSpace(name), strings.TrimSpace(text))
			}
		}
		delete(a.header, "cookie")
	}
	cookies := m.Get("cookies").Map()
	if cookies == nil {
		return
	}
	for name, v := range cookies.All() {
		o := v.Map()
		switch {
		case v.Nullish() || o != nil && o.Get("value").Nullish():
		case o != nil && o.Get("encode").Is(value.Bool) && !o.Get("encode").Bool():
			a.addCookie(name, o.Get("value").Text())
		case o != nil:
			a.addCookie(name, encodeComponent(o.Get("value").Text()))
		default:
			a.addCookie(name, encodeComponent(v.Text()))
		}
	}
}

// authorize adds what the dialog, or else the address, knows of the user. As in Node-RED the
// address is remembered.
func (n *httpAsk) authorize(a *ask) {
	if u := a.url.User; u != nil {
		if name := u.Username(); name != "" && n.user == "" {
			n.user, n.known = name, true
		}
		if password, ok := u.Password(); ok && n.password == "" {
			n.password, n.known = password, true
		}
		a.url.User = nil
	}
	if !n.known {
		return
	}
	switch n.c.auth {
	case "basic":
		if n.user != "" || n.password != "" {
			a.header.set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(n.user+":"+n.password)))
		}
	case "bearer":
		a.header.set("Authorization", "Bearer "+n.password)
	case "digest":
		a.digest, a.user, a.password = true, n.user, n.password
	}
}
