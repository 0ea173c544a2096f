package app

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// named waits until the device of that name is as ok wants it.
func (p *person) named(name, what string, ok func(deviceView) bool) deviceView {
	p.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		var list struct{ Items []deviceView }
		p.api("GET", "/devices", nil, &list)
		for _, d := range list.Items {
			if d.Name == name && ok(d) {
				return d
			}
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("waited in vain for %s to be %s: %+v\n%s", name, what, list, p.w.log)
		}
		time.Sleep(20 * time.Millisecond) // the panel's list has no events
	}
}

func isOnline(d deviceView) bool { return d.Online }

// pairPi pairs a device of that name and waits until it is online.
func (p *person) pairPi(name, instance string) (*pi, deviceView) {
	p.t.Helper()
	var code struct{ Code, Command string }
	if status := p.api("POST", "/devices/codes", map[string]any{"name": name, "instance": instance}, &code); status != 201 {
		p.t.Fatalf("code: %d", status)
	}
	return startPi(p.t, p.t.TempDir(), code.Command), p.named(name, "online", isOnline)
}

// TestDeviceCare goes through what the panel shows of a device and does to it: figures, log, meter, snapshots with their
// differences, restored and pushed to a group, a restart, and why it is not connected.
func TestDeviceCare(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	var in struct{ ID string }
	p.api("POST", "/instances", map[string]any{"name": "Home"}, &in)
	one, d := p.pairPi("one", in.ID)
	_, other := p.pairPi("two", in.ID)
	at := "/devices/" + d.ID

	bearer := []string{"Authorization", "Bearer " + p.open(d), "Content-Type", "application/json"}
	deploy := func(label string) {
		t.Helper()
		_, flows := p.send("GET", d.URL+"flows", nil, bearer...)
		broker := flows[strings.Index(flows, `{"`):]
		if i := strings.Index(flows, `,{"id":"t1"`); i > 0 {
			broker = flows[1:i] + "]"
		}
		next := `[` + strings.TrimSuffix(strings.TrimSpace(broker), "]") + `,{"id":"t1","type":"tab","label":"` + label + `"},
			{"id":"f1","type":"function","z":"t1","name":"work","func":"return msg;","outputs":1,"wires":[[]],"x":1,"y":1},
			{"id":"i1","type":"inject","z":"t1","props":[{"p":"payload"}],"repeat":"0.1","payload":"x","payloadType":"str","wires":[["f1"]],"x":1,"y":2}]`
		if answer, text := p.send("POST", d.URL+"flows", strings.NewReader(next), bearer...); answer.StatusCode >= 300 {
			t.Fatalf("deploy: %s %s", answer.Status, text)
		}
	}
	deploy("first")
	deploy("second")

	var f struct {
		Version string
		Memory  int64
		Flows   *struct {
			State      string
			Nodes      int
			DeployedBy string `json:"deployed_by"`
			Written    []struct{ Bytes int64 }
		}
	}
	if status := p.api("GET", at+"/figures", nil, &f); status != 200 || f.Version != Version || f.Memory == 0 || f.Flows == nil ||
		f.Flows.State != "start" || f.Flows.Nodes != 4 || f.Flows.DeployedBy != "owner@example.org" || len(f.Flows.Written) == 0 || f.Flows.Written[0].Bytes == 0 {
		t.Errorf("figures: %d %+v %+v", status, f, f.Flows)
	}
	var lines struct{ Lines []string }
	if p.api("GET", at+"/log", nil, &lines); !strings.Contains(strings.Join(lines.Lines, "\n"), "tunnel to the platform is open") {
		t.Errorf("log: %q", lines.Lines)
	}
	var meter struct {
		Nodes []struct {
			Name     string
			Received float64
		}
	}
	if p.api("GET", at+"/meter?seconds=1", nil, &meter); len(meter.Nodes) == 0 || !strings.Contains(meter.Nodes[0].Name+meter.Nodes[1].Name, "work") {
		t.Errorf("meter: %+v", meter)
	}

	var kept struct {
		Rev       string
		Snapshots []struct{ ID, Rev, User string }
	}
	p.api("GET", at+"/snapshots", nil, &kept)
	if len(kept.Snapshots) < 2 || kept.Snapshots[0].Rev != kept.Rev {
		t.Fatalf("snapshots: %+v", kept)
	}
	for words, want := range map[string]string{"device list": "one", "device show": "one", "device figures": "flows nodes", "device log": "tunnel to the platform is open",
		"device meter --seconds 1": "work", "snapshot list": kept.Snapshots[1].ID} {
		args := strings.Fields(words)
		if words != "device list" {
			args = append(args, d.ID)
		}
		if code, out, told := w.adminText("", args...); code != ExitOK || !strings.Contains(out, want) {
			t.Errorf("admin %s: %d %s %s", words, code, out, told)
		}
	}
	w.admin(nil, "snapshot", "name", d.ID, kept.Snapshots[1].ID, "by the console")
	w.admin(nil, "snapshot", "diff", d.ID, kept.Snapshots[1].ID)
	first := at + "/snapshots/" + kept.Snapshots[1].ID
	var diff struct{ Changed []struct{ ID string } }
	if p.api("GET", first+"/diff", nil, &diff); len(diff.Changed) != 1 || diff.Changed[0].ID != "t1" {
		t.Errorf("difference: %+v", diff)
	}
	if status := p.api("PATCH", first, map[string]any{"name": "the first"}, nil); status != 204 {
		t.Errorf("name: %d", status)
	}
	if status := p.api("POST", first+"/restore", nil, nil); status != 204 {
		t.Errorf("restore: %d", status)
	}
	if _, flows := p.send("GET", d.URL+"flows", nil, bearer...); !strings.Contains(flows, `"first"`) {
		t.Errorf("restored flows: %s", flows)
	}

	if status := p.api("PATCH", "/devices/"+other.ID, map[string]any{"labels": []string{"garden"}}, nil); status != 200 {
		t.Errorf("label: %d", status)
	}
	var pushed struct {
		Items []struct{ Name, Error string }
	}
	if status := p.api("POST", first+"/push", map[string]any{"label": "garden"}, &pushed); status != 200 || len(pushed.Items) != 1 || pushed.Items[0].Name != "two" || pushed.Items[0].Error != "" {
		t.Errorf("push: %d %+v", status, pushed)
	}
	_, flows := p.send("GET", other.URL+"flows", nil, "Authorization", "Bearer "+p.open(other))
	if !strings.Contains(flows, `"first"`) || !strings.Contains(flows, `"device-two"`) || strings.Contains(flows, `"device-one"`) {
		t.Errorf("pushed flows: %s", flows)
	}
	if status := p.api("POST", first+"/push", map[string]any{"label": "nobody"}, nil); status != 422 {
		t.Errorf("push to a group of none: %d", status)
	}

	// What the owner forbids, the panel can't do either; how the device is can be seen still.
	p.api("PATCH", at, map[string]any{"remote_editing": false}, nil)
	d = p.named("one", "back", func(v deviceView) bool { return v.Online && v.Since.After(d.Since) })
	if status := p.api("POST", first+"/restore", nil, nil); status != http.StatusForbidden {
		t.Errorf("restore with remote editing forbidden: %d", status)
	}
	if f.Flows = nil; p.api("GET", at+"/figures", nil, &f) != 200 || f.Flows != nil {
		t.Errorf("figures with remote editing forbidden: %+v", f)
	}

	if status := p.api("POST", at+"/restart", nil, nil); status != 204 {
		t.Errorf("restart: %d", status)
	}
	p.named("one", "restarting or back", func(v deviceView) bool { return v.Ended == "restarting" || v.Since.After(d.Since) })
	p.named("one", "back", func(v deviceView) bool { return v.Online && v.Since.After(d.Since) })
	if code := one.stop(); code != ExitOK {
		t.Errorf("flow ended with %d", code)
	}
	p.named("one", "stopped", func(v deviceView) bool { return !v.Online && v.Ended == "stopped" })
	if status := p.api("GET", at+"/figures", nil, nil); status != http.StatusConflict {
		t.Errorf("figures of a device that is away: %d", status)
	}
}

// TestRotateAtHome changes the keys of a device from the device itself, which is refused while its flow server runs.
func TestRotateAtHome(t *testing.T) {
	w := serveWorld(t)
	s := newSite(t, w, "owner@example.org", "pi")
	rotate := func() (int, string) {
		var out strings.Builder
		return Run(t.Context(), []string{"flow", "rotate", "--data", s.home.dir}, Streams{In: strings.NewReader(""), Out: &out, Err: &out}), out.String()
	}
	if code, text := rotate(); code == ExitOK || !strings.Contains(text, "New keys") {
		t.Errorf("while it runs: %d %s", code, text)
	}
	if code := s.home.stop(); code != ExitOK {
		t.Fatal(code)
	}
	file := filepath.Join(s.home.dir, "link.json")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if code, text := rotate(); code != ExitOK {
		t.Fatalf("%d %s", code, text)
	}
	after, err := os.ReadFile(file)
	if err != nil || bytes.Equal(before, after) || !bytes.Contains(after, []byte(`"password"`)) {
		t.Fatalf("%s, %v", after, err)
	}
	was := s.d.Since
	startPi(t, s.home.dir, "tsunagi flow")
	s.d = s.device("back with its new key", func(v deviceView) bool { return v.Online && v.Since.After(was) })
	if now, err := os.ReadFile(file); err != nil || bytes.Contains(now, []byte(`"password"`)) {
		t.Errorf("the flows have not taken the password: %s, %v", now, err)
	}
}
