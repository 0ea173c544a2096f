package app

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHistory chooses topics by the API; their messages can be read, as a table as well, after a restart too.
func TestHistory(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	id, _ := w.instance()
	at := "/instances/" + id + "/history"
	var chosen struct {
		Filters []struct {
			Filter         string
			Used, Messages int
		}
		Limit int
	}
	for _, bad := range []any{
		[]any{map[string]any{"filter": "a/#/b", "bytes": 100_000}}, []any{map[string]any{"filter": "a", "bytes": 1}},
		[]any{map[string]any{"filter": "a", "bytes": 100_000, "days": -1}}, []any{map[string]any{"filter": "$SYS/#", "bytes": 100_000}},
		[]any{map[string]any{"filter": "a", "bytes": 100_000}, map[string]any{"filter": "a", "bytes": 100_000}},
	} {
		if code := p.api("PATCH", at, map[string]any{"filters": bad}, nil); code != 422 {
			t.Errorf("%v: %d", bad, code)
		}
	}
	if code := p.api("PATCH", at, map[string]any{"filters": []any{map[string]any{"filter": "a", "bytes": 1_000_000_000}}}, nil); code != 403 {
		t.Errorf("more than the plan allows: %d", code)
	}
	p.api("PATCH", at, map[string]any{"filters": []any{map[string]any{"filter": "t/#", "bytes": 100_000, "days": 7}}}, &chosen)
	if len(chosen.Filters) != 1 || chosen.Limit != 100_000_000 {
		t.Errorf("chosen %+v", chosen)
	}
	var sessions struct {
		Items []struct {
			ClientID string `json:"client_id"`
		}
	}
	p.until(func() bool {
		p.api("GET", "/instances/"+id+"/sessions", nil, &sessions)
		return len(sessions.Items) == 1
	})
	for _, payload := range []string{"1", "-2", "=1+1"} {
		p.api("POST", "/instances/"+id+"/publish", map[string]any{"topic": "t/1", "payload": payload, "qos": 1}, nil)
	}
	p.api("POST", "/instances/"+id+"/publish", map[string]any{"topic": "other", "payload": "x", "qos": 1}, nil)
	var list struct {
		Items []struct{ Topic, Payload string }
		Next  string
	}
	p.until(func() bool { p.api("GET", at+"/messages?limit=3", nil, &list); return len(list.Items) == 3 })
	if list.Items[2].Payload != "1" || list.Items[0].Topic != "t/1" {
		t.Errorf("messages %+v", list)
	}
	p.until(func() bool { p.api("GET", at, nil, &chosen); return chosen.Filters[0].Messages == 3 })
	var topics struct {
		Items []struct {
			Topic string
			Count int
		}
	}
	p.api("GET", at+"/topics", nil, &topics)
	if len(topics.Items) != 1 || topics.Items[0].Count != 3 {
		t.Errorf("topics %+v", topics)
	}
	answer, text := p.send("GET", "https://localhost"+p.port()+"/api/v1"+at+"/csv?filter=t%2F1", io.Reader(http.NoBody))
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/csv") || !strings.Contains(text, ",t/1,-2,text,1,false,") || !strings.Contains(text, ",'=1+1,") {
		t.Errorf("%s %s", answer.Status, text)
	}
	var kept []struct {
		Filter                string
		Days, Messages, Bytes int
	}
	w.admin(&kept, "history", "on", id, "u/+", "--bytes", "20000")
	w.admin(&kept, "history", "on", id, "t/#", "--days", "9")
	if len(kept) != 2 || kept[0].Days != 9 || kept[0].Bytes != 100_000 || kept[0].Messages != 3 || kept[1].Filter != "u/+" {
		t.Errorf("kept %+v", kept)
	}
	name := filepath.Join(t.TempDir(), "kept.csv")
	w.admin(nil, "history", "export", id, name, "--filter", "t/+")
	if table, err := os.ReadFile(name); err != nil || string(table) != text {
		t.Errorf("table %q, %v, want %q", table, err, text)
	}
	w.admin(&kept, "history", "off", id, "u/+")
	file, restored := filepath.Join(t.TempDir(), "copy.backup"), filepath.Join(t.TempDir(), "data")
	if code, text := runHere(t, "backup", file, "--data", w.data); code != ExitOK {
		t.Fatalf("backup: %d %s", code, text)
	}
	if code, text := runHere(t, "restore", file, "--data", restored); code != ExitOK {
		t.Fatalf("restore: %d %s", code, text)
	}
	for what, data := range map[string]string{"a restart": w.data, "a restore": restored} {
		w.stop()
		w = serveWorld(t, "--data", data)
		p.at(w)
		p.api("GET", at+"/messages", nil, &list)
		if len(list.Items) != 3 || list.Items[2].Payload != "1" || list.Items[0].Topic != "t/1" {
			t.Errorf("after %s: %+v", what, list)
		}
	}
	if code := p.api("DELETE", "/instances/"+id, nil, nil); code != 204 {
		t.Errorf("delete: %d", code)
	}
}
