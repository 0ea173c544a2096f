package app

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestAdminMessages publishes, reads, counts and deletes messages by commands, and asks why something doesn't work.
func TestAdminMessages(t *testing.T) {
	w := serveWorld(t)
	id, _ := w.instance()
	w.admin(nil, "message", "publish", id, "a/text", "grüß dich", "--retain", "--qos", "1")
	if code, _, told := w.adminText("\xff\x00\x01", "message", "publish", id, "a/bytes", "-", "--retain"); code != ExitOK {
		t.Fatal(told)
	}
	if code, out, told := w.adminText("", "retained", "get", id, "a/bytes"); code != ExitOK || out != "\xff\x00\x01" {
		t.Errorf("%d %q %s", code, out, told)
	}
	var list struct {
		Items []struct{ Topic, Payload, Encoding string }
		Total int
	}
	w.admin(&list, "retained", "list", id, "--filter", "a/#")
	if list.Total != 2 || len(list.Items) != 2 || list.Items[0].Encoding != "base64" || list.Items[1].Payload != "grüß dich" {
		t.Errorf("retained %+v", list)
	}
	if _, out, _ := w.adminText("", "retained", "list", id, "--limit", "1"); !strings.Contains(out, "and more  1") || !strings.Contains(out, `--cursor "a/bytes"`) {
		t.Errorf("no way to the next page:\n%s", out)
	}
	if w.admin(&list, "retained", "list", id, "--limit", "1", "--cursor", "a/bytes"); len(list.Items) != 1 || list.Items[0].Topic != "a/text" {
		t.Errorf("the next page %+v", list)
	}
	var count struct{ Count int }
	if w.admin(&count, "retained", "delete", id, "a/#", "--dry-run"); count.Count != 2 {
		t.Errorf("counted %d", count.Count)
	}
	if w.admin(&count, "retained", "delete", id, "a/bytes"); count.Count != 1 {
		t.Errorf("deleted %d", count.Count)
	}
	if code, out, told := w.adminText("", "retained", "get", id, "a/bytes"); code != ExitFailed || out != "" || told == "" {
		t.Errorf("it is still there: %d %q", code, out)
	}
	w.admin(nil, "retained", "expire", id, "--time", "a=b/#=60", "--time", "#=3600")
	if _, out, _ := w.adminText("", "retained", "times", id); !strings.Contains(out, "a=b/#   60") {
		t.Errorf("times\n%s", out)
	}
	w.admin(nil, "retained", "expire", id, "--none")
	if code, _, told := w.adminText("", "retained", "expire", id); code != ExitUsage || !strings.Contains(told, "--none") {
		t.Errorf("nothing: %d %s", code, told)
	}
	w.admin(nil, "user", "create", id, "dev")
	if code, out, told := w.adminText("", "instance", "why", id, "publish", "--user", "dev", "--topic", "a/b"); code != ExitFailed || !strings.Contains(out, "acl") || !strings.Contains(told, "stops at the gate acl") {
		t.Errorf("why: %d %s %s", code, out, told)
	}
	w.admin(nil, "rule", "create", id, "allow", "publish", "a/#", "--user", "dev", "--max-qos", "1", "--note", "n")
	var why struct{ Works bool }
	if w.admin(&why, "instance", "why", id, "publish", "--user", "dev", "--topic", "a/b"); !why.Works {
		t.Error("it still doesn't work")
	}
	lines := ""
	for n := range 250 {
		lines += fmt.Sprintf(`{"topic":"lot/%03d","payload":"%d","retain":true}`+"\n", n, n)
	}
	if code, out, told := w.adminText(lines, "message", "batch", id, "-"); code != ExitOK || !strings.Contains(out, "published  250") {
		t.Errorf("batch %d %s %s", code, out, told)
	}
	if code, out, told := w.adminText(`{"topic":"lot/x","payload":""}`+"\n"+`{"topic":"no/#","payload":""}`, "message", "batch", id, "-"); code != ExitFailed || !strings.Contains(out, "published  0") || !strings.Contains(told, "lines 1 to 2") {
		t.Errorf("a wrong topic %d %s %s", code, out, told)
	}
	if code, _, told := w.adminText("{}\nnonsense\n", "message", "batch", id, "-"); code != ExitFailed || !strings.Contains(told, "line 2 is no JSON") {
		t.Errorf("nonsense %d %s", code, told)
	}
	w.admin(nil, "message", "publish", id, "a/p", "x", "--property", "k=v", "--expiry", "60", "--content-type", "text/plain", "--retain")
	if code, _, told := w.adminText("", "message", "publish", id, "a/p", "x", "--property", "k"); code != ExitUsage || !strings.Contains(told, "name=value") {
		t.Errorf("property %d %s", code, told)
	}
	w.admin(nil, "instance", "reset", id, "--yes")
	if w.admin(&list, "retained", "list", id); list.Total != 0 {
		t.Errorf("after a reset %+v", list)
	}
}

// TestAdminNumbers shows what a session has lost, where an instance stands, and its metrics.
func TestAdminNumbers(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	id, password := w.instance()
	away := w.device(id, password, "away", true)
	if got := subscribe(t, away, "t/#"); got != "00" {
		t.Fatal(got)
	}
	away.Close()
	var stats struct{ Connections, Sessions int }
	p.until(func() bool { w.admin(&stats, "instance", "stats", id); return stats.Connections == 0 })
	if stats.Sessions != 1 {
		t.Errorf("stats %+v", stats)
	}
	w.admin(nil, "message", "publish", id, "t/1", "x") // QoS 0: nothing is owed to who is away
	var losses struct {
		Items []struct {
			ClientID string `json:"client_id"`
			Causes   []struct{ Cause, Keep string }
		}
	}
	w.admin(&losses, "instance", "losses", id)
	if len(losses.Items) != 1 || losses.Items[0].ClientID != "away" || losses.Items[0].Causes[0].Cause != "away" || losses.Items[0].Causes[0].Keep == "" {
		t.Errorf("losses %+v", losses)
	}
	if _, out, _ := w.adminText("", "instance", "losses", id); !strings.Contains(out, "CLIENT") || !strings.Contains(out, "away") {
		t.Errorf("table\n%s", out)
	}
	for _, args := range [][]string{{"instance", "statistics", id, "--step", "hour"}, {"instance", "quotas", id}, {"instance", "fights", id}, {"instance", "exposures", id},
		{"instance", "billing", id}, {"instance", "show", id}, {"session", "show", id, "away"}, {"plan", "list"}, {"region", "list"}, {"server", "status"}, {"server", "certificates"},
		{"log", "server"}, {"account", "usage"}, {"account", "show", "owner@example.org"}, {"history", "messages", id}, {"history", "topics", id}, {"hook", "readers", id},
		{"flow", "list"}, {"device", "list"}, {"page-key", "list", id}, {"host-name", "list", id}, {"bridge", "list", id}} {
		if code, out, told := w.adminText("", args...); code != ExitOK || out == "" {
			t.Errorf("%v: %d %q %s", args, code, out, told)
		}
		var any map[string]any
		if w.admin(&any, args...); len(any) == 0 {
			t.Errorf("%v --json is empty", args)
		}
	}
	if code, out, told := w.adminText("", "metrics", "show", id); code != ExitOK || !strings.Contains(out, "# TYPE tsunagi_") {
		t.Errorf("metrics %d %.80q %s", code, out, told)
	}
	var first, second struct{ Key string }
	w.admin(&first, "instance", "key", id)
	w.admin(&second, "instance", "key", id, "--rotate")
	if code, out, _ := w.adminText("", "instance", "key", id); code != ExitOK || strings.TrimSpace(out) != second.Key || first.Key == second.Key {
		t.Errorf("key %d %q, %q before %q", code, out, first.Key, second.Key)
	}
}

// TestAdminNamesAreNames ends the session of a client whose name a path would take for the way up: nothing else happens.
func TestAdminNamesAreNames(t *testing.T) {
	w := serveWorld(t)
	id, password := w.instance()
	for _, name := range []string{"..", ".", "a//b", "../..", "%2E%2E", "x?y#z"} {
		away := w.device(id, password, name, true)
		away.Close()
		w.admin(nil, "session", "show", id, name)
		w.admin(nil, "session", "forget", id, name)
		if code, _, told := w.adminText("", "session", "forget", id, name); code != ExitFailed || told == "" {
			t.Errorf("%q: %d %s", name, code, told)
		}
	}
	for _, args := range [][]string{{"session", "forget", id, ""}, {"instance", "delete", ""}} {
		if code, _, told := w.adminText("", args...); code != ExitUsage || !strings.Contains(told, "empty") {
			t.Errorf("%q: %d %s", args, code, told)
		}
	}
	w.admin(nil, "api", "GET", "/instances/"+id)
	if code, _, _ := w.adminText("", "api", "DELETE", "/instances/"+id+"/sessions/.."); code != ExitFailed {
		t.Errorf("a path with two dots: %d", code)
	}
	w.admin(nil, "api", "GET", "/instances/"+id)
}

// printing is a command that prints lines as they come.
type printing struct {
	*bufio.Scanner
	out    *io.PipeReader
	cancel func()
	ended  chan int
}

func (w *world) printing(args ...string) *printing {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel)
	r, out := io.Pipe()
	f := &printing{bufio.NewScanner(r), r, cancel, make(chan int, 1)}
	go func() { // ends with ctx, or by itself
		code := Run(ctx, append(append([]string{"admin"}, args...), "--data", w.data), Streams{In: strings.NewReader(""), Out: out, Err: io.Discard})
		_ = out.Close()
		f.ended <- code
	}()
	return f
}

// rest reads what still comes, and gives the exit code.
func (f *printing) rest() int {
	_, _ = io.Copy(io.Discard, f.out)
	return <-f.ended
}

// interrupt ends it as a signal does, and gives the exit code.
func (f *printing) interrupt() int {
	f.cancel()
	return f.rest()
}

// TestAdminFollows prints messages, topics and lines of the log while they come; a command that is interrupted ends well,
// one whose server stops does not.
func TestAdminFollows(t *testing.T) {
	w := serveWorld(t)
	id, password := w.instance()
	w.admin(nil, "message", "publish", id, "a/kept", "first", "--retain")
	heard := w.printing("message", "subscribe", id, "a/#", "--json")
	if !heard.Scan() || !strings.Contains(heard.Text(), `"payload":"first"`) {
		t.Fatalf("%q %v", heard.Text(), heard.Err())
	}
	w.admin(nil, "message", "publish", id, "a/live", "second\x1b[31m")
	var m struct {
		Topic, Payload string
		Retain         bool
	}
	if !heard.Scan() || json.Unmarshal(heard.Bytes(), &m) != nil || m.Topic != "a/live" || m.Payload != "second\x1b[31m" || m.Retain {
		t.Errorf("%q", heard.Text())
	}
	if code := heard.interrupt(); code != ExitOK {
		t.Errorf("interrupted: %d", code)
	}
	watched := w.printing("topic", "watch", id, "a/kept", "--count", "1")
	if !watched.Scan() || !strings.Contains(watched.Text(), "first") || watched.Scan() {
		t.Errorf("%q", watched.Text())
	}
	if code := watched.rest(); code != ExitOK {
		t.Errorf("after its count: %d", code)
	}
	w.admin(nil, "message", "publish", id, "b", "\x1b[31m", "--retain")
	evil := w.printing("message", "subscribe", id, "b/#")
	evil.Scan()
	if strings.ContainsRune(evil.Text(), 0x1b) {
		t.Errorf("a terminal would obey %q", evil.Text())
	}
	evil.interrupt()
	log := w.printing("log", "follow", id)
	done, gone := make(chan struct{}), make(chan struct{})
	go func() { // ends when a line has come: one that comes before it follows is not shown
		defer close(gone)
		for {
			select {
			case <-done:
				return
			default:
				w.device(id, password, "pi", false).Close()
			}
		}
	}()
	if !log.Scan() || !strings.Contains(log.Text(), "connected") {
		t.Errorf("%q", log.Text())
	}
	close(done)
	<-gone
	ended := make(chan int, 1)
	go func() { ended <- log.rest() }() // ends with the server
	w.stop()
	if code := <-ended; code != ExitFailed {
		t.Errorf("the server has stopped: %d", code)
	}
}

// TestAdminPeople works on teams, tokens, invitations and what people sign in with; a token that was made here works at the
// door of the API, and ends there when it is deleted.
func TestAdminPeople(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	w.instance()
	var ken, team, moved struct{ ID, Name string }
	w.admin(&ken, "account", "create", "--email", "ken@example.org")
	w.admin(&team, "team", "create", "Works", "--account", "ken@example.org")
	w.admin(&moved, "instance", "create", "--name", "theirs", "--owner", "ken@example.org")
	w.admin(nil, "instance", "move", moved.ID, team.ID)
	var in struct{ Owner string }
	if w.admin(&in, "instance", "show", moved.ID); in.Owner != team.ID {
		t.Errorf("it belongs to %s, want %s", in.Owner, team.ID)
	}
	w.admin(nil, "team", "rename", "Factory", "--account", team.ID)
	if _, out, _ := w.adminText("", "team", "list", "--account", "ken@example.org"); !strings.Contains(out, "Factory") {
		t.Errorf("teams\n%s", out)
	}
	var invited struct{ ID, Link string }
	w.admin(&invited, "team", "invite", "viewer", "--account", team.ID)
	if !strings.Contains(invited.Link, "#token=") {
		t.Errorf("invitation %+v", invited)
	}
	w.admin(nil, "team", "uninvite", invited.ID, "--account", team.ID)
	var members struct {
		Items []struct{ ID, Email, Role string }
	}
	if w.admin(&members, "member", "list", "--account", team.ID); len(members.Items) != 1 || members.Items[0].Role != "owner" {
		t.Errorf("members %+v", members)
	}
	if code, _, told := w.adminText("", "member", "remove", ken.ID, "--account", team.ID); code != ExitFailed || told == "" {
		t.Errorf("a team without an owner: %d %s", code, told)
	}

	code, out, told := w.adminText("", "token", "create", "cron", "--scope", "read", "--account", team.ID, "--days", "3")
	token := strings.TrimSpace(out)
	if code != ExitOK || strings.ContainsAny(token, " \n") {
		t.Fatalf("token %d %q %s", code, out, told)
	}
	status := func() int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+strings.Replace(w.https, "127.0.0.1", "localhost", 1)+"/api/v1/instances/"+moved.ID, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := w.client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	if got := status(); got != http.StatusOK {
		t.Errorf("the token: %d", got)
	}
	var tokens struct{ Items []struct{ ID, Name string } }
	if w.admin(&tokens, "token", "list", "--account", team.ID); len(tokens.Items) != 1 || tokens.Items[0].Name != "cron" {
		t.Fatalf("tokens %+v", tokens)
	}
	w.admin(nil, "token", "delete", tokens.Items[0].ID, "--account", team.ID)
	if got := status(); got != http.StatusUnauthorized {
		t.Errorf("a deleted token: %d", got)
	}

	w.admin(&invited, "invitation", "create", "new@example.org")
	w.admin(nil, "invitation", "delete", invited.ID)
	w.admin(nil, "account", "language", "ja", "--account", "ken@example.org")
	if code, _, told := w.adminText("a pass phrase of the console\n", "account", "password", "--password-stdin", "--account", "ken@example.org"); code != ExitOK {
		t.Errorf("password: %s", told)
	}
	if code, _, told := w.adminText("", "account", "password", "--account", "ken@example.org"); code != ExitUsage || !strings.Contains(told, "--password-stdin") {
		t.Errorf("without one: %d %s", code, told)
	}
	var browsers struct{ Items []struct{ ID string } }
	if w.admin(&browsers, "browser", "list"); len(browsers.Items) != 1 {
		t.Fatalf("browsers %+v", browsers)
	}
	w.admin(nil, "browser", "end", "others")
	if got := p.api("GET", "/session", nil, nil); got != http.StatusUnauthorized {
		t.Errorf("a browser that was signed out: %d", got)
	}
	for _, what := range []string{"passkey", "identity", "factor"} {
		w.admin(&browsers, what, "list", "--account", "ken@example.org")
		if code, _, told := w.adminText("", what, "remove", "none", "--account", "ken@example.org"); code != ExitFailed || !strings.Contains(told, "no such thing") {
			t.Errorf("%s remove: %d %s", what, code, told)
		}
	}
	var audit struct {
		Items []struct{ Action, Via, Email string }
	}
	w.admin(&audit, "audit", "list", "--account", team.ID, "--limit", "1000")
	actions := ""
	for _, e := range audit.Items {
		actions += e.Action + " "
		if e.Via != "admin" || e.Email != "" {
			t.Errorf("record %+v", e)
		}
	}
	for _, want := range []string{"token.delete", "token.create", "team.rename", "team.invite"} {
		if !strings.Contains(actions, want) {
			t.Errorf("no %s in %s", want, actions)
		}
	}
}

// TestAdminLinks makes, changes, tests and deletes bridges, keys for pages, and a code for a device.
func TestAdminLinks(t *testing.T) {
	w := serveWorld(t)
	id, _ := w.instance()
	var bridge struct {
		ID, User    string
		HasPassword bool `json:"has_password"`
		Topics      []struct {
			Filter, Direction, Local string
			QoS                      int
		}
	}
	code, out, told := w.adminText("secret of a bridge\n", "bridge", "create", id, "--name", "up", "--address", "mqtts://localhost:1", "--user", "u", "--password-stdin",
		"--topic", `a/# in 1 here/`, "--topic", "b", "--json")
	if err := json.Unmarshal([]byte(out), &bridge); code != ExitOK || err != nil {
		t.Fatal(code, out, told, err)
	}
	if strings.Contains(out, "secret") || !bridge.HasPassword || len(bridge.Topics) != 2 || bridge.Topics[0].Direction != "in" || bridge.Topics[0].QoS != 1 || bridge.Topics[0].Local != "here/" || bridge.Topics[1].Direction != "out" {
		t.Errorf("bridge %s", out)
	}
	if code, out, told := w.adminText("", "bridge", "test", id, bridge.ID); code != ExitFailed || !strings.Contains(out, "false") || !strings.Contains(told, "does not get through") {
		t.Errorf("test %d %s %s", code, out, told)
	}
	if code, _, told := w.adminText("", "bridge", "set", id, bridge.ID, "--topic", "a/# sideways"); code != ExitUsage || !strings.Contains(told, "in, out or both") {
		t.Errorf("a wrong topic: %d %s", code, told)
	}
	w.admin(&bridge, "bridge", "set", id, bridge.ID, "--enabled=false", "--user", "v")
	if bridge.User != "v" || len(bridge.Topics) != 2 {
		t.Errorf("changed %+v", bridge)
	}
	w.admin(nil, "bridge", "state", id, bridge.ID)
	w.admin(nil, "bridge", "delete", id, bridge.ID)

	var key struct{ Key string }
	w.admin(&key, "page-key", "create", id, "--name", "web", "--origin", "https://example.org", "--subscribe", "a/#", "--connections", "5")
	w.admin(nil, "page-key", "delete", id, key.Key)
	var rule struct{ ID string }
	w.admin(&rule, "address", "create", id, "deny", "192.0.2.0/24", "--note", "n")
	w.admin(nil, "address", "set", id, rule.ID, "allow", "192.0.2.0/25")
	w.admin(nil, "address", "delete", id, rule.ID)
	w.admin(nil, "ban", "create", id, "203.0.113.7", "--minutes", "5")
	if _, out, _ := w.adminText("", "ban", "list", id); !strings.Contains(out, "203.0.113.7") {
		t.Errorf("bans\n%s", out)
	}
	w.admin(nil, "ban", "lift", id, "203.0.113.7")
	w.admin(nil, "guard", "set", id, "--connect-rate", "100", "--ban=false")
	var pairing struct{ Code, Command string }
	if w.admin(&pairing, "device", "pair", id, "pi"); pairing.Code == "" || !strings.Contains(pairing.Command, pairing.Code) {
		t.Errorf("pairing %+v", pairing)
	}
}
