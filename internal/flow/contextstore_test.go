package flow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
)

// keeping starts a runtime with a memory store and one of files, which writes after a time
// that the test doesn't see.
func keeping(t *testing.T, dir string, noCache bool) *flowtest.Server {
	t.Helper()
	c, err := flow.OpenContexts([]flow.ContextStore{{Name: "memory", Module: "memory"},
		{Name: "file", Module: "localfilesystem", Dir: dir, Interval: time.Hour, NoCache: noCache}}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return flowtest.Start(t, nodes.All(), func(o *flow.Options) { o.Contexts = c })
}

func function(id, body string) string {
	text, _ := json.Marshal(body) // a string
	return fmt.Sprintf(`{"id":%q,"type":"function","z":"t","outputs":1,"func":%s,"wires":[["d"]]},{"id":"i%s","type":"inject","z":"t","props":[],"wires":[[%q]]}`, id, text, id, id)
}

func deploy(t *testing.T, s *flowtest.Server, functions ...string) {
	t.Helper()
	text := `[{"id":"t","type":"tab"},{"id":"d","type":"debug","z":"t","name":"d","active":true,"complete":"payload","targetType":"msg","tosidebar":true},` + strings.Join(functions, ",") + "]"
	f, err := flow.ParseFile([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Deploy(t.Context(), f, nil, flow.DeployFull); err != nil {
		t.Fatal(err)
	}
}

func shownIs(t *testing.T, s *flowtest.Server, want string) {
	t.Helper()
	if got := s.Debug()["msg"]; got != want {
		t.Errorf("%v, want %s", got, want)
	}
}

const writer = `context.set("a", {b: [1, null], d: Buffer.from("x")}, "file"); flow.set("f", "text", "file"); global.set(["g", "h"], [1.5, true], "file");
	global.set("#:(file)::k.l", "deep"); global.set("gone", 1, "file"); global.set("gone", undefined, "file"); flow.set("m", 1); msg.payload = "written"; return msg`

const reader = `msg.payload = JSON.stringify([flow.get("f", "file"), global.get(["g", "h"], "file"), global.get("#:(file)::k.l"), global.keys("file"), flow.get("m")]); return msg`

// What is written when the runtime stops is there when it starts again, in Node-RED's layout.
func TestContextIsKept(t *testing.T) {
	dir := t.TempDir()
	s := keeping(t, dir, false)
	deploy(t, s, function("w", writer), function("r", reader))
	s.Press("iw", "")
	shownIs(t, s, "written")
	s.Stop()
	for name, want := range map[string]string{
		"global/global.json": "{\n    \"g\": 1.5,\n    \"h\": true,\n    \"k\": {\n        \"l\": \"deep\"\n    }\n}",
		"t/flow.json":        "{\n    \"f\": \"text\"\n}",
		"t/w.json":           `{"a":{"b":[1,null],"d":{"type":"Buffer","data":[120]}}}`,
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if text := string(got); err != nil || text != want && strings.NewReplacer(" ", "", "\n", "").Replace(text) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	s = keeping(t, dir, false)
	deploy(t, s, function("w", writer), function("r", reader))
	s.Press("ir", "")
	shownIs(t, s, `["text",[1.5,true],"deep",["g","h","k"],null]`)
}

// Context of nodes and flows that a deploy removes goes, from memory and from disk.
func TestContextOfRemovedNodesGoes(t *testing.T) {
	dir := t.TempDir()
	s := keeping(t, dir, false)
	deploy(t, s, function("w", writer), function("x", `context.set("x", 1, "file"); msg.payload = 1; return msg`))
	s.Press("iw", "")
	s.Press("ix", "")
	s.Debug()
	s.Debug()
	deploy(t, s, function("w", writer))
	s.Stop()
	list, _ := filepath.Glob(dir + "/*/*")
	if got := strings.ReplaceAll(strings.Join(list, " "), dir+"/", ""); got != "global/global.json t/flow.json t/w.json" {
		t.Error(got)
	}
	s = keeping(t, dir, false)
	f, _ := flow.ParseFile([]byte("[]"))
	if err := s.Deploy(t.Context(), f, nil, flow.DeployFull); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if list, _ := filepath.Glob(dir + "/*/*"); len(list) != 1 {
		t.Error(list)
	}
}

// A store without a cache takes callbacks only; that of set comes when the value is on disk.
func TestContextWithoutCache(t *testing.T) {
	dir := t.TempDir()
	s := keeping(t, dir, true)
	deploy(t, s, function("w", `global.set("g", 5, "file", (e) => node.send({payload: "kept " + e}))`),
		function("r", `try { global.get("g", "file") } catch (e) { node.send({payload: e.message}) } global.get("g", "file", (e, v) => node.send({payload: [e, v].join()}))`),
		function("k", `try { global.keys("file") } catch (e) { node.send({payload: e.message}) } global.keys("file", (e, v) => node.send({payload: v.join()}))`))
	s.Press("iw", "")
	shownIs(t, s, "kept undefined")
	if got, err := os.ReadFile(filepath.Join(dir, "global/global.json")); err != nil || string(got) != "{\n    \"g\": 5\n}" {
		t.Errorf("%q, %v", got, err)
	}
	s.Press("ir", "")
	shownIs(t, s, "File Store cache disabled - only asynchronous access supported")
	shownIs(t, s, ",5")
	s.Press("ik", "")
	shownIs(t, s, "Callback must be a function")
	shownIs(t, s, "g")
}

func TestContextErrors(t *testing.T) {
	s := keeping(t, t.TempDir(), false)
	deploy(t, s, function("e", `for (const f of [() => flow.get(""), () => flow.set(5, 1), () => flow.get([]), () => flow.get("a", "file", 5), () => flow.get("a[")])
		{ try { f(); node.send({payload: "no error"}) } catch (e) { node.send({payload: e.message}) } }
		flow.get("", (e) => node.send({payload: e.message})); flow.set("a", 1, "nowhere", () => node.send({payload: flow.get("a")}))`))
	s.Press("ie", "")
	for _, want := range []string{"Invalid context key", "Invalid context key", "Invalid context key", "Callback must be a function",
		"Invalid property expression: unterminated expression", "Invalid context key"} {
		shownIs(t, s, want)
	}
	if got := s.Debug()["msg"]; fmt.Sprint(got) != "1" {
		t.Error(got)
	}
}

// Context has a bound; beyond it writing is an error, and removing makes room.
func TestContextIsBounded(t *testing.T) {
	c, err := flow.OpenContexts(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Limit(25 << 20)
	s := flowtest.Start(t, nodes.All(), func(o *flow.Options) { o.Contexts = c })
	deploy(t, s, function("e", `const big = "x".repeat(3e6); let n = 0;
		try { for (; n < 20; n++) global.set("k" + n, big) } catch (e) { node.send({payload: n + " " + e.message}) }
		global.set("k0", undefined); global.set("again", big); node.send({payload: "room"})`))
	s.Press("ie", "")
	if got := fmt.Sprint(s.Debug()["msg"]); !strings.HasPrefix(got, "8 context is full: it holds 25 MiB") {
		t.Error(got)
	}
	shownIs(t, s, "room")
}

// An id of a flow is no way out of the directory of the store.
func TestContextStaysInItsDirectory(t *testing.T) {
	base := t.TempDir()
	s := keeping(t, filepath.Join(base, "context"), false)
	text := `[{"id":"../../out","type":"tab"},{"id":"d","type":"debug","z":"../../out","name":"d","active":true,"complete":"payload","targetType":"msg","tosidebar":true},
		{"id":"f","type":"function","z":"../../out","outputs":1,"func":"flow.set('a', 1, 'file'); context.set('b', 1, 'file'); return msg","wires":[["d"]]},
		{"id":"i","type":"inject","z":"../../out","props":[],"wires":[["f"]]}]`
	f, err := flow.ParseFile([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Deploy(t.Context(), f, nil, flow.DeployFull); err != nil {
		t.Fatal(err)
	}
	s.Press("i", "")
	s.Debug()
	s.Stop()
	for _, pattern := range []string{"/*", "/context/*"} {
		for _, name := range must(filepath.Glob(base + pattern)) {
			if name != filepath.Join(base, "context") {
				t.Error(name)
			}
		}
	}
}

func must(list []string, err error) []string {
	if err != nil {
		panic(err)
	}
	return list
}

func TestStoresOfTheEditor(t *testing.T) {
	s := keeping(t, t.TempDir(), false)
	deploy(t, s, function("w", writer))
	s.Press("iw", "")
	s.Debug()
	ctx := context.Background()
	for q, want := range map[flow.ContextQuery]string{
		{Scope: "global"}:                                           `{"memory":{},"file":{"g":{"msg":"1.5","format":"number"},"h":{"msg":"true","format":"boolean"},"k":{"msg":"{\"l\":\"deep\"}","format":"Object"}}}`,
		{Scope: "flow", ID: "t"}:                                    `{"memory":{"m":{"msg":"1","format":"number"}},"file":{"f":{"msg":"text","format":"string[4]"}}}`,
		{Scope: "global", Store: "file", KeysOnly: true}:            `{"file":{"keys":[{"key":"g"},{"key":"h"},{"key":"k"}]}}`,
		{Scope: "global", Key: "k.l", Store: "file"}:                `{"msg":"deep","format":"string[4]","store":"file"}`,
		{Scope: "flow", ID: "t", Key: "m"}:                          `{"msg":"1","format":"number"}`,
		{Scope: "global", Key: "k", Store: "file", KeysOnly: true}:  `{"file":{"keys":[{"key":"l"}],"format":"object"}}`,
		{Scope: "node", ID: "w", Store: "file", KeysOnly: true}:     `{"file":{"keys":[{"key":"a"}]}}`,
		{Scope: "node", ID: "none", Store: "file", KeysOnly: false}: `{}`,
	} {
		if got, err := s.ReadContext(ctx, q); err != nil || string(got) != want {
			t.Errorf("%+v: %s, %v\nwant %s", q, got, err, want)
		}
	}
	if err := s.DeleteContext(ctx, flow.ContextQuery{Scope: "global", Key: "k", Store: "file"}); err != nil {
		t.Error(err)
	}
	if got, _ := s.ReadContext(ctx, flow.ContextQuery{Scope: "global", Store: "file", KeysOnly: true}); string(got) != `{"file":{"keys":[{"key":"g"},{"key":"h"}]}}` {
		t.Errorf("%s", got)
	}
	if _, err := s.ReadContext(ctx, flow.ContextQuery{Scope: "global", Store: "none"}); err == nil {
		t.Error("a store that isn't there answers")
	}
}

func TestOpenContextsRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/t", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/t/flow.json", []byte("{broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, list := range map[string][]flow.ContextStore{
		"flow.json":    {{Name: "f", Module: "localfilesystem", Dir: dir}},
		"twice":        {{Name: "f", Module: "memory"}, {Name: "f", Module: "memory"}},
		`"redis"`:      {{Name: "f", Module: "redis"}},
		"letters":      {{Name: "a-b", Module: "memory"}},
		"directory":    {{Name: "f", Module: "localfilesystem"}},
		"default cont": {{Name: "f", Module: "memory"}},
	} {
		if _, err := flow.OpenContexts(list, map[bool]string{true: "x"}[want == "default cont"], nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", list, err, want)
		}
	}
}
