package panel_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/panel"
	"tsunagi/internal/stats"
)

// fakeStatistics has one minute and one hour of every instance.
type fakeStatistics struct{}

func (fakeStatistics) History(_ context.Context, instance string, step stats.Step, from time.Time) ([]stats.Point, error) {
	if time.Since(from) < time.Minute {
		return nil, nil
	}
	p := stats.Point{Instance: instance, Step: step, At: 7200}
	p.Connections, p.MessagesIn, p.Lost[0], p.Lost[7] = 3, int64(step), 5, 1
	return []stats.Point{p}, nil
}

func (fakeStatistics) Quotas(context.Context, string) ([]stats.QuotaState, error) {
	return []stats.QuotaState{
		{Quota: stats.Quota{Name: "connections", Used: 10, Limit: 10}, Level: 100, Since: time.Unix(7, 0)},
		{Quota: stats.Quota{Name: "queue_bytes", Used: 1, Bytes: true, Of: "c/1"}},
	}, nil
}

func TestStatistics(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	path := "/api/v1/instances/" + b.instance()
	var h struct {
		Step  int
		Items []struct {
			At          time.Time
			Connections int
			MessagesIn  int `json:"messages_in"`
			Lost        map[string]int
		}
	}
	for query, step := range map[string]int{"": 60, "?step=minute": 60, "?step=hour": 3600} {
		b.want("GET", path+"/stats/history"+query, nil, 200, &h)
		if h.Step != step || len(h.Items) != 1 || h.Items[0].MessagesIn != step || h.Items[0].Connections != 3 || h.Items[0].At.Unix() != 7200 ||
			len(h.Items[0].Lost) != 2 || h.Items[0].Lost["away"] != 5 || h.Items[0].Lost["denied"] != 1 {
			t.Errorf("%q: %+v", query, h)
		}
	}
	b.want("GET", path+"/stats/history?from="+time.Now().UTC().Format(time.RFC3339), nil, 200, &h)
	if len(h.Items) != 0 {
		t.Errorf("from now on: %+v", h)
	}
	b.refused("GET", path+"/stats/history?step=year", nil, 422, "invalid")
	var q struct {
		Items []struct {
			Name, Of    string
			Used, Limit int
			Bytes       bool
			Level       int
			Since       *time.Time
		}
	}
	b.want("GET", path+"/quotas", nil, 200, &q)
	if len(q.Items) != 2 || q.Items[0].Level != 100 || q.Items[0].Since.Unix() != 7 || q.Items[1].Since != nil || q.Items[1].Of != "c/1" || !q.Items[1].Bytes {
		t.Errorf("%+v", q)
	}
}

func TestLossesAndFights(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	path := "/api/v1/instances/" + b.instance()
	type list struct {
		Items []struct {
			ClientID string `json:"client_id"`
			Gone     bool
			Total    int
			Causes   []struct {
				Cause, Text, Keep, Setting, Fix string
				Count                           int
			}
		}
		Total int
		Next  string
	}
	var got list
	b.want("GET", path+"/losses", nil, 200, &got)
	if got.Total != 2 || got.Items[0].Total != 4 || !got.Items[1].Gone {
		t.Fatalf("%+v", got)
	}
	away, denied, ended := got.Items[0].Causes[0], got.Items[0].Causes[1], got.Items[1].Causes[0]
	if away.Setting != "publish.qos" || !strings.Contains(away.Keep, "QoS 1") || denied.Fix != "/users/u" || ended.Setting != "connect.session_expiry" || ended.Text == "" {
		t.Errorf("%+v %+v %+v", away, denied, ended)
	}
	var first, second list
	b.want("GET", path+"/losses?limit=1", nil, 200, &first)
	b.want("GET", path+"/losses?limit=1&cursor="+url.QueryEscape(first.Next), nil, 200, &second)
	if first.Total != 2 || second.Total != 2 || len(second.Items) != 1 || second.Items[0].ClientID != "old" || second.Next != "" {
		t.Errorf("pages %+v %+v", first, second)
	}
	b.refused("GET", path+"/losses?cursor=4", nil, 422, "invalid")
	b.want("PATCH", "/api/v1/account", map[string]any{"language": "ja"}, 200, nil)
	got = list{}
	b.want("GET", path+"/losses?query=old&limit=1", nil, 200, &got)
	if got.Total != 1 || !strings.Contains(got.Items[0].Causes[0].Text, "セッション") {
		t.Errorf("%+v", got)
	}
	for _, cause := range stats.Causes {
		if !panel.KnowsLoss(cause) {
			t.Errorf("nothing is said about %s", cause)
		}
	}
	var fights struct{ Items []panel.Fight }
	b.want("GET", path+"/fights", nil, 200, &fights)
	if len(fights.Items) != 1 || fights.Items[0].ClientID != "node-red" || len(fights.Items[0].Addresses) != 2 {
		t.Errorf("%+v", fights)
	}
}

// TestWatchTopics reads the first lot of the stream.
func TestWatchTopics(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	path := "/api/v1/instances/" + id + "/topics/stream"
	b.refused("GET", path+"?filter=a%2F%23%2Fb", nil, 422, "invalid")
	b.refused("GET", path+"?filter=full", nil, 429, "rate_limited")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", w.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", panel.CookieName+"="+b.cookie)
	answer, err := w.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			const want = `{"topics":[{"topic":"a/%","payload":"1","size":1,"messages":2,"at":"1970-01-01T00:00:05Z","retained":true,"publisher":"c/1","user":"u"},` +
				`{"topic":"b","payload":"/w==","encoding":"base64","size":1,"messages":0}],"over":7}`
			if data != strings.Replace(want, "%", id, 1) {
				t.Errorf("%s", data)
			}
			return
		}
	}
	t.Fatal(lines.Err())
}
