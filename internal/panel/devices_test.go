package panel_test

import (
	"crypto/ed25519"
	"io"
	"net/http"
	"strings"
	"testing"
)

// pair makes a device as its owner and the device do, and returns its id.
func (b *browser) pair(name, instance string) string {
	b.w.t.Helper()
	var made struct{ Code, Command string }
	b.want("POST", "/api/v1/devices/codes", map[string]any{"name": name, "instance": instance}, 201, &made)
	if want := "tsunagi flow --link https://localhost:8443 --code " + made.Code + " --pin ABCD"; made.Command != want {
		b.w.t.Errorf("command %q, want %q", made.Command, want)
	}
	key, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.w.t.Fatal(err)
	}
	var paired struct {
		ID, Name    string
		PlatformKey []byte `json:"platform_key"`
		Broker      struct {
			Host, User, Password string
			Port                 int
		}
	}
	device := b.w.browser()
	device.want("POST", "/api/v1/devices/pair", map[string]any{"code": made.Code, "key": key, "version": "1.2"}, 200, &paired)
	if p := paired; p.Name != name || len(p.PlatformKey) != 32 || p.Broker.Host != "localhost" || p.Broker.Port != 8883 ||
		p.Broker.User != instance+":device-"+name || len(p.Broker.Password) < 20 {
		b.w.t.Errorf("paired %+v", p)
	}
	device.refused("POST", "/api/v1/devices/pair", map[string]any{"code": made.Code, "key": key}, 404, "not_found")
	return paired.ID
}

func TestDevices(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.pair("pi", b.instance())
	var list struct {
		Items []struct {
			ID, Name, Version, URL, Remote string
			Online                         bool
			RemoteEditing                  bool `json:"remote_editing"`
		}
	}
	b.want("GET", "/api/v1/devices", nil, 200, &list)
	if len(list.Items) != 1 || list.Items[0].ID != id || !list.Items[0].Online || list.Items[0].Version != "1.2" || !list.Items[0].RemoteEditing {
		t.Fatalf("%+v", list)
	}
	var opened struct{ URL string }
	b.want("POST", "/api/v1/devices/"+id+"/open", nil, 200, &opened)
	if !strings.HasPrefix(opened.URL, "https://edit-pi.flows.localhost:8443/?code=") {
		t.Error(opened.URL)
	}
	b.want("PATCH", "/api/v1/devices/"+id, map[string]any{"name": "shed", "remote_editing": false}, 200, nil)
	b.refused("POST", "/api/v1/devices/"+id+"/open", nil, 403, "forbidden")
	b.want("POST", "/api/v1/devices/"+id+"/pages", map[string]any{"to": "/dash"}, 200, &opened)
	if !strings.HasPrefix(opened.URL, "https://shed.flows.localhost:8443/enter?code=") || !strings.HasSuffix(opened.URL, "&to=/dash") {
		t.Error(opened.URL)
	}
	var changed struct{ Pages string }
	b.want("PATCH", "/api/v1/devices/"+id, map[string]any{"pages": "none"}, 200, &changed)
	if changed.Pages != "none" {
		t.Errorf("%+v", changed)
	}
	b.refused("POST", "/api/v1/devices/"+id+"/pages", map[string]any{}, 403, "forbidden")
	b.want("POST", "/api/v1/devices/"+id+"/rotate", nil, 204, nil)
	b.want("DELETE", "/api/v1/devices/"+id, nil, 204, nil)
	b.refused("GET", "/api/v1/devices/"+id, nil, 404, "not_found")
	if got := strings.Join(w.devices.done, " "); got != "restart restart rotate forget" {
		t.Errorf("the tunnel was told %q", got)
	}
	_, raw := b.do("GET", "/api/v1/audit", nil)
	for _, action := range []string{"device.code", "device.pair", "device.open", "device.pages", "device.change", "device.unpair"} {
		if !strings.Contains(string(raw), action) {
			t.Errorf("the audit lacks %s", action)
		}
	}
}

// TestDeviceDoor wants the panel to pass on what a device answers as far as it has the right form, and to say in words
// what went wrong else.
func TestDeviceDoor(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.pair("pi", b.instance())
	answer := func(pattern string, status int, body string) {
		w.devices.door.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
	answer("GET /figures", 200, `{"version":"1.3","memory":5,"<script>":1}`)
	answer("GET /flows/state", 403, `{}`)
	answer("GET /log", 200, `{"lines":"no list"}`)
	answer("GET /flows/snapshots", 200, `{"rev":"r","snapshots":[{"id":"000001","rev":"r","nodes":3}]}`)
	answer("GET /flows/snapshots/{id}", 200, `{"flows":[{"id":"a"}]}`)
	answer("POST /flows/snapshots/{id}/restore", 409, `{"message":"another deploy is under way"}`)
	answer("POST /flows/push", 200, strings.Repeat(" ", 9<<20))
	at := "/api/v1/devices/" + id
	var figures struct {
		Version string
		Flows   *struct{}
	}
	if b.want("GET", at+"/figures", nil, 200, &figures); figures.Version != "1.3" || figures.Flows != nil {
		t.Errorf("%+v", figures)
	}
	b.refused("GET", at+"/log", nil, 409, "conflict")
	b.want("GET", at+"/snapshots", nil, 200, nil)
	_, raw := b.do("POST", at+"/snapshots/000001/restore", nil)
	if !strings.Contains(string(raw), "another deploy is under way") {
		t.Errorf("%s", raw)
	}
	b.refused("POST", at+"/snapshots/..%2Fpush/restore", nil, 422, "invalid")
	b.refused("POST", at+"/restart", nil, 404, "not_found") // a program that doesn't know it
	var pushed struct{ Items []struct{ Error string } }
	if b.want("POST", at+"/snapshots/000001/push", map[string]any{"devices": []string{id}}, 200, &pushed); len(pushed.Items) != 1 || pushed.Items[0].Error == "" {
		t.Errorf("an answer without end: %+v", pushed)
	}
	stranger := w.member(b, "stranger@example.org")
	other := stranger.pair("theirs", stranger.instance())
	b.refused("POST", at+"/snapshots/000001/push", map[string]any{"devices": []string{other}}, 404, "not_found")
	if asked := strings.Join(w.devices.done, ","); !strings.Contains(asked, "GET /figures by owner@example.org") || strings.Contains(asked, other) {
		t.Errorf("asked: %s", asked)
	}
	var flow struct{ ID string }
	b.want("POST", "/api/v1/flow-servers", map[string]any{"name": "f"}, 201, &flow)
	var meter struct{ Nodes []struct{ QueuedBytes int } }
	if b.want("GET", "/api/v1/flow-servers/"+flow.ID+"/meter?seconds=1", nil, 200, &meter); len(meter.Nodes) != 1 || meter.Nodes[0].QueuedBytes != 7 {
		t.Errorf("%+v", meter)
	}
}
