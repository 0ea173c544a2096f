package takeover_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/config"
	"tsunagi/internal/editor"
	"tsunagi/internal/takeover"
)

var types = []string{"inject", "function", "mqtt out", "mqtt-broker", "http proxy", "debug"}

func make(t *testing.T, from, data string) *takeover.Plan {
	t.Helper()
	p, err := takeover.Make(takeover.Options{From: from, Data: data, Types: types, Host: "elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wantLine(t *testing.T, what string, list []string, want ...string) {
	t.Helper()
	for _, w := range want {
		found := false
		for _, line := range list {
			found = found || strings.Contains(line, w)
		}
		if !found {
			t.Errorf("%s does not say %q:\n  %s", what, w, strings.Join(list, "\n  "))
		}
	}
}

// An installation that Node-RED 5.0.7 made, with the settings of a person: what is taken over, what isn't, and that
// it is there when it has been written.
func TestConfigured(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := make(t, "testdata/configured", data)
	if _, err := os.Stat(data); err == nil {
		t.Error("the plan has written something")
	}
	wantLine(t, "taken", p.Taken, "flows_pi.json: 1 flows, 9 nodes", "credentials of 3 nodes", `user "admin", may *`, `user "guest", may read`, "127.0.0.1:1889",
		`title "Pi in the cellar"`, "log level warn", `context store "file" (localfilesystem)`, `context store "memoryOnly" (memory)`, "library")
	wantLine(t, "left", p.Left, "httpAdminRoot", "httpNodeRoot", "httpStatic", "functionGlobalContext: modules and values can't be handed to functions here; global.get of them is undefined: set them in a function's On Start instead (os)", `requires "os"`)
	if len(p.Missing) != 1 || p.Missing[0].Type != "ui_gauge" || p.Missing[0].Users[0] != `"gauge" (u1) on flow "Heating" (t1)` {
		t.Errorf("missing %+v", p.Missing)
	}
	if err := p.Write(); err != nil {
		t.Fatal(err)
	}
	creds := open(t, data)
	if string(creds["b1"]["password"]) != `"broker pass"` || string(creds["h1"]["username"]) != `"p"` || string(creds["n1"]["KEY"]) != `"sub secret"` {
		t.Errorf("credentials %s", creds)
	}
	for name, want := range map[string]string{"context/global/global.json": `"deep"`, "context/t1/flow.json": `"count": 7`, "context/t1/f1.json": `"own"`,
		"lib/flows/my flow.json": "comment", ".config.users.json": "view-show-grid", "flows.json": "ui_gauge"} {
		if got, err := os.ReadFile(filepath.Join(data, name)); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: %.200s, %v", name, got, err)
		}
	}
	var cfg config.Flow
	if _, err := config.Load(&cfg, []string{"--config", filepath.Join(data, takeover.SettingsFile)}, nil); err != nil {
		t.Fatal(err)
	}
	if cfg.Listen != "127.0.0.1:1889" || cfg.Title != "Pi in the cellar" || cfg.Log.Level != "warn" || cfg.ContextDefault != "file" || len(cfg.Context) != 2 ||
		cfg.Context[0].Name != "file" || *cfg.Context[0].FlushInterval != 1 || cfg.Context[0].Dir != "context" {
		t.Errorf("settings %+v", cfg)
	}
	if _, err := takeover.Make(takeover.Options{From: "testdata/configured", Data: data}); err == nil || !strings.Contains(err.Error(), "has a flows.json already") {
		t.Errorf("a second time: %v", err)
	}
}

func open(t *testing.T, data string) map[string]map[string]json.RawMessage {
	t.Helper()
	var kept struct {
		Secret string `json:"_credentialSecret"`
	}
	text, err := os.ReadFile(filepath.Join(data, ".config.runtime.json"))
	if err != nil || json.Unmarshal(text, &kept) != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile(filepath.Join(data, "flows_cred.json"))
	if err != nil {
		t.Fatal(err)
	}
	creds, err := editor.OpenCredentials(text, kept.Secret)
	if err != nil {
		t.Fatal(err)
	}
	return creds
}

// An installation with default settings: the flow file has the name of its machine, the key is the one that
// Node-RED made.
func TestPlain(t *testing.T) {
	data := t.TempDir()
	p := make(t, "testdata/plain", data)
	wantLine(t, "taken", p.Taken, "flows_vm.json, which is of another machine's name", "credentials of 1 nodes")
	wantLine(t, "left", p.Left, "there was no login")
	if err := p.Write(); err != nil {
		t.Fatal(err)
	}
	if creds := open(t, data); string(creds["b1"]["user"]) != `"other user"` {
		t.Errorf("credentials %s", creds)
	}
}

func TestProject(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"settings.js":                    `module.exports = {editorTheme: {projects: {enabled: true}}, adminAuth: {type: "credentials", users: u => u}}`,
		".config.projects.json":          `{"activeProject": "home", "projects": {"home": {"credentialSecret": "s"}}}`,
		"projects/home/package.json":     `{"node-red": {"settings": {"flowFile": "f.json", "credentialsFile": "c.json"}}}`,
		"projects/home/f.json":           `[{"id":"t","type":"tab","label":"P"},{"id":"f","type":"function","z":"t","x":1,"y":1,"libs":[{"var":"_","module":"lodash"}]}]`,
		"flows.json":                     `[]`,
		"projects/other/ignored":         ``,
		"projects/home/context/ignored":  ``,
		"projects/home/node_modules/x/y": ``,
	} {
		put(t, filepath.Join(dir, name), text)
	}
	p := make(t, dir, filepath.Join(dir, "data"))
	wantLine(t, "taken", p.Taken, "f.json: 1 flows, 2 nodes")
	wantLine(t, "left", p.Left, `project "home"`, "loads lodash", "adminAuth.users is no list")
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A settings file is code of somebody: it is stopped, bounded, and reaches nothing.
func TestSettingsAreCode(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"endless":   {`for (;;) {}`, "timed out"},
		"memory":    {`const a = []; for (;;) a.push(new Array(1e5).fill(0))`, "settings.js can't be read"},
		"broken":    {`module.exports = {`, "settings.js can't be read"},
		"throws":    {`throw new Error("no")`, "no"},
		"function":  {`module.exports = () => ({})`, "exports no object"},
		"reads":     {`const fs = require("fs"); module.exports = {flowFile: fs.readFileSync("/etc/passwd", "utf8")}`, "no flow file"},
		"traversal": {`module.exports = {flowFile: "../../../../../../../../../etc/passwd"}`, "flow file"},
		"deep":      {`const a = {}; a.a = a; module.exports = {contextStorage: a, x: a}`, "no flow file"},
		"exits":     {`process.exit(1); require("child_process").execSync("touch /tmp/never"); module.exports = {}`, "no flow file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, filepath.Join(dir, "settings.js"), tt.text)
			_, err := takeover.Make(takeover.Options{From: dir, Data: filepath.Join(dir, "data"), Types: types})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestEnvironmentAndPath(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "settings.js"), `const path = require("node:path"); module.exports = {flowFile: path.join(__dirname, "sub", "..", process.env.NAME + ".json"),
		uiPort: process.env.PORT || 1880, credentialSecret: require("fs").readFileSync("key")}`)
	put(t, filepath.Join(dir, "mine.json"), `[]`)
	put(t, filepath.Join(dir, "mine_cred.json"), `{"$":"00112233445566778899aabbccddeeffAAAA"}`)
	p, err := takeover.Make(takeover.Options{From: dir, Data: filepath.Join(dir, "data"), Types: types, Environ: []string{"NAME=mine", "PORT=1999"}})
	if err != nil {
		t.Fatal(err)
	}
	wantLine(t, "taken", p.Taken, "mine.json", "address :1999")
	wantLine(t, "left", p.Left, "credentialSecret comes from code", "their key is in no file here", "plain http beyond this machine")
}
