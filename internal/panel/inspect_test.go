package panel_test

import (
	"reflect"
	"strings"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/panel"
)

func TestRetainedPages(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	path := "/api/v1/instances/" + b.instance()
	var list struct {
		Items []struct{ Topic, Payload, Encoding string }
		Total int
		Next  string
	}
	b.want("GET", path+"/retained?limit=2", nil, 200, &list)
	if len(list.Items) != 2 || list.Total != 3 || list.Next != "b" || list.Items[1].Encoding != "base64" || list.Items[1].Payload != "/w==" {
		t.Errorf("%+v", list)
	}
	b.want("GET", path+"/retained?limit=2&cursor=b", nil, 200, &list)
	if len(list.Items) != 1 || list.Next != "" {
		t.Errorf("%+v", list)
	}
	b.refused("GET", path+"/retained?filter=a%2F%23%2Fb", nil, 422, "invalid")
	var cleared struct {
		Count int
		More  bool
	}
	b.want("POST", path+"/retained/clear", `{"filter":"#","dry_run":true}`, 200, &cleared)
	if cleared.Count != 3 || len(w.brokers.kicked) != 0 {
		t.Errorf("counting: %+v, %v", cleared, w.brokers.kicked)
	}
	b.want("POST", path+"/retained/clear", `{"filter":"#"}`, 200, &cleared)
	b.refused("POST", path+"/retained/clear", `{"filter":""}`, 422, "invalid")
}

func TestPublishByHTTP(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	path := "/api/v1/instances/" + b.instance() + "/publish"
	b.want("POST", path, `{"topic":"a/b","payload":"AAAAA","qos":1,"retain":true}`, 200, nil)
	b.want("POST", path, `{"topic":"a/b","payload":"/w==","encoding":"base64"}`, 200, nil)
	b.refused("POST", path, `{"topic":"a/+","payload":"x"}`, 422, "invalid")
	b.refused("POST", path, `{"topic":"$SYS/x","payload":"x"}`, 422, "invalid")
	b.refused("POST", path, `{"topic":"","payload":"x"}`, 422, "invalid")
	b.refused("POST", path, `{"topic":"a","payload":"*","encoding":"base64"}`, 422, "invalid")
	b.refused("POST", path, `{"topic":"full","payload":"x"}`, 403, "limit")
	for name, body := range map[string]string{"a wildcard to answer to": `"response_topic":"a/#"`, "no base64": `"correlation":"*"`, "a NUL": `"content_type":"a\u0000"`, "a NUL in a property": `"properties":{"a":"\u0000"}`,
		"a property's long name": `"properties":{"` + strings.Repeat("a", 1025) + `":""}`, "a negative expiry": `"expiry":-1`, "too late": `"expiry":4294967296`, "no text": `"properties":{"a":1}`} {
		if p := b.refused("POST", path, `{"topic":"a","payload":"x",`+body+`}`, 422, "invalid"); len(p.Errors) != 1 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	var out struct {
		Published int
		Items     []struct {
			Topic, Code, Detail string
			Bytes               int
		}
	}
	b.want("POST", path+"/batch", `{"messages":[{"topic":"a/b","payload":"1"},{"topic":"full","payload":"x"}]}`, 200, &out)
	if out.Published != 1 || len(out.Items) != 2 || out.Items[0].Code != "" || out.Items[1].Code != "limit" || !strings.Contains(out.Items[1].Detail, "no room") {
		t.Errorf("batch %+v", out)
	}
	b.refused("POST", path+"/batch", `{"messages":[]}`, 422, "invalid")
	b.refused("POST", path+"/batch", `{"messages":[`+strings.Repeat(`{"topic":"a","payload":"x"},`, 100)+`{"topic":"a","payload":"x"}]}`, 422, "invalid")
	if got := w.brokers.published; len(got) != 3 || string(got[0].Payload) != "AAAAA" || got[0].QoS != 1 || !got[0].Retain || got[1].Payload[0] != 0xff {
		t.Errorf("%+v", got)
	}
}

// TestWhy asks about each gate where it stops, and about what works.
func TestWhy(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	path := "/api/v1/instances/" + id
	for _, u := range []string{`{"name":"u"}`, `{"name":"away"}`, `{"name":"quiet"}`, `{"name":"shut","connect":false}`} {
		b.want("POST", path+"/users", u, 201, nil)
	}
	b.want("POST", path+"/rules", `{"user":"u","effect":"allow","access":"both","filter":"a/#"}`, 201, nil)
	b.want("POST", path+"/rules", `{"user":"u","effect":"deny","access":"publish","filter":"a/secret"}`, 201, nil)
	b.want("POST", path+"/rules", `{"user":"u","effect":"allow","access":"subscribe","filter":"s"}`, 201, nil)
	b.want("POST", path+"/rules", `{"user":"u","effect":"allow","access":"subscribe","filter":"elsewhere"}`, 201, nil)
	b.want("POST", path+"/rules", `{"user":"away","effect":"allow","access":"both","filter":"a/#"}`, 201, nil)
	tests := []struct {
		name, body, gate string // the last gate
		works            bool
		rule             string
	}{
		{"no such user", `{"user":"x","action":"connect"}`, "login", false, ""},
		{"may not connect", `{"user":"shut","action":"connect"}`, "login", false, "connect"},
		{"unknown client", `{"client":"x","action":"connect"}`, "login", false, ""},
		{"connects", `{"user":"quiet","action":"connect"}`, "session", true, ""},
		{"full name", `{"user":"` + id + `:quiet","action":"connect"}`, "session", true, ""},
		{"publishes", `{"user":"u","action":"publish","topic":"a/b"}`, "session", true, ""},
		{"denied", `{"client":"c/1","action":"publish","topic":"a/secret"}`, "acl", false, "a/secret"},
		{"no rule", `{"user":"u","action":"publish","topic":"b"}`, "acl", false, ""},
		{"subscribes", `{"user":"u","action":"subscribe","topic":"a/+"}`, "session", true, ""},
		{"subscribes to too much", `{"user":"u","action":"subscribe","topic":"#"}`, "acl", false, ""},
		{"receives", `{"client":"c/1","action":"receive","topic":"a/b"}`, "session", true, ""},
		{"shares", `{"client":"c/1","action":"receive","topic":"s"}`, "session", true, ""},
		{"no subscription", `{"client":"c/1","action":"receive","topic":"elsewhere"}`, "subscription", false, ""},
		{"away", `{"user":"away","action":"receive","topic":"a/b"}`, "session", true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out struct {
				Works bool
				Steps []struct{ Gate, Text, Rule string }
			}
			b.want("POST", path+"/why", tt.body, 200, &out)
			last := out.Steps[len(out.Steps)-1]
			if out.Works != tt.works || last.Gate != tt.gate || !strings.Contains(last.Rule, tt.rule) || last.Text == "" || out.Steps[0].Gate != "listener" {
				t.Errorf("%+v", out)
			}
		})
	}
	b.refused("POST", path+"/why", `{"action":"connect"}`, 422, "invalid")
	b.refused("POST", path+"/why", `{"action":"connect","from":"here"}`, 422, "invalid")
	b.refused("POST", path+"/why", `{"action":"publish","topic":"a","from":"192.0.2.1"}`, 422, "invalid")
	b.refused("POST", path+"/why", `{"user":"u","action":"publish","topic":"a/#"}`, 422, "invalid")
}

// TestWhyFromAddress walks the gates that judge where a client comes from, and those about its session.
func TestWhyFromAddress(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	path := "/api/v1/instances/" + id
	b.want("POST", path+"/users", `{"name":"u"}`, 201, nil)
	b.want("POST", path+"/users", `{"name":"clear"}`, 201, nil)
	b.want("POST", path+"/rules", `{"user":"u","effect":"allow","access":"both","filter":"a/#"}`, 201, nil)
	b.want("POST", path+"/addresses", `{"prefix":"203.0.113.0/24","effect":"deny"}`, 201, nil)
	b.want("POST", path+"/bans", `{"address":"198.51.100.7","minutes":5}`, 201, nil)
	w.journal.Add(account.LogLine{Instance: id, Kind: "refused", User: id + ":clear", Remote: "192.0.2.9:1", Gate: "listener", Rule: "TLS required"})
	for _, tt := range []struct {
		name, body, gate string // the last gate
		works            bool
		rule, fix        string
	}{
		{"an address that may come", `{"user":"u","action":"connect","from":"198.51.100.8:1883"}`, "session", true, "", "/connections"},
		{"a rule", `{"user":"u","action":"connect","from":"203.0.113.9"}`, "address", false, "203.0.113.0/24", "/addresses"},
		{"a rule, within IPv6", `{"user":"u","action":"connect","from":"[::ffff:203.0.113.9]:1"}`, "address", false, "203.0.113.0/24", "/addresses"},
		{"a ban", `{"user":"u","action":"connect","from":"198.51.100.7:51000"}`, "ban", false, "by hand", "/addresses"},
		{"an address alone", `{"action":"connect","from":"198.51.100.7"}`, "ban", false, "by hand", "/addresses"},
		{"no address", `{"user":"u","action":"connect"}`, "session", true, "", "/connections"},
		{"without TLS", `{"user":"clear","action":"connect"}`, "tls", false, "TLS required", ""},
		{"a client id that is fought for", `{"user":"u","client":"node-red","action":"connect"}`, "session", false, "client_id", "/connections"},
		{"taken over", `{"client":"c/1","action":"connect"}`, "session", true, "", "/connections"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out struct {
				Works bool
				Steps []struct{ Gate, Text, Rule, Fix string }
			}
			b.want("POST", path+"/why", tt.body, 200, &out)
			last := out.Steps[len(out.Steps)-1]
			if out.Works != tt.works || last.Gate != tt.gate || last.Rule != tt.rule || last.Fix != tt.fix || last.Text == "" || strings.Contains(last.Text, "{") {
				t.Errorf("%+v", out)
			}
		})
	}
	var out struct{ Steps []struct{ Gate string } }
	b.want("POST", path+"/why", `{"client":"c/1","action":"receive","topic":"a/b"}`, 200, &out)
	var order []string
	for _, s := range out.Steps {
		order = append(order, s.Gate)
	}
	if got := strings.Join(order, " "); got != "listener tls address limits login ban acl subscription queue session" {
		t.Errorf("the order of the gates: %s", got)
	}
}

func TestRestartAndForget(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	path := "/api/v1/instances/" + b.instance()
	b.want("POST", path+"/restart", nil, 204, nil)
	b.want("POST", path+"/reset", nil, 204, nil)
	var one panel.Session
	b.want("GET", path+"/sessions/c%2F1", nil, 200, &one)
	if len(one.Subscriptions) != 2 || one.User != "u" {
		t.Errorf("%+v", one)
	}
	b.refused("GET", path+"/sessions/nobody", nil, 404, "not_found")
	b.want("DELETE", path+"/sessions/c%2F1", nil, 204, nil)
	b.refused("DELETE", path+"/sessions/nobody", nil, 404, "not_found")
	if len(w.brokers.kicked) != 3 {
		t.Errorf("done: %v", w.brokers.kicked)
	}
	var list struct {
		Items []struct {
			ClientID string `json:"client_id"`
		}
		Total int
		Next  string
	}
	b.want("GET", path+"/sessions?limit=1", nil, 200, &list)
	if list.Total != 2 || list.Next != "c/1" {
		t.Errorf("%+v", list)
	}
	b.want("GET", path+"/sessions?limit=1&sort=-queue&state=away&query=x&cursor=-7:c:1", nil, 200, &list)
	want := panel.ClientQuery{Contains: "x", State: "away", Sort: "queue", Down: true, After: &panel.ClientMark{N: -7, ID: "c:1"}, Limit: 1}
	if got := w.brokers.asked[len(w.brokers.asked)-1]; list.Next != "-5:c/1" || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, asked %+v", list, got)
	}
	b.refused("GET", path+"/sessions?sort=queue&cursor=c", nil, 422, "invalid")
	b.refused("GET", path+"/connections?sort=colour", nil, 422, "invalid")
	var audit struct{ Items []struct{ Action string } }
	b.want("GET", "/api/v1/audit?limit=4", nil, 200, &audit)
	if len(audit.Items) != 4 || audit.Items[3].Action != "instance.restart" {
		t.Errorf("%+v", audit)
	}
}
