package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

func TestPub(t *testing.T) {
	file := filepath.Join(t.TempDir(), "payload")
	if err := os.WriteFile(file, []byte("from file"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, in string
		args     []string
		want     []string // topic, QoS, retain, payload
	}{
		{"-m", "", []string{"-t", "a", "-m", "hello"}, []string{"a 0 false hello"}},
		{"-n", "", []string{"-t", "a", "-n", "-r"}, []string{"a 0 true "}},
		{"-f", "", []string{"-t", "a", "-f", file, "-q", "1"}, []string{"a 1 false from file"}},
		{"-s", "all\nof it\n", []string{"-t", "a", "-s"}, []string{"a 0 false all\nof it\n"}},
		{"-l", "one\n\ntwo", []string{"-t", "a", "-l", "-q", "1"}, []string{"a 1 false one", "a 1 false ", "a 1 false two"}},
		{"--repeat", "", []string{"-t", "a", "-m", "x", "--repeat", "2", "--repeat-delay", "0.01"}, []string{"a 0 false x", "a 0 false x"}},
		{"empty -m", "", []string{"-t", "a", "-m", ""}, []string{"a 0 false "}},
		{"3.1", "", []string{"-t", "a", "-m", "x", "-V", "31"}, []string{"a 0 false x"}},
		{"3.1.1", "", []string{"-t", "a", "-m", "x", "-V", "mqttv311", "-q", "1"}, []string{"a 1 false x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHub(t)
			r := runPub(h, tt.in, tt.args...)
			if r.code != ExitOK || r.err != "" {
				t.Fatalf("%+v", r)
			}
			if !await(t, h.polite) {
				t.Error("no DISCONNECT")
			}
			var got []string
			_, published, _ := h.seen()
			for _, m := range published {
				got = append(got, fmt.Sprintf("%s %d %v %s", m.Topic, m.QoS, m.Retain, m.Payload))
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("published %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPubManyLines(t *testing.T) {
	h := newHub(t)
	var in strings.Builder
	for i := range 5000 {
		fmt.Fprintln(&in, i)
	}
	if r := runPub(h, in.String(), "-t", "a", "-l", "-q", "1"); r.code != ExitOK {
		t.Fatalf("%+v", r)
	}
	_, published, _ := h.seen()
	for i, m := range published {
		if string(m.Payload) != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, m.Payload)
		}
	}
	if len(published) != 5000 {
		t.Errorf("%d of 5000 lines arrived", len(published))
	}
}

func TestPubOptionsReachTheBroker(t *testing.T) {
	t.Setenv("TSUNAGI_PASSWORD", "from env")
	h := newHub(t)
	r := runPub(h, "", "-t", "a", "-m", "x", "-u", "home:me", "-i", "id", "-c", "-k", "9", "--content-type", "text/plain",
		"--response-topic", "r", "--correlation", "c", "--expiry", "7", "--user-property", "k=v=w", "--will-topic", "w",
		"--will-payload", "bye", "--will-qos", "1", "--will-retain")
	if r.code != ExitOK {
		t.Fatalf("%+v", r)
	}
	connects, published, _ := h.seen()
	c, m := connects[0], published[0]
	if string(c.User) != "home:me" || string(c.Password) != "from env" || string(c.ClientID) != "id" || c.Clean ||
		c.KeepAlive != 9 || c.SessionExpiry != mqtt.SessionForever || c.Version != mqtt.V5 {
		t.Errorf("%+v", c)
	}
	if w := c.Will; w == nil || string(w.Topic) != "w" || string(w.Payload) != "bye" || w.QoS != 1 || !w.Retain {
		t.Errorf("%+v", w)
	}
	p := m.Props
	if string(p.ContentType) != "text/plain" || string(p.ResponseTopic) != "r" || string(p.Correlation) != "c" || p.Expiry != 7 {
		t.Errorf("%+v", p)
	}
	for k, v := range p.UserPairs() {
		if k != "k" || v != "v=w" {
			t.Errorf("user property %s=%s", k, v)
		}
	}
	runPub(h, "", "-t", "a", "-m", "x", "-u", "u", "-P", "given")
	connects, _, _ = h.seen()
	if c := connects[1]; string(c.Password) != "given" || !c.Clean {
		t.Errorf("%+v", c)
	}
}

func TestPubURL(t *testing.T) {
	h := newHub(t)
	var out, errOut bytes.Buffer
	n := Pub(context.Background(), []string{"-L", "mqtt://me:secret@" + h.ln.Addr().String() + "/a/b", "-m", "x"}, nil, &out, &errOut)
	connects, published, _ := h.seen()
	if n != ExitOK || string(published[0].Topic) != "a/b" || string(connects[0].Password) != "secret" {
		t.Errorf("%d, %s", n, errOut.String())
	}
}

func TestPubFallsBackTo311(t *testing.T) {
	h := newHub(t)
	h.only311 = true
	if r := runPub(h, "", "-t", "a", "-m", "x", "-d"); r.code != ExitOK || !strings.Contains(r.err, "trying 3.1.1") {
		t.Errorf("%+v", r)
	}
	if r := runPub(h, "", "-t", "a", "-m", "x", "-V", "5"); r.code != ExitRefused {
		t.Errorf("%+v", r)
	}
}

func TestPubFailures(t *testing.T) {
	h := newHub(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, free, _ := net.SplitHostPort(ln.Addr().String())
	ln.Close()
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no topic", []string{"-m", "x"}, ExitUsage, "topic is missing"},
		{"no payload", []string{"-t", "a"}, ExitUsage, "-m, -f, -s, -l or -n"},
		{"two payloads", []string{"-t", "a", "-m", "x", "-n"}, ExitUsage, "-m, -f, -s, -l or -n"},
		{"wildcard", []string{"-t", "a/#", "-m", "x"}, ExitUsage, "for subscriptions"},
		{"QoS 3", []string{"-t", "a", "-m", "x", "-q", "3"}, ExitUsage, "want 0, 1 or 2"},
		{"unknown option", []string{"--nonsense"}, ExitUsage, "--nonsense"},
		{"argument", []string{"-t", "a", "hello"}, ExitUsage, "-m"},
		{"version", []string{"-t", "a", "-m", "x", "-V", "4"}, ExitUsage, "want 31, 311 or 5"},
		{"-c without -i", []string{"-t", "a", "-m", "x", "-c"}, ExitUsage, "-i"},
		{"no such file", []string{"-t", "a", "-f", "/no/such"}, ExitUsage, "/no/such"},
		{"no such CA", []string{"-t", "a", "-m", "x", "--cafile", "/no/such"}, ExitUsage, "--cafile"},
		{"insecure without TLS", []string{"-t", "a", "-m", "x", "--insecure"}, ExitUsage, "need TLS"},
		{"user property", []string{"-t", "a", "-m", "x", "--user-property", "k"}, ExitUsage, "name=value"},
		{"URL and host", []string{"-L", "mqtt://h/t", "-m", "x"}, ExitUsage, "leave out --host"},
		{"topic with U+0000", []string{"-t", "a\x00", "-m", "x"}, ExitUsage, "U+0000"},
		{"port", []string{"-t", "a", "-m", "x", "-p", "70000"}, ExitUsage, "1 to 65535"},
		{"nobody there", []string{"-t", "a", "-m", "x", "-p", free}, ExitFailed, "Nothing listens there"},
		{"wrong password", []string{"-t", "a", "-m", "x", "-u", "nobody"}, ExitRefused, "Check -u and -P"},
		{"denied topic", []string{"-t", "denied", "-m", "x", "-q", "1"}, ExitRefused, `not authorized ("no rule")`},
		{"TLS to a plain port", []string{"-t", "a", "-m", "x", "--tls"}, ExitFailed, "TLS with"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := runPub(h, "", tt.args...)
			if r.code != tt.code || !strings.Contains(r.err, tt.want) {
				t.Errorf("code %d, %q; want %d, %q", r.code, r.err, tt.code, tt.want)
			}
			if r := runPub(h, "", append(tt.args, "--quiet")...); r.err != "" && tt.name != "unknown option" {
				t.Errorf("--quiet prints %q", r.err)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	for name, f := range map[string]func(context.Context, []string, io.Reader, io.Writer, io.Writer) int{"pub": Pub, "sub": Sub} {
		var out, errOut bytes.Buffer
		if n := f(context.Background(), []string{"--help"}, nil, &out, &errOut); n != ExitOK || errOut.Len() > 0 {
			t.Errorf("%s: %d, %s", name, n, errOut.String())
		}
		for _, want := range []string{"Usage: tsunagi " + name, "--cafile", "TSUNAGI_PASSWORD", "Exit codes", "Examples"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the help of %s lacks %q", name, want)
			}
		}
	}
}

func TestPubInterrupted(t *testing.T) {
	h := newHub(t)
	ctx, cancel := context.WithCancel(context.Background())
	in, feed := io.Pipe()
	defer feed.Close()
	done := make(chan int, 1)
	go func() {
		done <- Pub(ctx, h.where("-t", "a", "-m", "x", "--repeat", "2", "--repeat-delay", "1000"), in, io.Discard, io.Discard)
	}()
	await(t, h.arrived)
	cancel()
	if n := await(t, done); n != ExitInterrupted {
		t.Errorf("exit code %d", n)
	}
	if !await(t, h.polite) {
		t.Error("no DISCONNECT")
	}
}
