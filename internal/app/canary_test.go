package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/config"
	"tsunagi/internal/mqtt"
)

// TestCanary is attack row 23: what strangers send can't forge lines or fill the log, and a password that was sent, in
// whatever way, is in no log and in no file.
func TestCanary(t *testing.T) {
	const canary = "canary-6f1d-of-a-password"
	w := serveWorld(t, "--log-level", "debug", "--metrics", "127.0.0.1:0")
	id, _ := w.instance()
	w.admin(nil, "login", "set", id, "--token", "--certificate", "accepted")
	evil := "x\r\nlevel=ERROR msg=forged\x1b[31m" + strings.Repeat("A", 60_000)
	token := "eyJhbGciOiJub25lIn0." + canary + ".x"
	for _, p := range []mqtt.Connect{
		{ClientID: []byte(evil), User: []byte(id), Password: []byte(canary)},
		{ClientID: []byte("c"), User: []byte(id + ":" + evil[:300]), Password: []byte(canary)},
		{ClientID: []byte("c"), User: []byte(evil[:300]), Password: []byte(canary)},
		{ClientID: []byte("c"), User: []byte(id), Password: []byte(token)},
		{ClientID: []byte("c"), User: []byte("web-client"), Password: []byte("tw1." + canary)},
	} {
		for _, open := range []func() net.Conn{
			func() net.Conn { return w.dial(w.mqtts, w.tls("localhost")) },
			func() net.Conn { return w.dial(w.mqtt, nil) },
			func() net.Conn { return w.socket("localhost", "/mqtt/"+id, nil) },
		} {
			if a, err := connect(open(), p); err == nil && a.Reason == mqtt.Success {
				t.Errorf("let in as %.40q", p.User)
			}
		}
	}
	raw := w.dial(w.mqtts, w.tls("localhost")) // a packet that breaks off behind the password
	fmt.Fprintf(raw, "\x10\x7f\x00\x04MQTT\x04\xc2\x00\x3c\x00\x01c\x00\x08%s\x00\x19%s", id, canary)
	raw.Close()
	if code := w.stop(); code != ExitOK {
		t.Errorf("exit code %d", code)
	}
	text := w.log.String()
	if strings.Contains(text, canary) {
		t.Error("the password is in the log")
	}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if !strings.HasPrefix(line, "time=") || strings.ContainsAny(line, "\r\x1b") || len(line) > 4096 {
			t.Errorf("a line of the log: %.200q", line)
		}
	}
	err := filepath.WalkDir(w.data, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		if bytes.Contains(b, []byte(canary)) {
			t.Errorf("the password is in %s", filepath.Base(name))
		}
		if bytes.Contains(b, []byte(strings.Repeat("A", 300))) {
			t.Errorf("a client id of 60,000 bytes is in %s", filepath.Base(name))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLogCuts(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var b buffer
		log := newLog(config.Log{Level: "info", Format: format}, &b)
		long := strings.Repeat("é", 200)
		log.Info("one", "text", long, "err", errors.New("bad\nthing "+long), "raw", []byte(long))
		if got := b.String(); strings.Count(got, "é") > 3*maxValue/2 || strings.Count(got, "\n") != 1 || strings.Count(got, "…") != 3 {
			t.Errorf("%s: %s", format, got)
		}
	}
}
