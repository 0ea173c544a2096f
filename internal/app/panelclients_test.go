package app

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// TestTenThousandSessions pages through 10,000 sessions of clients that are away, some of them with messages: each is
// told of once, and no answer is longer than it was asked to be.
func TestTenThousandSessions(t *testing.T) {
	if testing.Short() {
		t.Skip("runs without the race detector: it takes long")
	}
	const many, messages = 10_000, 1_000
	config := filepath.Join(t.TempDir(), "tsunagi.toml")
	if err := os.WriteFile(config, []byte("[[plans]]\nid = \"wide\"\nname = \"Wide\"\ndefault = true\nconnections = 50\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := serveWorld(t, "--config", config)
	owner := w.caller()
	id, password := w.instance()
	if code := w.stop(); code != ExitOK {
		t.Fatalf("exit %d", code)
	}
	remember(t, w.data, id, many, messages)
	w = serveWorld(t, "--config", config, "--data", w.data)
	owner.w = w
	type list struct {
		Items []struct {
			ClientID  string `json:"client_id"`
			Connected bool
			Queue     int
		}
		Total int
		Next  string
	}
	read := func(query url.Values) (out list) {
		t.Helper()
		owner.want("GET", "/instances/"+id+"/sessions?"+query.Encode(), nil, 200, &out)
		return out
	}
	for _, order := range []string{"client_id", "-queue"} {
		seen, last := map[string]bool{}, 1<<30
		for cursor := ""; len(seen) < many; {
			l := read(url.Values{"limit": {"1000"}, "sort": {order}, "cursor": {cursor}})
			if len(l.Items) != 1000 || l.Total != many {
				t.Fatalf("by %s behind %q: %d of %d", order, cursor, len(l.Items), l.Total)
			}
			for _, s := range l.Items {
				if seen[s.ClientID] || order == "-queue" && s.Queue > last || s.Connected {
					t.Fatalf("by %s behind %q: %+v behind %d messages", order, cursor, s, last)
				}
				seen[s.ClientID], last = true, s.Queue
			}
			if cursor = l.Next; (cursor == "") != (len(seen) == many) {
				t.Fatalf("by %s: cursor %q behind %d", order, cursor, len(seen))
			}
		}
	}
	if l := read(url.Values{"query": {"SESSION-0999"}}); l.Total != 10 || len(l.Items) != 10 || l.Next != "" {
		t.Errorf("search: %+v", l)
	}
	for i := range 3 {
		w.device(id, password, fmt.Sprint("here-", i), false)
	}
	var here list
	owner.want("GET", "/instances/"+id+"/connections?limit=2", nil, 200, &here)
	if here.Total != 3 || len(here.Items) != 2 || here.Items[0].ClientID != "here-0" {
		t.Errorf("connections: %+v", here)
	}
	owner.want("GET", "/instances/"+id+"/connections?cursor="+url.QueryEscape(here.Next), nil, 200, &here)
	if len(here.Items) != 1 || here.Items[0].ClientID != "here-2" || here.Next != "" {
		t.Errorf("second page of connections: %+v", here)
	}
	if l := read(url.Values{"state": {"connected"}}); l.Total != 3 {
		t.Errorf("connected sessions: %+v", l)
	}
}
