package app

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"tsunagi/internal/mqtt"
)

// ask sends one request as it stands and returns the first line of the answer.
func (w *world) ask(request string) string {
	w.t.Helper()
	c := w.dial(w.https, w.tls("localhost", "http/1.1"))
	defer c.Close()
	_, _ = io.WriteString(c, request) // the server may hang up in the middle
	text, _ := io.ReadAll(c)
	line, _, _ := strings.Cut(string(text), "\r\n")
	return line
}

// TestMailedLinksLeadHere is attack row 18: whatever name a request says that it was sent to, the links of the mails that
// it causes lead to the name of the settings, with its port.
func TestMailedLinksLeadHere(t *testing.T) {
	w := serveWorld(t)
	w.signIn("owner@example.org")
	port := w.https[strings.LastIndex(w.https, ":")+1:]
	send := func(target, host string, headers ...string) string {
		body := `{"email":"owner@example.org"}`
		return w.ask(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Browser/1\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n%s",
			target, host, len(body), strings.Join(append(headers, ""), "\r\n"), body))
	}
	const path = "/api/v1/password-reset"
	for _, tt := range []struct {
		name, target, host string
		headers            []string
		sent               bool
	}{
		{"another name", path, "evil.example", nil, false},
		{"another name in the target", "https://evil.example" + path, "localhost", nil, false},
		{"a name before an @", path, "localhost@evil.example", nil, false},
		{"a name below ours", path, "evil.example.localhost", nil, false},
		{"a port that isn't ours", path, "localhost:6666", nil, true},
		{"headers of proxies", path, "localhost:" + port, []string{"X-Forwarded-Host: evil.example", "X-Forwarded-Port: 6666", "X-Forwarded-Proto: http",
			"X-Original-Host: evil.example", "X-Host: evil.example", "Forwarded: host=evil.example;proto=http", "X-Original-URL: https://evil.example/"}, true},
	} {
		answer := send(tt.target, tt.host, tt.headers...)
		if sent := strings.Contains(answer, " 204"); sent != tt.sent {
			t.Errorf("%s: %q, sent should be %t", tt.name, answer, tt.sent)
		}
	}
	if code := w.stop(); code != ExitOK { // mails on their way are written before the end
		t.Errorf("exit code %d", code)
	}
	mails, err := filepath.Glob(filepath.Join(w.data, "mail", "*"))
	if err != nil || len(mails) < 2 {
		t.Fatalf("mails %q, %v; want one of each request that was let through", mails, err)
	}
	links := 0
	for _, name := range mails {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "evil") || strings.Contains(string(text), "6666") {
			t.Errorf("a mail says what the request made up:\n%s", text)
		}
		for _, link := range regexp.MustCompile(`https?://\S+`).FindAllString(string(text), -1) {
			links++
			if !strings.HasPrefix(link, "https://localhost:"+port) {
				t.Errorf("a link to %s", link)
			}
		}
	}
	if links < 2 {
		t.Errorf("%d links in %d mails", links, len(mails))
	}
}

// TestStrangersForgeNoLines is attack row 23: what strangers send over HTTP and MQTT stands in the server's log, and in
// the logs that the panel shows, follows and saves, in one line each and without control characters.
func TestStrangersForgeNoLines(t *testing.T) {
	w := serveWorld(t, "--log-level", "debug")
	p := w.signIn("owner@example.org")
	var in struct{ ID, Password string }
	if status := p.api("POST", "/instances", map[string]any{"name": "Home"}, &in); status != 201 {
		t.Fatal(status)
	}
	var first struct{ Password string }
	if status := p.api("POST", "/instances/"+in.ID+"/password/rotate", map[string]any{}, &first); status != 200 {
		t.Fatal(status)
	}
	const forged = "x\r\ntime=2026-01-01 level=ERROR msg=forged\x1b[31m\u2028\u202e\u0085y"
	escaped, _ := json.Marshal(forged + "@example.org")
	for _, body := range []string{fmt.Sprintf(`{"email":%s,"password":"x"}`, escaped), fmt.Sprintf(`{%s:1}`, escaped), forged} {
		for _, path := range []string{"/api/v1/session", "/api/v1/password-reset", "/api/v1/session%0d%0atime=1%20msg=forged%1b[31m"} {
			w.ask(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a\tb\u202e%%0a\x80\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
				path, len(body), body))
		}
	}
	w.ask("GET /\x1b[31m HTTP/1.1\r\nHost: localhost\r\n\r\n")
	w.ask("GET / HTTP/1.1\r\nHost: loc\x1balhost\r\n\r\n")
	for _, c := range []mqtt.Connect{
		{ClientID: []byte(forged), User: []byte(in.ID), Password: []byte("wrong")},
		{ClientID: []byte(forged), User: []byte(in.ID), Password: []byte(first.Password)},
		{ClientID: []byte("c"), User: []byte(in.ID + ":" + forged), Password: []byte("wrong")},
		{ClientID: []byte("c"), User: []byte(forged), Password: []byte("wrong")},
		{ClientID: []byte("=1+1"), User: []byte(in.ID + ":=cmd"), Password: []byte("wrong")},
	} {
		_, _ = connect(w.dial(w.mqtts, w.tls("localhost")), c) // let in or not, it is logged
	}
	p.api("POST", "/instances/"+in.ID+"/rules", map[string]any{"effect": "deny", "access": "both", "filter": "denied/#"}, nil)
	writer := w.client5(in.ID, first.Password, "writer")
	for _, topic := range []string{"denied/" + forged, "denied/\u202e=1+1"} {
		publish := mqtt.Publish{Topic: []byte(topic), QoS: 1, PacketID: 1}
		if _, err := writer.Write(publish.Append(nil, mqtt.V5)); err != nil {
			t.Fatal(err)
		}
		_, _ = readFrame(writer) // PUBACK with a reason, or the end for characters that no topic has
		writer = w.client5(in.ID, first.Password, "writer")
	}
	var list struct {
		Items []map[string]any
	}
	p.until(func() bool { // lines are stored behind what they tell of
		return p.api("GET", "/instances/"+in.ID+"/log?limit=1000", nil, &list) == 200 && len(list.Items) >= 6
	})
	clean := func(where, text string) {
		if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u202e' }); i >= 0 {
			t.Errorf("%s: %q", where, text)
		}
	}
	for _, path := range []string{"/instances/" + in.ID + "/log?limit=1000", "/log?limit=1000", "/audit?limit=1000"} {
		if status := p.api("GET", path, nil, &list); status != 200 || len(list.Items) == 0 {
			t.Errorf("%s: %d, %d lines", path, status, len(list.Items))
		}
		for _, line := range list.Items {
			for field, v := range line {
				clean(path+" "+field, fmt.Sprint(v))
			}
		}
	}
	for _, args := range [][]string{{"log", "show", in.ID}, {"log", "server"}, {"audit", "list"}} {
		var out, errOut strings.Builder
		if code := Run(t.Context(), append(append([]string{"admin"}, args...), "--data", w.data), Streams{In: strings.NewReader(""), Out: &out, Err: &errOut}); code != ExitOK {
			t.Errorf("admin %q: %d %s", args, code, errOut.String())
		}
		for line := range strings.SplitSeq(out.String(), "\n") {
			clean(strings.Join(args, " "), line)
			if strings.HasPrefix(line, "time=") {
				t.Errorf("admin %q: a forged line %q", args, line)
			}
		}
	}
	if code := w.stop(); code != ExitOK {
		t.Errorf("exit code %d", code)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(w.log.String()), "\n") {
		clean("the server's log", line)
		if !strings.HasPrefix(line, "time=") || strings.HasPrefix(line, "time=2026-01-01 ") || len(line) > 4096 {
			t.Errorf("a line of the log: %.300q", line)
		}
	}
}
