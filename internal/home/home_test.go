package home

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ask sends a request to a door and reads the answer.
func ask(t *testing.T, d *Door, method, path string, out any) int {
	t.Helper()
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	return w.Code
}

func TestFigures(t *testing.T) {
	d := NewDoor(Options{Dir: t.TempDir(), Version: "1.2"})
	var f Figures
	if status := ask(t, d, "GET", "/figures", &f); status != 200 {
		t.Fatal(status)
	}
	if f.Version != "1.2" || f.Target == "" || f.CPUs < 1 || f.StartedAt.IsZero() {
		t.Errorf("%+v", f)
	}
	if strings.HasPrefix(f.Target, "linux") && (f.Memory < 1<<20 || f.Total < f.Memory || f.Available <= 0 || f.Disk < f.Free || f.Free <= 0 || f.CPU < 0) {
		t.Errorf("%+v", f)
	}
}

func TestLogKeepsTheLastLines(t *testing.T) {
	l := NewLog()
	d := NewDoor(Options{Log: l})
	for i := range 3 * keptLines {
		fmt.Fprintf(l, "line %d\nhalf", i)
		fmt.Fprintf(l, " of %d\n%s", i, "")
	}
	io.WriteString(l, strings.Repeat("x", 3*longest)+"\n")
	var got struct {
		Lines []string
		Last  int64
	}
	ask(t, d, "GET", "/log", &got)
	if len(got.Lines) != keptLines || got.Last != 6*keptLines+1 || len(got.Lines[keptLines-1]) != longest || got.Lines[keptLines-2] != fmt.Sprintf("half of %d", 3*keptLines-1) {
		t.Errorf("%d lines, the last number %d, at the end %.80q", len(got.Lines), got.Last, got.Lines[len(got.Lines)-2:])
	}
	last := got.Last
	ask(t, d, "GET", fmt.Sprintf("/log?after=%d", last), &got)
	if len(got.Lines) != 0 {
		t.Errorf("nothing is new, but there came %d lines", len(got.Lines))
	}
	io.WriteString(l, "new\n")
	ask(t, d, "GET", fmt.Sprintf("/log?after=%d", last), &got)
	if len(got.Lines) != 1 || got.Lines[0] != "new" || got.Last != last+1 {
		t.Errorf("%+v", got)
	}
	if ask(t, d, "GET", "/log?after=99999999", &got); len(got.Lines) != keptLines {
		t.Errorf("a number of a former run: %d lines", len(got.Lines))
	}
}

// TestFlowsNeedRemoteEditing wants the way to the flows shut as long as one side forbids it.
func TestFlowsNeedRemoteEditing(t *testing.T) {
	allowed := false
	d := NewDoor(Options{Allowed: func() bool { return allowed }, Flows: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `"`+r.URL.Path+`"`) })})
	if status := ask(t, d, "POST", "/flows/push", nil); status != http.StatusForbidden {
		t.Errorf("forbidden: %d", status)
	}
	allowed = true
	var path string
	if ask(t, d, "POST", "/flows/push", &path); path != "/push" {
		t.Errorf("allowed: %q", path)
	}
}

func TestRestart(t *testing.T) {
	err := errors.New("not here")
	d := NewDoor(Options{Restart: func() error { return err }})
	var told struct{ Message string }
	if status := ask(t, d, "POST", "/restart", &told); status != http.StatusConflict || told.Message != "not here" {
		t.Errorf("%d %q", status, told.Message)
	}
	err = nil
	if status := ask(t, d, "POST", "/restart", nil); status != http.StatusNoContent {
		t.Error(status)
	}
}
