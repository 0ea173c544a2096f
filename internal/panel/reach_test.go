package panel_test

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/outside"
	"tsunagi/internal/panel"
)

// TestAddressesOutOfReach are refused when they are saved, with the field at fault and in words that name the address. What
// a name leads to is judged at each connection, and what was saved once can be changed in other ways.
func TestAddressesOutOfReach(t *testing.T) {
	var shut atomic.Bool
	reach := func(ip netip.Addr, tls bool) bool { // public addresses with TLS, and 10.0.0.7 in any way until it is shut
		d := outside.Dialer{Only: !tls}
		if !shut.Load() {
			d.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")}
		}
		return d.May(ip)
	}
	w := newWorldOf(t, func(*panel.Options) {}, func(o *account.Options) {
		o.HookPlain, o.HookReach, o.BridgePlain, o.BridgeReach = true, reach, true, reach
	})
	b := w.owner()
	at := "/api/v1/instances/" + b.instance()
	kinds := []struct {
		path, field, secure, plain string
		body                       map[string]any
	}{
		{at + "/hooks", "url", "https://", "http://", map[string]any{"name": "x", "filter": "a/#", "action": "post"}},
		{at + "/bridges", "address", "mqtts://", "mqtt://", map[string]any{"name": "x", "topics": []any{map[string]any{"direction": "out", "filter": "#", "remote": "b/"}}}},
	}
	for _, k := range kinds {
		shut.Store(false)
		with := func(address string) map[string]any { k.body[k.field] = address; return k.body }
		for _, address := range []string{k.secure + "127.0.0.1", k.secure + "169.254.169.254/latest", k.secure + "[::1]:9000", k.secure + "[::ffff:10.0.0.8]",
			k.secure + "[fd00::1]", k.secure + "0.0.0.0", k.plain + "8.8.8.8"} {
			p := b.refused("POST", k.path, with(strings.TrimSuffix(address, "/latest")), 422, "invalid")
			if len(p.Errors) != 1 || !strings.HasSuffix(p.Errors[0].Location, k.field) || !strings.Contains(p.Errors[0].Message, "may not connect to "+host(address)+".") {
				t.Errorf("%s: %+v", address, p)
			}
		}
		for _, address := range []string{k.secure + "8.8.8.8", k.secure + "[2606:4700::1111]", k.secure + "10.0.0.7", k.secure + "localhost"} {
			b.want("POST", k.path, with(address), 201, nil)
		}
		var made struct{ ID string }
		b.want("POST", k.path, with(k.plain+"10.0.0.7"), 201, &made)
		shut.Store(true)
		b.refused("POST", k.path, with(k.plain+"10.0.0.7"), 422, "invalid")
		b.want("PATCH", k.path+"/"+made.ID, map[string]any{"enabled": false, k.field: k.plain + "10.0.0.7"}, 200, nil)
		b.refused("PATCH", k.path+"/"+made.ID, map[string]any{k.field: k.secure + "10.0.0.7"}, 422, "invalid")
		b.want("PATCH", "/api/v1/account", map[string]any{"language": "ja"}, 200, nil)
		_, raw := b.do("POST", k.path, with(k.secure+"10.0.0.7"))
		b.want("PATCH", "/api/v1/account", map[string]any{"language": "en"}, 200, nil)
		if !strings.Contains(string(raw), "10.0.0.7に接続できません") {
			t.Errorf("in Japanese: %s", raw)
		}
	}
}

// host is the one of an address as it is named.
func host(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	rest, _, _ = strings.Cut(rest, "/")
	if strings.HasPrefix(rest, "[") {
		rest, _, _ = strings.Cut(rest[1:], "]")
	}
	return rest
}
