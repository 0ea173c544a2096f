package app

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// inner are the sessions of an instance's own parts, by what they begin with: whether each is connected.
func (p *person) inner(instance string) map[string]bool {
	p.t.Helper()
	var list struct {
		Items []struct {
			ClientID  string `json:"client_id"`
			Connected bool
		}
	}
	p.api("GET", "/instances/"+instance+"/sessions", nil, &list)
	all := map[string]bool{}
	for _, s := range list.Items {
		kind, _, _ := strings.Cut(s.ClientID, "-")
		all[kind] = s.Connected
	}
	return all
}

// TestSuspendedAccountRunsNothing has a webhook that is being tried again, a history and a bridge of an account. They stop
// when it is suspended, also over a restart of the server, and go on with what waited when it may work again.
func TestSuspendedAccountRunsNothing(t *testing.T) {
	w := serveWorld(t, "--hook-allow", "127.0.0.1", "--bridge-allow", "127.0.0.1,::1")
	w.signIn("owner@example.org")
	to, toPassword := w.instance() // the host's, where the bridge leads to
	p := w.signIn("m@example.org")
	var calls atomic.Int32
	var good atomic.Bool
	got := make(chan string, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if !good.Load() {
			rw.Header().Set("Retry-After", "1")
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var e struct{ Topic string }
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		got <- e.Topic
	}))
	defer receiver.Close()
	var in struct{ ID string }
	p.api("POST", "/instances", map[string]any{"name": "theirs"}, &in)
	at := "/instances/" + in.ID
	p.api("POST", at+"/hooks", map[string]any{"name": "post", "filter": "t/#", "action": "post", "url": receiver.URL}, nil)
	p.api("PATCH", at+"/history", map[string]any{"filters": []any{map[string]any{"filter": "t/#", "bytes": 100_000}}}, nil)
	_, port, _ := net.SplitHostPort(w.mqtts)
	var made struct{ ID string }
	p.api("POST", at+"/bridges", map[string]any{"name": "b", "address": "mqtts://localhost:" + port, "roots": w.authority(), "user": to, "password": toPassword,
		"topics": []any{map[string]any{"direction": "out", "filter": "t/#", "qos": 1}}}, &made)
	all := func(connected bool) func() bool {
		return func() bool {
			parts := p.inner(in.ID)
			for _, kind := range []string{"hook", "history", "bridge"} {
				if is, there := parts[kind]; is != connected || !there {
					return false
				}
			}
			return true
		}
	}
	p.until(all(true))
	p.api("POST", at+"/publish", map[string]any{"topic": "t/1", "payload": "1", "qos": 1}, nil)
	p.until(func() bool { return calls.Load() > 0 })
	var kept struct{ Items []struct{ Topic string } }
	p.until(func() bool { p.api("GET", at+"/history/messages", nil, &kept); return len(kept.Items) == 1 })

	w.admin(nil, "account", "suspend", "m@example.org", "--why", "unpaid")
	stopped := func() {
		t.Helper()
		p.until(all(false))
		before := calls.Load()
		for range 20 { // longer than each of them waits before it comes back
			time.Sleep(100 * time.Millisecond)
			if !all(false)() {
				t.Fatalf("of a suspended account runs: %v\n%s", p.inner(in.ID), w.log)
			}
		}
		if n := calls.Load(); n != before {
			t.Errorf("%d calls of a suspended account", n-before)
		}
	}
	stopped()
	if p.api("GET", at+"/history/messages", nil, &kept); len(kept.Items) != 1 {
		t.Errorf("what was kept can't be read: %+v", kept)
	}
	if code := p.api("POST", at+"/publish", map[string]any{"topic": "t/2", "payload": "1", "qos": 1}, nil); code != 403 {
		t.Errorf("publish: %d", code)
	}
	data := w.data
	w.stop()
	w = serveWorld(t, "--data", data, "--hook-allow", "127.0.0.1", "--bridge-allow", "127.0.0.1,::1")
	p.at(w)
	stopped()

	good.Store(true)
	w.admin(nil, "account", "resume", "m@example.org")
	select {
	case topic := <-got:
		if topic != "t/1" {
			t.Errorf("delivered %s", topic)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("what waited is not delivered\n%s", w.log)
	}
	p.until(func() bool { parts := p.inner(in.ID); return parts["hook"] && parts["history"] })
	p.api("POST", at+"/publish", map[string]any{"topic": "t/3", "payload": "1", "qos": 1}, nil)
	p.until(func() bool { p.api("GET", at+"/history/messages", nil, &kept); return len(kept.Items) == 2 })
	var st struct{ State string }
	p.until(func() bool {
		p.api("GET", at+"/bridges/"+made.ID+"/state", nil, &st)
		return st.State != "" && st.State != "off"
	})
}
