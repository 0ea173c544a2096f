package conformance

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/app"
)

func init() { startOwn = startAll }

var every = flag.Bool("every", false, "our own broker over every transport, cut in every way [some of them]")

// startAll runs "serve --dev" for plain TCP and WebSocket, and "serve" as it is installed, with its login, for the rest.
func startAll(t *testing.T) []Target {
	dev := serve(t, "--dev", "--data", t.TempDir(), "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0")
	plain := Target{Addr: dev["mqtt"], Timeout: ownPatience()}
	ws := plain
	ws.Addr, ws.WebSocket, ws.Able = dev["ws"], "/mqtt", []string{"ws"}
	secure, web := startCloud(t)
	list := []Target{plain, plain.cut(Bytes), secure.cut(Odd), web.cut(Bytes), web.cut(Merged)}
	if *every {
		list = append(list, plain.cut(Merged), plain.cut(Odd), secure, secure.cut(Bytes), secure.cut(Merged),
			ws, ws.cut(Odd), web, web.cut(Odd))
	}
	return list
}

// ownPatience is longer than for a broker that is only tested: ours shares the machine with other tests, and checks
// passwords in a way that is slow on purpose.
func ownPatience() time.Duration { return max(*patience, 30*time.Second) }

// cut is the same target with another slicing.
func (t Target) cut(s Slicing) Target {
	t.Slicing = s
	return t
}

// serve runs the program in this process until the test ends, and returns its addresses by their schemes.
func serve(t *testing.T, args ...string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, w := io.Pipe()
	ended := make(chan int, 1)
	go func() { // ends with ctx
		n := app.Run(ctx, append([]string{"serve"}, args...), app.Streams{In: strings.NewReader(""), Out: w, Err: t.Output()})
		w.Close()
		ended <- n
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case n := <-ended:
			if n != 0 {
				t.Errorf("serve ended with code %d", n)
			}
		case <-time.After(time.Minute):
			t.Error("serve does not end")
		}
	})
	addrs, ready := map[string]string{}, false
	lines := bufio.NewScanner(out)
	for !ready && lines.Scan() {
		for _, word := range strings.Fields(lines.Text()) {
			if scheme, rest, ok := strings.Cut(word, "://"); ok {
				addrs[scheme], _, _ = strings.Cut(rest, "/")
			}
		}
		ready = lines.Text() == "ready"
	}
	if !ready {
		t.Fatal("serve did not start")
	}
	go io.Copy(io.Discard, out) // ends when Run has ended
	return addrs
}

const cloudSettings = `
domain = "localhost"
[connect]
per_address = 2000
[[plans]]
id = "test"
name = "Test"
default = true
instances = 2
connections = 5000
web_connections = 5
flow_servers = 1
flow_memory_mb = 64
max_packet = 1048576
queue_messages = 100000
queue_bytes = 67108864
retained_messages = 10000
subscriptions = 1000
users = 100
`

// startCloud makes an instance with a user who may do all but what the ability "acl" excludes.
func startCloud(t *testing.T) (secure, web Target) {
	t.Helper()
	dir := t.TempDir()
	settings := filepath.Join(dir, "tsunagi.toml")
	if err := os.WriteFile(settings, []byte(cloudSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	addrs := serve(t, "--config", settings, "--data", data, "--mqtts", "127.0.0.1:0", "--https", "127.0.0.1:0", "--mqtt", "off", "--http", "off")
	admin := func(in string, args ...string) map[string]any {
		var out, errs bytes.Buffer
		if n := app.Run(t.Context(), append([]string{"admin"}, append(args, "--data", data, "--json")...),
			app.Streams{In: strings.NewReader(in), Out: &out, Err: &errs}); n != 0 {
			t.Fatalf("admin %v: %s", args, errs.String())
		}
		var answer map[string]any
		if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
			t.Fatalf("admin %v: %v in %s", args, err, out.String())
		}
		return answer
	}
	admin("a long pass phrase for the test\n", "account", "create", "--email", "owner@example.org", "--password-stdin")
	id, _ := admin("", "instance", "create", "--name", "Conformance")["id"].(string)
	const secret = "conformance password"
	admin(secret+"\n", "user", "create", id, "tester", "--password-stdin")
	admin("", "rule", "create", id, "allow", "both", "#", "--user", "tester")
	admin("", "rule", "create", id, "allow", "subscribe", "$SYS/#", "--user", "tester")
	admin("", "rule", "create", id, "deny", "both", "+/denied/#", "--user", "tester")
	pem, err := os.ReadFile(filepath.Join(data, "ca", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	secure = Target{Addr: addrs["mqtts"], TLS: &tls.Config{RootCAs: pool}, User: id + ":tester", Password: secret,
		Timeout: ownPatience(), Able: []string{"acl", "login"}}
	web = secure
	web.Addr, web.WebSocket, web.Able = addrs["wss"], "/mqtt", []string{"acl", "login", "ws"}
	return secure, web
}
