package panel_test

import (
	"crypto/ed25519"
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
	b.want("POST", "/api/v1/devices/"+id+"/rotate", nil, 204, nil)
	b.want("DELETE", "/api/v1/devices/"+id, nil, 204, nil)
	b.refused("GET", "/api/v1/devices/"+id, nil, 404, "not_found")
	if got := strings.Join(w.devices.done, " "); got != "restart rotate forget" {
		t.Errorf("the tunnel was told %q", got)
	}
	_, raw := b.do("GET", "/api/v1/audit", nil)
	for _, action := range []string{"device.code", "device.pair", "device.open", "device.change", "device.unpair"} {
		if !strings.Contains(string(raw), action) {
			t.Errorf("the audit lacks %s", action)
		}
	}
}
