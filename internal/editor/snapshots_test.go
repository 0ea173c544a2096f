package editor

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/flow"
)

func (w *world) snapshots() (list []snapshot) {
	w.t.Helper()
	var out struct{ Snapshots []snapshot }
	if err := json.Unmarshal([]byte(w.get("/tsunagi/snapshots").body), &out); err != nil {
		w.t.Fatal(err)
	}
	return out.Snapshots
}

func TestSnapshots(t *testing.T) {
	w := newWorld(t, Options{})
	w.get("/tsunagi/snapshots").wantPart(t, 200, `"snapshots":[]`)
	one := revOf(t, w.deploy(`{"flows":[{"id":"t","type":"tab","label":"One"},{"id":"b","type":"mqtt-broker","z":"","credentials":{"user":"u","password":"first"}}]}`))
	revOf(t, w.deploy(`{"flows":[{"id":"t","type":"tab","label":"Two"},{"id":"b","type":"mqtt-broker","z":"","credentials":{"user":"u","password":"second"}},{"id":"n","type":"own","name":"N","z":"t","x":1,"y":1}]}`, "Node-RED-Deployment-Type", "nodes"))
	revOf(t, w.deploy(`{"flows":[{"id":"t","type":"tab","label":"Two"},{"id":"n","type":"own","name":"N","z":"t","x":9,"y":1}]}`))
	revOf(t, w.deploy(`{"flows":[{"id":"t","type":"tab","label":"Two"},{"id":"n","type":"own","name":"N","z":"t","x":9,"y":1}]}`)) // the same
	list := w.snapshots()
	if len(list) != 3 || list[2].Rev != one || list[1].Type != "nodes" || list[0].Nodes != 2 {
		t.Fatalf("%+v", list)
	}
	first, last := "/tsunagi/snapshots/"+list[2].ID, "/tsunagi/snapshots/"+list[0].ID
	if body := w.get(first).body; !strings.Contains(body, `"label":"One"`) || strings.Contains(body, "first") || strings.Contains(body, `"$"`) {
		t.Error(body)
	}
	a := w.get(first + "/download")
	if a.header.Get("Content-Disposition") == "" || !strings.HasPrefix(a.body, "[\n    {\n        \"id\": \"t\"") {
		t.Error(a.header, a.body)
	}
	w.get(first+"/diff").want(t, 200, `{"added":[{"id":"n","type":"own","name":"N","z":"t"}],"removed":[{"id":"b","type":"mqtt-broker"}],"changed":[{"id":"t","type":"tab","name":"Two","fields":["label"]}]}`)
	w.get("/tsunagi/snapshots/"+list[1].ID+"/diff?with="+list[0].ID).want(t, 200, `{"added":[],"removed":[{"id":"b","type":"mqtt-broker"}],"changed":[{"id":"n","type":"own","name":"N","z":"t","fields":["x"],"moved":true}]}`)
	w.do("PUT", first, `{"name":" before the move "}`).want(t, 204, "")
	w.do("PUT", first, `{"name":"`+strings.Repeat("x", 101)+`"}`).wantPart(t, 400, "invalid_name")
	w.do("DELETE", last, "").want(t, 204, "")
	w.get(last).wantPart(t, 404, "not_found")
	w.get("/tsunagi/snapshots/..%2f..%2fflows").wantPart(t, 404, "not_found")

	if rev := revOf(t, w.do("POST", first+"/restore", "")); rev != one {
		t.Errorf("rev %s, want %s", rev, one)
	}
	if string(w.runtime.creds["b"]["password"]) != `"first"` {
		t.Errorf("credentials %s", w.runtime.creds["b"])
	}
	if list = w.snapshots(); len(list) != 3 || list[0].Type != "restore" || list[2].Name != "before the move" {
		t.Errorf("%+v", list)
	}
}

// What a newer run finds is what the older one kept; flows that changed on the disk meanwhile are kept, too.
func TestSnapshotsStay(t *testing.T) {
	dir := t.TempDir()
	open := func(want int) {
		t.Run("", func(t *testing.T) {
			w := newWorld(t, Options{Dir: dir})
			if len(w.snapshots()) == 0 {
				revOf(t, w.deploy(`{"flows":[{"id":"t","type":"tab"}]}`))
			}
			if list := w.snapshots(); len(list) != want {
				t.Errorf("%+v, want %d", list, want)
			}
		})
	}
	open(1)
	open(1)
	if err := os.WriteFile(filepath.Join(dir, flowsFile), []byte(`[{"id":"by hand","type":"tab"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	open(2)
}

func TestSnapshotsAreBounded(t *testing.T) {
	w := newWorld(t, Options{})
	for i := range maxSnapshots + 5 {
		revOf(t, w.deploy(fmt.Sprintf(`{"flows":[{"id":"t%d","type":"tab"}]}`, i)))
		if i == 0 {
			w.do("PUT", "/tsunagi/snapshots/"+w.snapshots()[0].ID, `{"name":"keep"}`).want(t, 204, "")
		}
	}
	list := w.snapshots()
	if len(list) != maxSnapshots || list[len(list)-1].Name != "keep" || list[len(list)-2].ID != "000006" {
		t.Errorf("%d, %+v", len(list), list[len(list)-2:])
	}
	files, _ := filepath.Glob(filepath.Join(w.store.Path(), "snapshots", "*.gz"))
	if len(files) != maxSnapshots {
		t.Errorf("%d files", len(files))
	}
	big := []snapshot{{ID: "1", Bytes: 40 << 20, Name: "n"}, {ID: "2", Bytes: 40 << 20}, {ID: "3", Bytes: 30 << 20}}
	if kept, gone := bound(big); len(kept) != 1 || len(gone) != 2 || gone[0].ID != "2" || kept[0].ID != "3" {
		t.Errorf("%+v %+v", kept, gone)
	}
}

func TestWritesAreCounted(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, Options{Dir: dir})
	revOf(t, w.deploy(`{"flows":[{"id":"t","type":"tab"}]}`))
	var out struct {
		Days []struct {
			Day   string
			Bytes int64
			By    map[string]int64
		}
	}
	look := func() {
		t.Helper()
		if err := json.Unmarshal([]byte(w.get("/tsunagi/writes").body), &out); err != nil || len(out.Days) == 0 || out.Days[0].By["flows"] < 100 {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	look()
	before := out.Days[0].By["flows"]
	w.Close()
	w = newWorld(t, Options{Dir: dir})
	look()
	if out.Days[0].By["flows"] < before {
		t.Errorf("%d bytes, before %d", out.Days[0].By["flows"], before)
	}
}

// deployForever deploys versions of flows whose credentials name the version, and says which are done.
func deployForever(dir string) {
	s, err := New(Options{Dir: dir, Runtime: &fakeRuntime{state: "stop"}, Comms: NewComms(nil), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	begin := 0
	if nodes := s.project.state.Load().file.Nodes; len(nodes) > 0 {
		begin, _ = strconv.Atoi(nodes[0].ID)
	}
	for i := begin + 1; ; i++ {
		file, err := flow.ParseFile(fmt.Appendf(nil, `[{"id":"%d","type":"mqtt-broker","pad":%q,"credentials":{"user":"%d","password":"%s"}}]`,
			i, strings.Repeat("x", i%7*9000), i, strings.Repeat("p", i%5*9000+1)))
		if err != nil {
			panic(err)
		}
		if _, err := s.project.deploy(context.Background(), file, nil, flow.DeployFull); err != nil {
			panic(err)
		}
		fmt.Println(i)
	}
}

// TestKilledWhileDeploying kills a server with signal 9 while it deploys: it finds flows and credentials of one
// deploy, the last one that it answered or a later one, and snapshots that can be read.
func TestKilledWhileDeploying(t *testing.T) {
	dir := t.TempDir()
	said := 0
	for round := range 6 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "EDITOR_TEST_DEPLOYER="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if said, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(lines.Text())
			}
			if n == 2 { // somewhere in one of the next deploys
				time.AfterFunc(time.Duration(round*2300)*time.Microsecond, func() { cmd.Process.Kill() })
			}
		}
		cmd.Wait()
		checkDeployed(t, dir, said)
	}
}

func checkDeployed(t *testing.T, dir string, said int) {
	t.Helper()
	s, err := New(Options{Dir: dir, Runtime: &fakeRuntime{state: "stop"}, Comms: NewComms(nil), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := s.project.state.Load()
	id := d.file.Nodes[0].ID
	if n, _ := strconv.Atoi(id); n < said || d.lost || string(d.creds[id]["user"]) != `"`+id+`"` || len(d.creds) != 1 {
		t.Errorf("flows of deploy %s with credentials %.80s, answered %d", id, fmt.Sprint(d.creds), said)
	}
	list := s.project.snaps.all()
	if len(list) == 0 || list[0].Rev != d.rev {
		t.Error("the newest snapshot is not of what is deployed")
	}
	for _, one := range list {
		if _, file, err := s.project.snaps.get(one.ID); err != nil || len(file.Flows) == 0 {
			t.Errorf("snapshot %s: %v", one.ID, err)
		}
	}
}
