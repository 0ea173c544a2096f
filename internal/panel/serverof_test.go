package panel_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"tsunagi/internal/panel"
)

// TestServerThatClientsFind looks at an instance under several names: what is shown to be pasted into programs must lead
// here from other machines, too.
func TestServerThatClientsFind(t *testing.T) {
	for _, tt := range []struct{ settings, host, reach, want string }{
		{"mqtt.example.org", "192.0.2.7:8443", "https://mqtt.example.org", "mqtt.example.org"},
		{"localhost", "192.0.2.7:8443", "https://192.0.2.8:8443", "192.0.2.7"},
		{"localhost", "[2001:db8::7]:8443", "", "2001:db8::7"},
		{"localhost", "pi.local", "", "pi.local"},
		{"localhost", "localhost:8443", "https://192.0.2.8:8443", "192.0.2.8"},
		{"localhost", "127.0.0.1:8443", "https://192.0.2.8:8443", "192.0.2.8"},
		{"localhost", "[::1]:8443", "https://[2001:db8::8]:8443", "2001:db8::8"},
		{"localhost", "edit.localhost:8443", "https://192.0.2.8:8443", "192.0.2.8"},
		{"localhost", "0.0.0.0:8443", "https://192.0.2.8:8443", "192.0.2.8"},
		{"localhost", `"><script>`, "https://192.0.2.8:8443", "192.0.2.8"},
		{"localhost", "localhost:8443", "", "localhost"},
	} {
		t.Run(tt.settings+" "+tt.host+" "+tt.reach, func(t *testing.T) {
			w := newWorldWith(t, func(o *panel.Options) {
				o.Endpoints.Server = tt.settings
				o.Reach = func() string { return tt.reach }
			})
			boss := w.owner()
			id := boss.instance()
			r := httptest.NewRequest("GET", "https://localhost:8443/api/v1/instances/"+id, nil)
			r.Host = tt.host
			r.Header.Set("Cookie", panel.CookieName+"="+boss.cookie)
			answer := httptest.NewRecorder()
			w.panel.ServeHTTP(answer, r)
			var in struct{ Server string }
			if err := json.Unmarshal(answer.Body.Bytes(), &in); err != nil || in.Server != tt.want {
				t.Errorf("server %q, want %q: %d %s", in.Server, tt.want, answer.Code, answer.Body)
			}
		})
	}
}

// TestInstanceNamesItsAccount says whose an instance is, whichever account the browser looks at.
func TestInstanceNamesItsAccount(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	id := boss.instance()
	var own, team struct{ Account, Team struct{ ID string } }
	boss.want("GET", "/api/v1/session", nil, 200, &own)
	boss.want("POST", "/api/v1/teams", map[string]any{"name": "crew"}, 201, nil) // the browser looks at it now
	boss.want("GET", "/api/v1/session", nil, 200, &team)
	var in struct{ Owner string }
	if boss.want("GET", "/api/v1/instances/"+id, nil, 200, &in); in.Owner != own.Account.ID || in.Owner == team.Team.ID {
		t.Errorf("it belongs to %q; the person is %q and looks at %q", in.Owner, own.Account.ID, team.Team.ID)
	}
	if boss.want("POST", "/api/v1/instances/"+id+"/move", map[string]any{"team": team.Team.ID}, 200, &in); in.Owner != team.Team.ID {
		t.Errorf("once moved it belongs to %q, want %q", in.Owner, team.Team.ID)
	}
}
