package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/app"
	"tsunagi/internal/cli"
)

// startDev runs "serve --dev" and returns its addresses for -L.
func startDev(t *testing.T) (mqttURL, wsURL string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, w := io.Pipe()
	dir := t.TempDir()
	ended := make(chan int, 1)
	go func() { // ends with ctx
		n := app.Run(ctx, []string{"serve", "--dev", "--data", dir, "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0"},
			app.Streams{In: strings.NewReader(""), Out: w, Err: t.Output()})
		w.Close()
		ended <- n
	}()
	t.Cleanup(func() {
		cancel()
		await(t, ended)
	})
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "ready"; {
		for _, word := range strings.Fields(lines.Text()) {
			if strings.HasPrefix(word, "mqtt://") {
				mqttURL = word
			}
			if strings.HasPrefix(word, "ws://") {
				wsURL = word
			}
		}
	}
	if mqttURL == "" || wsURL == "" {
		t.Fatal("serve --dev did not start")
	}
	go io.Copy(io.Discard, out) // ends when Run has ended
	return mqttURL, wsURL
}

func await[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
		panic("not reached")
	}
}

// What pub sends, sub prints, in every version and over both transports, from our own broker. The message is retained, so
// that pub can come first; a QoS 0 message is surely kept when a later one has been acknowledged.
func TestOnOurBroker(t *testing.T) {
	tcp, ws := startDev(t)
	for _, url := range []string{tcp, ws} {
		for _, version := range []string{"31", "311", "5"} {
			for _, qos := range []string{"0", "1", "2"} {
				topic := "own/" + version + qos + url[:2]
				where := []string{"-L", url, "-t", topic, "-V", version, "-q", qos, "-i", "c" + qos}
				var out, errOut bytes.Buffer
				if n := cli.Pub(t.Context(), append(where, "-m", "hello", "-r"), nil, &out, &errOut); n != cli.ExitOK {
					t.Fatalf("pub to %s, version %s, QoS %s: code %d, %s", url, version, qos, n, errOut.String())
				}
				if n := cli.Pub(t.Context(), []string{"-L", url, "-t", "own/later", "-q", "1", "-r", "-n"}, nil, &out, &errOut); n != cli.ExitOK {
					t.Fatalf("pub: code %d, %s", n, errOut.String())
				}
				if n := cli.Sub(t.Context(), append(where, "-C", "1", "-W", "10", "-v"), nil, &out, &errOut); n != cli.ExitOK ||
					out.String() != topic+" hello\n" {
					t.Errorf("sub to %s, version %s, QoS %s: code %d, %q, %s", url, version, qos, n, out.String(), errOut.String())
				}
			}
		}
	}
}

// A session of -c gets what came while sub was away, and only what was printed is gone from it.
func TestSessionOnOurBroker(t *testing.T) {
	url, _ := startDev(t)
	sub := func(args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		n := cli.Sub(t.Context(), append([]string{"-L", url, "-t", "kept", "-q", "1", "-i", "away", "-c", "-W", "10"}, args...), nil, &out, &errOut)
		if n != cli.ExitOK {
			t.Fatalf("sub: code %d, %s", n, errOut.String())
		}
		return out.String()
	}
	sub("-E")
	var errOut bytes.Buffer
	if n := cli.Pub(t.Context(), []string{"-L", url, "-t", "kept", "-q", "1", "-l"}, strings.NewReader("one\ntwo\nthree\n"), io.Discard, &errOut); n != cli.ExitOK {
		t.Fatalf("pub: code %d, %s", n, errOut.String())
	}
	if got := sub("-C", "1") + sub("-C", "2"); got != "one\ntwo\nthree\n" {
		t.Errorf("got %q", got)
	}
}
