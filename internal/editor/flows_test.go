package editor

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/flow"
)

// emptyRev is Node-RED's revision of no flows at all.
const emptyRev = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"

func revOf(t *testing.T, a answer) string {
	t.Helper()
	var out struct{ Rev string }
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != 200 || out.Rev == "" {
		t.Fatalf("answer %d %q", a.status, a.body)
	}
	return out.Rev
}

func TestDeploy(t *testing.T) {
	w := newWorld(t, Options{})
	v2 := []string{"Node-RED-API-Version", "v2"}
	w.get("/flows", v2...).want(t, 200, `{"flows":[],"rev":"`+emptyRev+`"}`)
	w.get("/flows").want(t, 200, "[]")
	w.get("/flows", "Node-RED-API-Version", "v3").want(t, 400, `{"code":"invalid_api_version","message":"Invalid API Version requested"}`)

	const nodes = `[{"id":"t","type":"tab","zz":1,"aa":{"b":1.50,"a":12345678901234567890}},{"id":"n","type":"mystery","z":"t","x":1,"y":2}]`
	rev := revOf(t, w.deploy(`{"flows":`+nodes+`,"rev":"`+emptyRev+`"}`, "Node-RED-Deployment-Type", "nodes"))
	if a := w.get("/flows", v2...); !strings.Contains(a.body, `"zz":1,"aa":{"b":1.5`) || !strings.Contains(a.body, rev) {
		t.Errorf("stored %s", a.body)
	}
	w.deploy(`{"flows":[],"rev":"`+emptyRev+`"}`).want(t, 409, `{"code":"version_mismatch","message":"Error"}`)
	if again := revOf(t, w.deploy(`{"flows":`+nodes+`}`)); again != rev {
		t.Errorf("the same flows have revisions %s and %s", rev, again)
	}
	w.do("POST", "/flows", `[]`).want(t, 204, "")
	w.get("/flows", v2...).wantPart(t, 200, emptyRev)
	revOf(t, w.deploy("", "Node-RED-Deployment-Type", "reload"))
	want := []flow.DeployType{flow.DeployFull, flow.DeployNodes, flow.DeployFull, flow.DeployFull, flow.DeployReload}
	if !slices.Equal(w.runtime.deploys, want) {
		t.Errorf("deploys %v, want %v", w.runtime.deploys, want)
	}
}

func TestDeployRefuses(t *testing.T) {
	w := newWorld(t, Options{})
	for _, tt := range []struct {
		name, body string
		status     int
		part       string
	}{
		{"not JSON", `{"flows":[`, 400, "Not valid JSON after"},
		{"no body", ``, 400, "JSON"},
		{"no flows", `{"x":1}`, 400, "must be an array"},
		{"object instead of array", `{"flows":{}}`, 400, "must be an array"},
		{"bare array in v2", `[]`, 400, "unexpected_error"},
		{"entry that is no object", `{"flows":[7]}`, 400, "unexpected_error"},
		{"too large", `{"flows":["` + strings.Repeat("x", maxFlows) + `"]}`, 413, "too_large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := w.deploy(tt.body)
			a.wantPart(t, tt.status, tt.part)
			if len(a.body) > 300 || strings.Contains(a.body, "goroutine") {
				t.Errorf("answer %q", a.body)
			}
		})
	}
	w.deploy(`{"flows":[]}`, "Node-RED-Deployment-Type", "odd").wantPart(t, 400, "deployment type")
	w.deploy(`{"flows":[]}`, "Content-Type", "text/plain").wantPart(t, 415, "application/json")
	w.get("/flows").want(t, 200, "[]")
}

func TestDeployAnswersBeforeASlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := &fakeRuntime{hold: make(chan struct{})}
		store, err := OpenStore(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		p, err := openProject(store, rt, "", discard())
		if err != nil {
			t.Fatal(err)
		}
		file, err := flow.ParseFile([]byte(`[{"id":"1","type":"tab"}]`))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := p.deploy(t.Context(), file, nil, flow.DeployFull); err != nil || time.Since(began) != deployPatience {
			t.Errorf("answered after %s with %v, want %s", time.Since(began), err, deployPatience)
		}
		if text, _ := store.read(flowsFile); !strings.Contains(string(text), `"id": "1"`) {
			t.Errorf("not on disk when answered: %q", text)
		}
		second := make(chan error, 1)
		go func() { _, err := p.deploy(t.Context(), file, nil, flow.DeployFull); second <- err }()
		synctest.Wait()
		select {
		case <-second:
			t.Error("a second deploy did not wait for the first")
		default:
		}
		close(rt.hold)
		if err := <-second; err != nil {
			t.Error(err)
		}
		p.close()
	})
}

func TestStoredFiles(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, Options{Dir: dir})
	const broker = `{"id":"b","type":"mqtt-broker","name":"x","credentials":{"user":"u","password":"p","other":"o"}}`
	rev := revOf(t, w.deploy(`{"flows":[`+broker+`]}`))
	text, err := os.ReadFile(filepath.Join(dir, "flows.json"))
	if err != nil || string(text) != "[\n    {\n        \"id\": \"b\",\n        \"type\": \"mqtt-broker\",\n        \"name\": \"x\"\n    }\n]" {
		t.Errorf("flows.json %q, %v", text, err)
	}
	sealed, err := os.ReadFile(filepath.Join(dir, "flows_cred.json"))
	if err != nil || strings.Contains(string(sealed), "password") {
		t.Errorf("flows_cred.json %q, %v", sealed, err)
	}
	if w.get("/flows").body != `[{"id":"b","type":"mqtt-broker","name":"x"}]` {
		t.Error("credentials are in the flows")
	}
	if again := revOf(t, w.deploy(`{"flows":[{"id":"b","type":"mqtt-broker","name":"x","credentials":{"password":"new"}}],"rev":"`+rev+`"}`)); again != rev {
		t.Error("a new password changes the revision")
	}
	if got := string(w.runtime.creds["b"]["password"]); got != `"new"` {
		t.Errorf("the runtime got %s", got)
	}
	w.Server.Close()

	again := newWorld(t, Options{Dir: dir})
	if got := again.project.state.Load().creds["b"]; string(got["password"]) != `"new"` || string(got["user"]) != `"u"` || got["other"] != nil {
		t.Errorf("after a restart %v", got)
	}
	if _, err := OpenStore(dir); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second process got the directory: %v", err)
	}
}

func TestDamagedFlowFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "flows.json"), []byte(`{"not":"flows"`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(Options{Dir: dir, Runtime: &fakeRuntime{}, Comms: NewComms(nil)})
	if err == nil || !strings.Contains(err.Error(), "flows.json") || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("error %v", err)
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "flows.json")); string(text) != `{"not":"flows"` {
		t.Errorf("the file was changed to %q", text)
	}
}

func TestUnreadableCredentials(t *testing.T) {
	dir := t.TempDir()
	sealed, err := sealCredentials(flow.Credentials{"b": {"user": json.RawMessage(`"u"`)}}, "another secret")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "flows_cred.json"), sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, Options{Dir: dir})
	b := w.dial(t)
	b.subscribe("notification/#")
	if got := b.next(); !strings.Contains(got, "credentials_load_failed") {
		t.Errorf("told %s", got)
	}
	revOf(t, w.deploy(`{"flows":[]}`))
	if kept, err := os.ReadFile(filepath.Join(dir, "flows_cred.json.unreadable")); err != nil || string(kept) != string(sealed) {
		t.Errorf("the old credentials were not kept: %v", err)
	}
}

func TestState(t *testing.T) {
	w := newWorld(t, Options{})
	w.get("/flows/state").want(t, 200, `{"state":"start"}`)
	w.form("/flows/state", "state", "stop").want(t, 200, `{"state":"stop"}`)
	w.form("/flows/state", "state", "odd").wantPart(t, 400, "invalid_run_state")
	w.runtime.fail = errors.New("inner secret")
	if a := w.form("/flows/state", "state", "start"); a.status != 400 || strings.Contains(a.body, "secret") {
		t.Errorf("%d %q", a.status, a.body)
	}
}

func TestInject(t *testing.T) {
	w := newWorld(t, Options{})
	w.do("POST", "/inject/known", `{"__user_inject_props__":[]}`).want(t, 200, "OK")
	if w.runtime.injected != `{"__user_inject_props__":[]}` {
		t.Errorf("injected %q", w.runtime.injected)
	}
	w.do("POST", "/inject/known", "").want(t, 200, "OK")
	w.do("POST", "/inject/nope", "{}").want(t, 404, "Not Found")
	w.do("POST", "/inject/known", "{").wantPart(t, 400, "unexpected_error")
	w.runtime.fail = errors.New("inner")
	w.do("POST", "/inject/known", "{}").want(t, 500, "Inject failed")
}

func TestDebugSwitches(t *testing.T) {
	w := newWorld(t, Options{})
	w.form("/debug/known/enable").want(t, 200, "OK")
	w.form("/debug/known/disable").want(t, 201, "Created")
	w.form("/debug/nope/enable").want(t, 404, "")
	w.form("/debug/known/odd").want(t, 404, "")
	w.form("/debug/disable", "nodes[]", "known", "nodes[]", "b").want(t, 201, "")
	if !slices.Equal(w.runtime.debugOff, []string{"known", "b"}) {
		t.Errorf("switched off %v", w.runtime.debugOff)
	}
	w.form("/debug/enable").want(t, 400, "")
}

func TestOneTab(t *testing.T) {
	w := newWorld(t, Options{})
	revOf(t, w.deploy(`{"flows":[{"id":"a","type":"tab","label":"A"},{"id":"n","type":"inject","z":"a","x":1,"y":1},{"id":"c","type":"mqtt-broker","z":"a"},
		{"id":"g","type":"mqtt-broker"},{"id":"s","type":"subflow","name":"S"},{"id":"i","type":"debug","z":"s","x":1,"y":1}]}`))
	w.get("/flow/a").want(t, 200, `{"id":"a","label":"A","nodes":[{"id":"n","type":"inject","z":"a","x":1,"y":1}],"configs":[{"id":"c","type":"mqtt-broker","z":"a"}]}`)
	w.get("/flow/global").want(t, 200, `{"id":"global","configs":[{"id":"g","type":"mqtt-broker"}],"subflows":[{"id":"s","type":"subflow","name":"S","nodes":[{"id":"i","type":"debug","z":"s","x":1,"y":1}]}]}`)
	w.get("/flow/nope").wantPart(t, 404, "not_found")

	a := w.do("POST", "/flow", `{"label":"New","nodes":[{"id":"m","z":"old","type":"inject","x":1,"y":2}]}`)
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(a.body), &made); err != nil || len(made.ID) != 16 {
		t.Fatalf("answer %q", a.body)
	}
	w.get("/flow/"+made.ID).want(t, 200, `{"id":"`+made.ID+`","label":"New","nodes":[{"id":"m","z":"`+made.ID+`","type":"inject","x":1,"y":2}]}`)
	w.do("POST", "/flow", `{"label":"B","nodes":[{"id":"n","type":"inject"}]}`).wantPart(t, 400, "duplicate id")
	w.do("POST", "/flow", `{"label":"B"}`).wantPart(t, 400, "missing nodes")
	w.do("POST", "/flow", `{"nodes":[{"id":"q","type":"tab"}]}`).wantPart(t, 400, "invalid node type: tab")

	w.do("PUT", "/flow/a", `{"label":"A2","disabled":true,"nodes":[]}`).want(t, 200, `{"id":"a"}`)
	w.get("/flow/a").want(t, 200, `{"id":"a","label":"A2","disabled":true,"nodes":[]}`)
	w.do("PUT", "/flow/nope", `{"nodes":[]}`).wantPart(t, 404, "not_found")
	w.do("PUT", "/flow/global", `{"configs":[],"subflows":[{"id":"s2","type":"subflow","nodes":[{"id":"j","type":"debug","z":"s2","x":1,"y":1}]}]}`).want(t, 200, `{"id":"global"}`)
	w.get("/flow/global").want(t, 200, `{"id":"global","subflows":[{"id":"s2","type":"subflow","nodes":[{"id":"j","type":"debug","z":"s2","x":1,"y":1}]}]}`)
	w.do("DELETE", "/flow/"+made.ID, "").want(t, 204, "")
	w.do("DELETE", "/flow/"+made.ID, "").wantPart(t, 404, "not_found")
	if strings.Contains(w.get("/flows").body, `"m"`) {
		t.Error("a node of the deleted tab is left")
	}
}
