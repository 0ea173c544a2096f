package app

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

// restored is what the API answers to a file.
type restored struct {
	Applied                                           bool
	Users, Rules, Hooks, Bridges, Retained, Addresses int
	History, Faults                                   int
	ClientAuthorities                                 int                        `json:"client_authorities"`
	FaultList                                         []struct{ Message string } `json:"fault_list"`
	NoteList                                          []struct{ Message string } `json:"note_list"`
	Passwords                                         map[string]string
}

// parcelOf exports an instance by the API.
func (p *person) parcelOf(instance string, hashes bool) []byte {
	p.t.Helper()
	in, _ := json.Marshal(map[string]any{"password": "a long enough pass phrase", "hashes": hashes})
	answer, raw := p.send("POST", "https://localhost"+p.port()+"/api/v1/instances/"+instance+"/export", bytes.NewReader(in), "Content-Type", "application/json")
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "application/zip" || !strings.Contains(answer.Header.Get("Content-Disposition"), instance) {
		p.t.Fatalf("export: %s %.300s", answer.Status, raw)
	}
	return []byte(raw)
}

func (p *person) restore(instance string, file []byte, dry string, want int) (r restored) {
	p.t.Helper()
	answer, raw := p.send("POST", "https://localhost"+p.port()+"/api/v1/instances/"+instance+"/restore"+dry, bytes.NewReader(file), "Content-Type", "application/zip")
	if answer.StatusCode != want {
		p.t.Fatalf("restore: %s %s", answer.Status, raw)
	}
	_ = json.Unmarshal([]byte(raw), &r) // a refusal has another form
	return r
}

// content is all that a zip file says.
func content(t *testing.T, file []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	return all.String()
}

// TestInstanceMoves exports an instance with all kinds of things, and makes others of the file: on the same server, where
// all passwords go on working, and on another one, where generated ones are new. No secret is in the file.
func TestInstanceMoves(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	var in struct{ ID, Password string }
	p.api("POST", "/instances", map[string]any{"name": "home"}, &in)
	at := "/instances/" + in.ID
	p.api("POST", at+"/password/rotate", nil, &in)
	secrets := []string{in.Password}
	var generated, key, hook struct{ Password, Key, Secret string }
	p.api("POST", at+"/users", map[string]any{"name": "sensor", "note": "attic"}, &generated)
	p.api("POST", at+"/users", map[string]any{"name": "lamp", "password": "chosen by a person"}, nil)
	p.api("POST", at+"/rules", map[string]any{"user": "sensor", "effect": "allow", "access": "both", "filter": "sensors/#", "max_qos": 1}, nil)
	p.api("POST", at+"/rules", map[string]any{"user": in.ID, "effect": "deny", "access": "publish", "filter": "no/#"}, nil)
	p.api("POST", at+"/addresses", map[string]any{"prefix": "203.0.113.0/24", "effect": "deny", "note": "strangers"}, nil)
	p.api("PATCH", at+"/guard", map[string]any{"ban_tries": 7, "connect_rate": 600}, nil)
	p.api("POST", at+"/key/rotate", nil, &key)
	p.api("POST", at+"/hooks", map[string]any{"name": "post", "filter": "a/#", "action": "post", "url": "https://h.invalid/x", "authorization": "Bearer canary-of-a-hook"}, &hook)
	p.api("POST", at+"/hooks", map[string]any{"name": "rule", "filter": "a/#", "action": "publish", "topic": "b", "condition": "payload > 5", "edge": true, "rearm": "payload < 4", "quiet": 60}, nil)
	p.api("POST", at+"/hooks", map[string]any{"name": "clock", "events": []any{"schedule"}, "schedule": "0 23 * * *", "zone": "Asia/Tokyo", "action": "publish", "topic": "light", "template": "off"}, nil)
	p.api("POST", at+"/bridges", map[string]any{"name": "b", "address": "mqtts://b.invalid", "user": "u", "password": "canary-of-a-bridge",
		"topics": []any{map[string]any{"direction": "out", "filter": "#", "qos": 1}}}, nil)
	p.api("PATCH", at+"/history", map[string]any{"filters": []any{map[string]any{"filter": "t/#", "bytes": 100_000, "days": 3}}}, nil)
	p.api("POST", at+"/client-authorities", map[string]any{}, nil)
	var issued struct{ Key, Serial, Authority string }
	p.api("POST", at+"/client-certificates", map[string]any{"user": "sensor"}, &issued)
	secrets = append(secrets, generated.Password, "chosen by a person", key.Key, hook.Secret, "canary-of-a-hook", "canary-of-a-bridge", issued.Key, "PRIVATE KEY")
	sender := w.device(in.ID, in.Password, "sender", false)
	sender.publish("kept/text", "21 °C", true)
	sender.publish("kept/raw", "\xff\x00", true)

	if code := p.api("POST", at+"/export", map[string]any{"password": "wrong one here"}, nil); code != 403 {
		t.Errorf("export with a wrong password: %d", code)
	}
	file, plain := p.parcelOf(in.ID, true), p.parcelOf(in.ID, false)
	for _, secret := range secrets {
		if secret == "" {
			t.Fatal("a secret of this test is empty")
		}
		if strings.Contains(content(t, file), secret) {
			t.Errorf("%q is in the file", secret)
		}
	}
	if text := content(t, plain); strings.Contains(text, "argon2id") || strings.Contains(text, "$tsunagi$") {
		t.Errorf("hashes are in a file without them: %s", text)
	}

	var to struct{ ID, Password string }
	p.api("POST", "/instances", map[string]any{"name": "copy"}, &to)
	p.api("POST", "/instances/"+to.ID+"/password/rotate", nil, &to)
	if r := p.restore(to.ID, file, "?dry_run=true", 200); r.Applied || r.Users != 2 || r.Rules != 2 || r.Hooks != 3 || r.Bridges != 1 || r.Retained != 2 || r.History != 1 || r.ClientAuthorities != 1 || r.Addresses != 1 || r.Faults != 0 {
		t.Errorf("dry run %+v", r)
	}
	if r := p.restore(to.ID, file, "", 200); !r.Applied || len(r.Passwords) != 0 || r.Retained != 2 || len(r.NoteList) < 3 {
		t.Errorf("restored %+v", r)
	}
	var hooks struct {
		Items []struct {
			Name, Rearm, Schedule, Zone string
			Edge                        bool
			Quiet                       int
		}
	}
	p.api("GET", "/instances/"+to.ID+"/hooks", nil, &hooks)
	if h := hooks.Items; len(h) != 3 || !h[1].Edge || h[1].Rearm != "payload < 4" || h[1].Quiet != 60 || h[2].Schedule != "0 23 * * *" || h[2].Zone != "Asia/Tokyo" {
		t.Errorf("hooks %+v", hooks.Items)
	}
	p.restore(to.ID, file, "", 409) // it isn't empty any more
	w.login(w.dial(w.mqtts, w.tls("localhost")), to.ID+":sensor", generated.Password)
	w.login(w.dial(w.mqtts, w.tls("localhost")), to.ID+":sensor", generated.Password) // and once more, now that its hash was strengthened
	w.login(w.dial(w.mqtts, w.tls("localhost")), to.ID+":lamp", "chosen by a person")
	if a, err := connect(w.dial(w.mqtts, w.tls("localhost")), mqtt.Connect{User: []byte(to.ID + ":sensor"), Password: []byte("another")}); err != nil || a.Reason != mqtt.BadUserNameOrPassword {
		t.Errorf("a wrong password: %v, %v", a.Reason, err)
	}
	var guard struct {
		Tries int `json:"ban_tries"`
		Rate  int `json:"connect_rate"`
	}
	var addresses struct {
		Items []struct{ Prefix, Effect, Note string }
	}
	p.api("GET", "/instances/"+to.ID+"/guard", nil, &guard)
	p.api("GET", "/instances/"+to.ID+"/addresses", nil, &addresses)
	if guard.Tries != 7 || guard.Rate != 600 || fmt.Sprint(addresses.Items) != "[{203.0.113.0/24 deny strangers}]" {
		t.Errorf("from where clients may come: %+v, %+v", guard, addresses)
	}
	reader := w.device(to.ID, to.Password, "reader", false)
	subscribe(t, reader, "kept/raw")
	reader.want("kept/raw", "\xff\x00")
	if r := reader.publish("no/way", "x", false); !r.Failed() {
		t.Error("the rule about the first user isn't there")
	}
	rest := func(file []byte) string { _, lines, _ := strings.Cut(content(t, file), "\n}\n"); return lines } // users and messages
	if again := rest(p.parcelOf(to.ID, false)); again != rest(plain) || !strings.Contains(again, "kept/raw") {
		t.Errorf("exported again:\n%s\nfirst:\n%s", again, rest(plain))
	}

	other := serveWorld(t)
	q := other.signIn("somebody@example.org")
	q.api("POST", "/instances", map[string]any{"name": "elsewhere"}, &to)
	r := q.restore(to.ID, file, "", 200)
	if !r.Applied || len(r.Passwords) != 1 || r.Passwords["sensor"] == "" || r.Passwords["sensor"] == generated.Password {
		t.Errorf("elsewhere: %+v", r)
	}
	other.login(other.dial(other.mqtts, other.tls("localhost")), to.ID+":sensor", r.Passwords["sensor"])
	other.login(other.dial(other.mqtts, other.tls("localhost")), to.ID+":lamp", "chosen by a person")
}

// TestInstanceMovesByCommand is the same by `tsunagi admin`.
func TestInstanceMovesByCommand(t *testing.T) {
	w := serveWorld(t)
	id, _ := w.instance()
	to, password := w.instance()
	var made struct{ Password string }
	w.admin(&made, "user", "create", id, "sensor")
	w.admin(nil, "rule", "create", id, "allow", "both", "a/#", "--user", "sensor")
	file := filepath.Join(t.TempDir(), "one.zip")
	w.admin(nil, "instance", "export", id, file, "--hashes")
	if code, text := w.tryAdmin("instance", "export", id, file); code == 0 || !strings.Contains(text, "already") {
		t.Errorf("over a file: %d %s", code, text)
	}
	var done struct {
		Applied      bool
		Users, Rules int
	}
	if w.admin(&done, "instance", "import", to, file, "--dry-run"); done.Applied || done.Users != 1 || done.Rules != 1 {
		t.Errorf("dry run: %+v", done)
	}
	if w.admin(&done, "instance", "import", to, file); !done.Applied {
		t.Errorf("import: %+v", done)
	}
	if code, text := w.tryAdmin("instance", "import", to, file); code == 0 || !strings.Contains(text, "empty") {
		t.Errorf("a second time: %d %s", code, text)
	}
	w.login(w.dial(w.mqtts, w.tls("localhost")), to+":sensor", made.Password)
	w.login(w.dial(w.mqtts, w.tls("localhost")), to, password)
	for _, bad := range []string{"", "PK\x03\x04", strings.Repeat("x", 100_000)} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, text := w.tryAdmin("instance", "import", id, file); code == 0 || !strings.Contains(text, "no export") {
			t.Errorf("%.10q: %d %s", bad, code, text)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(w.data, ".parcel-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
