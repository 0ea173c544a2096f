package app

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/stats"
)

func TestCausesHaveOneName(t *testing.T) {
	var names []string
	for l := range broker.Losses {
		names = append(names, broker.Loss(l).String())
	}
	if !slices.Equal(names, stats.Causes[:]) {
		t.Errorf("the broker's %q, those of the statistics %q", names, stats.Causes)
	}
}

// TestStatisticsOfAnInstance: what happened is there after a restart, another instance's is not among it, and what
// sessions have lost is told with what would have kept it.
func TestStatisticsOfAnInstance(t *testing.T) {
	w := serveWorld(t)
	owner := w.caller()
	id, password := w.instance()
	other, _ := w.instance()
	w.device(id, password, "away", true).Close()
	away := w.device(id, password, "away", true)
	if got := subscribe(t, away, "home/#"); got != "00" {
		t.Fatal(got)
	}
	away.Close()
	sender := w.device(id, password, "sender", false)
	type sessions struct {
		Items []struct {
			ClientID  string `json:"client_id"`
			Connected bool
			Lost      int
		}
	}
	for gone := false; !gone; { // until the server has seen the end
		var s sessions
		owner.want("GET", "/instances/"+id+"/sessions?query=away", nil, 200, &s)
		gone = len(s.Items) == 1 && !s.Items[0].Connected
	}
	for i := range 3 {
		sender.publish(fmt.Sprint("home/", i), "21", i == 0)
	}
	var lost struct {
		Items []struct {
			ClientID string `json:"client_id"`
			Causes   []struct {
				Cause string
				Count int
				Keep  string
			}
		}
	}
	owner.want("GET", "/instances/"+id+"/losses", nil, 200, &lost)
	if len(lost.Items) != 1 || lost.Items[0].ClientID != "away" || lost.Items[0].Causes[0].Cause != "away" || lost.Items[0].Causes[0].Keep == "" {
		t.Errorf("%+v", lost)
	}
	var connections struct {
		Items []struct {
			ClientID string `json:"client_id"`
			TLS      string
			BytesIn  int `json:"bytes_in"`
		}
	}
	owner.want("GET", "/instances/"+id+"/connections", nil, 200, &connections)
	if len(connections.Items) != 1 || connections.Items[0].TLS != "TLS 1.3" || connections.Items[0].BytesIn == 0 {
		t.Errorf("%+v", connections)
	}

	stream := owner.do("GET", "/instances/"+id+"/topics/stream", nil)
	lines := bufio.NewScanner(stream.Body)
	seen := func(topic, publisher string) {
		t.Helper()
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			var news struct {
				Topics []struct{ Topic, Publisher string }
			}
			if err := json.Unmarshal([]byte(data), &news); err != nil {
				t.Fatal(err)
			}
			for _, one := range news.Topics {
				if one.Topic == topic && one.Publisher == publisher {
					return
				}
			}
		}
		t.Fatalf("%s is not seen: %v", topic, lines.Err())
	}
	seen("home/0", "sender") // is retained
	sender.publish("home/live", "1", false)
	seen("home/live", "sender")
	stream.Body.Close()

	if code := w.stop(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	w = serveWorld(t, "--data", w.data)
	owner.w = w
	for _, step := range []string{"minute", "hour"} {
		var mine, theirs struct {
			Items []struct {
				MessagesIn    int `json:"messages_in"`
				Connects      int
				RetainedBytes int `json:"retained_bytes"`
				Lost          map[string]int
			}
		}
		owner.want("GET", "/instances/"+id+"/stats/history?step="+step, nil, 200, &mine)
		owner.want("GET", "/instances/"+other+"/stats/history?step="+step, nil, 200, &theirs)
		in, connects, kept, lost := 0, 0, 0, 0
		for _, p := range mine.Items { // two, where the test met the end of one
			in, connects, kept, lost = in+p.MessagesIn, connects+p.Connects, max(kept, p.RetainedBytes), lost+p.Lost["away"]
		}
		if in != 4 || connects != 3 || kept == 0 || lost == 0 || len(theirs.Items) != 0 {
			t.Errorf("by %s: %+v, the other's %+v", step, mine, theirs)
		}
	}
}

// TestAlarms fills a limit of the plan; the owner gets one letter, in the owner's language, and a webhook one call, and no
// second one for the same crossing.
func TestAlarms(t *testing.T) {
	calls := make(chan map[string]any, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e map[string]any
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		calls <- e
	}))
	defer receiver.Close()
	config := filepath.Join(t.TempDir(), "tsunagi.toml")
	plan := "[[plans]]\nid = \"tiny\"\nname = \"Tiny\"\ndefault = true\nconnections = 50\nretained_messages = 4\nretained_bytes = 1000\nhooks = 2\nhook_calls = 100\n"
	if err := os.WriteFile(config, []byte(plan), 0o600); err != nil {
		t.Fatal(err)
	}
	w := serveWorld(t, "--config", config, "--hook-allow", "127.0.0.1")
	owner := w.caller()
	owner.want("PATCH", "/account", map[string]string{"language": "ja"}, 200, nil)
	id, password := w.instance()
	owner.want("POST", "/instances/"+id+"/hooks", map[string]any{"name": "alarms", "events": []string{"quota"},
		"condition": "payload.quota = retained_messages", "action": "post", "url": receiver.URL}, 201, nil)
	for listens := false; !listens; { // its session has to be there
		var hooks struct {
			Items []struct{ State struct{ State string } }
		}
		owner.want("GET", "/instances/"+id+"/hooks", nil, 200, &hooks)
		listens = len(hooks.Items) == 1 && hooks.Items[0].State.State == "running"
	}
	sender := w.device(id, password, "sender", false)
	for i := range 4 {
		sender.publish(fmt.Sprint("t/", i), "x", true)
	}
	if code := w.stop(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	letters := func() (list []string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(w.data, "mail", "*.eml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(raw), "/instances/"+id+"/statistics") {
				list = append(list, string(raw))
			}
		}
		return list
	}
	got := letters()
	if len(got) != 1 || !strings.Contains(got[0], "保持メッセージ：4 のうち 4") || !strings.Contains(got[0], "100 %") || strings.Contains(got[0], "has reached") {
		t.Fatalf("letters: %q", got)
	}
	w = serveWorld(t, "--config", config, "--hook-allow", "127.0.0.1", "--data", w.data)
	owner.w = w
	select {
	case e := <-calls:
		if e["type"] != "quota" || e["quota"] != "retained_messages" || e["level"] != 100.0 || e["used"] != 4.0 || e["limit"] != 4.0 || e["instance"] != id {
			t.Errorf("event %v", e)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("no call\n%s", w.log)
	}
	var quotas struct {
		Items []struct {
			Name        string
			Used, Limit int
			Level       int
		}
	}
	owner.want("GET", "/instances/"+id+"/quotas", nil, 200, &quotas)
	for _, q := range quotas.Items {
		if q.Name == "retained_messages" && (q.Used != 4 || q.Limit != 4 || q.Level != 100) || q.Name == "retained_bytes" && q.Level != 0 {
			t.Errorf("%+v", q)
		}
	}
	if code := w.stop(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	if got := letters(); len(got) != 1 || len(calls) != 0 {
		t.Errorf("after a restart: %q, %d calls", got, len(calls))
	}
}
