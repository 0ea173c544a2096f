package panel_test

import (
	"strings"
	"testing"
)

// TestBridgesOverTheAPI makes, changes and deletes a bridge; its password is in no answer and no log.
func TestBridgesOverTheAPI(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	at := "/api/v1/instances/" + b.instance() + "/bridges"
	line := map[string]any{"direction": "out", "filter": "#", "local": "a/", "remote": "b/", "qos": 2}
	const secret = "canary-Secret-9"
	var made struct {
		ID, Version string
		ClientID    string `json:"client_id"`
		HasPassword bool   `json:"has_password"`
		Topics      []struct{ Remote string }
		State       struct{ State string }
	}
	for name, bad := range map[string]map[string]any{
		"no topics":          {"name": "x", "address": "mqtts://b.example"},
		"no TLS":             {"name": "x", "address": "mqtt://b.example", "topics": []any{line}},
		"another scheme":     {"name": "x", "address": "file:///etc/passwd", "topics": []any{line}},
		"a password in it":   {"name": "x", "address": "mqtts://u:p@b.example", "topics": []any{line}},
		"a wildcard prefix":  {"name": "x", "address": "mqtts://b.example", "topics": []any{map[string]any{"direction": "out", "filter": "#", "local": "+/"}}},
		"nothing to match":   {"name": "x", "address": "mqtts://b.example", "topics": []any{map[string]any{"direction": "out"}}},
		"into $SYS":          {"name": "x", "address": "mqtts://b.example", "topics": []any{map[string]any{"direction": "in", "filter": "#", "local": "$SYS/"}}},
		"roots of nonsense":  {"name": "x", "address": "mqtts://b.example", "roots": "nonsense", "topics": []any{line}},
		"an unknown version": {"name": "x", "address": "mqtts://b.example", "version": "4", "topics": []any{line}},
	} {
		if p := b.refused("POST", at, bad, 422, "invalid"); len(p.Errors) == 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	b.want("POST", at, map[string]any{"name": "cloud", "address": "b.example", "user": "u", "password": secret, "topics": []any{line}}, 201, &made)
	if !made.HasPassword || made.Version != "5.0" || made.ClientID == "" || len(made.Topics) != 1 || made.Topics[0].Remote != "b/" || made.State.State != "off" {
		t.Errorf("made %+v", made)
	}
	b.refused("PATCH", at+"/"+made.ID, map[string]any{"address": "mqtts://evil.example"}, 422, "invalid") // would get the password
	b.want("PATCH", at+"/"+made.ID, map[string]any{"name": "other", "enabled": false}, 200, &made)
	b.want("GET", at+"/"+made.ID+"/state", nil, 200, nil)
	for _, path := range []string{at, at + "/" + made.ID} {
		if _, raw := b.do("GET", path, nil); strings.Contains(string(raw), secret) || !strings.Contains(string(raw), "mqtts://b.example") {
			t.Errorf("%s: %s", path, raw)
		}
	}
	if _, raw := b.do("GET", "/api/v1/audit", nil); !strings.Contains(string(raw), "bridge.create") || strings.Contains(string(raw), secret) {
		t.Errorf("audit: %s", raw)
	}
	var trial struct {
		Works bool
		Steps []struct{ Stage, Problem, Text, Cause string }
	}
	b.want("POST", at+"/"+made.ID+"/test", nil, 200, &trial)
	if trial.Works || len(trial.Steps) != 2 || trial.Steps[0].Text != "" || !strings.Contains(trial.Steps[1].Text, "mqtts://b.example") || trial.Steps[1].Cause != "refused" {
		t.Errorf("trial: %+v", trial)
	}
	for range 4 {
		b.want("POST", at+"/"+made.ID+"/test", nil, 200, nil)
	}
	b.refused("POST", at+"/"+made.ID+"/test", nil, 429, "rate_limited")
	b.want("DELETE", at+"/"+made.ID, nil, 204, nil)
	b.refused("GET", at+"/"+made.ID, nil, 404, "not_found")
	if strings.Contains(w.log.String(), secret) {
		t.Error("a secret in the log")
	}
}
