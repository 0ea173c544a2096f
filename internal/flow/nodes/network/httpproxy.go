package network

import (
	"net/url"
	"strconv"
	"strings"

	"tsunagi/internal/flow"
)

// proxyConfig is an http proxy config node.
type proxyConfig struct {
	url, user, password string
	direct              []string // hosts that are reached without it
}

// HTTPProxy is the config node of a proxy for http request nodes.
func HTTPProxy() flow.Type {
	return flow.Type{Name: "http proxy", Fields: []string{"url", "noproxy"}, Credentials: map[string]string{"username": "text", "password": "password"},
		New: func(b *flow.Base, c flow.Config) (flow.Node, error) {
			n := &proxyConfig{url: c.Str("url")}
			n.user, _ = b.Credential("username")
			n.password, _ = b.Credential("password")
			if l := c.Get("noproxy").List(); l != nil {
				for _, e := range l.All() {
					n.direct = append(n.direct, e.Text())
				}
			}
			return n, nil
		}}
}

func (n *proxyConfig) Receive(*flow.Msg) {}

// proxyFor returns the proxy for an address, nil for none: the config node's, or that of the
// environment when there is no config node.
func proxyFor(b *flow.Base, n *proxyConfig, to *url.URL) (*url.URL, error) {
	env := func(name string) string {
		if b.Options().Env == nil {
			return ""
		}
		if v, ok := b.Options().Env(strings.ToLower(name)); ok && v != "" {
			return v
		}
		v, _ := b.Options().Env(strings.ToUpper(name))
		return v
	}
	address, direct := "", ""
	if n != nil {
		address, direct = n.url, strings.Join(n.direct, ",")
	} else {
		scheme := map[string]string{"ws": "ws", "wss": "wss", "https": "https"}[to.Scheme]
		if scheme == "" {
			scheme = "http"
		}
		if address = env(scheme + "_proxy"); address == "" {
			address = env("all_proxy")
		}
		direct = env("no_proxy")
	}
	if address == "" || reachedDirectly(direct, to) {
		return nil, nil
	}
	if !strings.Contains(address, "://") {
		address = to.Scheme + "://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, flow.Text("Bad proxy url: " + address)
	}
	if n != nil && (n.user != "" || n.password != "") {
		u.User = url.UserPassword(n.user, n.password)
	}
	return u, nil
}

// reachedDirectly compares an address with a list of hosts: names, .ends, *ends, with a port if one is given.
func reachedDirectly(list string, to *url.URL) bool {
	list = strings.ToLower(list)
	if list == "*" {
		return true
	}
	port := to.Port()
	if port == "" {
		port = map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443"}[to.Scheme]
	}
	host := strings.ToLower(to.Hostname())
	for _, entry := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
		if at := strings.LastIndexByte(entry, ':'); at > 0 {
			if _, err := strconv.Atoi(entry[at+1:]); err == nil {
				if entry[at+1:] != port {
					continue
				}
				entry = entry[:at]
			}
		}
		switch {
		case entry[0] == '*':
			if strings.HasSuffix(host, entry[1:]) {
				return true
			}
		case entry[0] == '.':
			if strings.HasSuffix(host, entry) {
				return true
			}
		case host == entry:
			return true
		}
	}
	return false
}
