package editor

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	w := newWorld(t, Options{Shared: true})
	var s struct {
		Version          string
		TelemetryEnabled *bool
		User             any
		Context          struct{ Default string }
		TLS              bool `json:"tlsConfigDisableLocalFiles"`
		ExternalModules  struct {
			Palette struct{ AllowInstall *bool }
		}
		EditorTheme struct {
			Languages []string
			Tours     *bool
			Projects  struct{ Enabled *bool }
		}
	}
	if err := json.Unmarshal([]byte(w.get("/settings").body), &s); err != nil {
		t.Fatal(err)
	}
	off := func(b *bool) bool { return b != nil && !*b }
	if s.Version != Version || !off(s.TelemetryEnabled) || s.User != nil || s.Context.Default != "memory" || !s.TLS ||
		!off(s.ExternalModules.Palette.AllowInstall) || !off(s.EditorTheme.Tours) || !off(s.EditorTheme.Projects.Enabled) || len(s.EditorTheme.Languages) != 10 {
		t.Errorf("settings %+v", s)
	}
}

func TestUserSettings(t *testing.T) {
	w := newWorld(t, Options{})
	w.get("/settings/user").want(t, 200, "{}")
	w.do("POST", "/settings/user", `{"editor":{"view":{"grid":1,"snap":true}},"x":[1,2]}`).want(t, 204, "")
	w.do("POST", "/settings/user", `{"editor":{"view":{"grid":null,"zoom":2}},"x":[3],"y":{"z":null}}`).want(t, 204, "")
	var got any
	if err := json.Unmarshal([]byte(w.get("/settings/user").body), &got); err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(got); string(text) != `{"editor":{"view":{"snap":true,"zoom":2}},"x":[3],"y":{}}` {
		t.Errorf("settings %s", text)
	}
	w.do("POST", "/settings/user", `[1]`).wantPart(t, 400, "unexpected_error")
	w.do("POST", "/settings/user", `{"big":"`+strings.Repeat("x", maxUserSettings)+`"}`).wantPart(t, 413, "too_large")
	half := `{"%":"` + strings.Repeat("x", maxUserSettings*2/3) + `"}`
	w.do("POST", "/settings/user", strings.Replace(half, "%", "a", 1)).want(t, 204, "")
	w.do("POST", "/settings/user", strings.Replace(half, "%", "b", 1)).wantPart(t, 413, "too_large")
}

func TestContextIsEmpty(t *testing.T) {
	w := newWorld(t, Options{})
	for path, want := range map[string]string{
		"/context/global":                            `{"memory":{}}`,
		"/context/flow/f1":                           `{"memory":{}}`,
		"/context/node/n1?store=memory":              `{"memory":{}}`,
		"/context/global/?store=memory&keysOnly":     `{"memory":{"keys":[]}}`,
		"/context/global/a%2Fb.c%5B0%5D":             `{"format":"undefined","msg":"(undefined)"}`,
		"/context/flow/f1/key?store=memory":          `{"format":"undefined","msg":"(undefined)"}`,
		"/context/flow/f1/key?store=memory&keysOnly": `{"memory":{"keys":[]}}`,
	} {
		w.get(path).want(t, 200, want)
	}
	w.get("/context/global?store=nope").wantPart(t, 404, "not_found")
	w.do("DELETE", "/context/global/a?store=memory", "").want(t, 204, "")
	w.do("DELETE", "/context/flow/f1/a?store=nope", "").wantPart(t, 404, "not_found")
}

func TestDiagnostics(t *testing.T) {
	w := newWorld(t, Options{Release: "v9"})
	w.get("/diagnostics").wantPart(t, 200, `"version":"v9"`)
	w.get("/udp-ports/x").want(t, 200, "[]")
}
