package panel_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestUsersTable: what the table of users says makes the same users and rules elsewhere, and no cell of it is a formula.
func TestUsersTable(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	path := "/api/v1/instances/" + b.instance()
	users := []string{
		`{"name":"=cmd()","note":"@note, \"quoted\"","client_id":"-5","expires_at":"2100-01-02T03:04:05.123456Z","password":"never in a table"}`,
		`{"name":"'=x","connect":false}`, `{"name":"＝wide"}`, `{"name":"'plain'"}`,
	}
	for _, u := range users {
		b.want("POST", path+"/users", u, 201, nil)
	}
	rules := []string{
		`{"effect":"deny","access":"both","filter":"users/%u"}`, `{"user":"=cmd()","effect":"allow","access":"publish","filter":"a;b\\;c\\","max_qos":1,"retain":false,"expires_at":"2100-01-01T00:00:00Z"}`,
		`{"user":"=cmd()","effect":"allow","access":"subscribe","filter":" two words ","max_qos":0}`, `{"user":"'=x","effect":"allow","access":"both","filter":"\\s/+/#"}`,
	}
	for _, r := range rules {
		b.want("POST", path+"/rules", r, 201, nil)
	}
	resp, table := b.do("GET", path+"/users.csv", nil)
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/csv; charset=utf-8" || strings.Contains(string(table), "never in a table") {
		t.Fatalf("%d %s: %s", resp.StatusCode, kind, table)
	}
	rows, err := csv.NewReader(strings.NewReader(string(table))).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d rows, %v: %s", len(rows), err, table)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") || strings.HasPrefix(cell, "＝") {
				t.Errorf("a formula: %q", cell)
			}
		}
	}

	other := "/api/v1/instances/" + b.instance()
	b.want("POST", other+"/import", map[string]any{"csv": string(table)}, 200, nil)
	type list struct{ Items []map[string]any }
	show := func(at, kind string) (all string) {
		var l list
		b.want("GET", at+kind, nil, 200, &l)
		for _, one := range l.Items {
			if one["first"] == true {
				continue
			}
			delete(one, "id")
			delete(one, "created_at")
			delete(one, "etag")
			all += fmt.Sprintln(one)
		}
		return all
	}
	if was, now := show(path, "/users"), show(other, "/users"); was != now || strings.Count(was, "\n") != 4 {
		t.Errorf("users\n%s\n%s", was, now)
	}
	sorted := func(text string) map[string]bool {
		set := map[string]bool{}
		for line := range strings.SplitSeq(text, "\n") {
			set[line] = true
		}
		return set
	}
	if was, now := show(path, "/rules"), show(other, "/rules"); fmt.Sprint(sorted(was)) != fmt.Sprint(sorted(now)) || strings.Count(was, "\n") != 4 {
		t.Errorf("rules\n%s\n%s", was, now)
	}
	b.refused("POST", other+"/import", map[string]any{"csv": "x,,,\"allow publish,qos=3 a\""}, 422, "invalid")
	b.refused("POST", other+"/import", map[string]any{"csv": "x,,,,,,tomorrow"}, 422, "invalid")
}

func TestDeleteUsers(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	path := "/api/v1/instances/" + id
	for _, name := range []string{"a", "b", "stays"} {
		b.want("POST", path+"/users", map[string]any{"name": name}, 201, nil)
		b.want("POST", path+"/rules", map[string]any{"user": name, "effect": "allow", "access": "both", "filter": "x"}, 201, nil)
	}
	var out struct {
		Deleted int
		Items   []struct{ Name, Code, Detail string }
	}
	b.want("POST", path+"/users/delete", map[string]any{"names": []string{"a", id, "never", "b", "b"}}, 200, &out)
	var codes []string
	for _, one := range out.Items {
		codes = append(codes, one.Name+":"+one.Code)
		if (one.Code == "") != (one.Detail == "") {
			t.Errorf("%+v", one)
		}
	}
	if got := strings.Join(codes, " "); out.Deleted != 2 || got != "a: "+id+":conflict never:not_found b: b:not_found" {
		t.Errorf("%d deleted: %s", out.Deleted, got)
	}
	var left struct{ Items []struct{ Name, User string } }
	b.want("GET", path+"/users?query=", nil, 200, &left)
	if len(left.Items) != 2 {
		t.Errorf("left: %+v", left)
	}
	b.want("GET", path+"/rules", nil, 200, &left)
	if len(left.Items) != 1 || left.Items[0].User != "stays" {
		t.Errorf("rules left: %+v", left)
	}
	var audit struct {
		Items []struct{ Action, Target string }
	}
	b.want("GET", "/api/v1/audit?limit=2", nil, 200, &audit)
	if len(audit.Items) != 2 || audit.Items[0].Action != "user.delete" || audit.Items[1].Action != "user.delete" {
		t.Errorf("audit: %+v", audit)
	}
	many := make([]string, 1001)
	b.refused("POST", path+"/users/delete", map[string]any{"names": many}, 422, "invalid")
	b.refused("POST", path+"/users/delete", map[string]any{"names": []string{}}, 422, "invalid")
}
