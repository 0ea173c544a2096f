package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// login is an instance's first user.
type login struct{ ID, User, Password string }

func (l login) connect(t *testing.T, addr, id string, clean bool) (*client, bool) {
	t.Helper()
	c, present, err := dialWith(addr, mqtt.Connect{Version: mqtt.V311, Clean: clean, ClientID: []byte(id), ReceiveMaximum: 65535,
		HasUser: true, User: []byte(l.User), HasPassword: true, Password: []byte(l.Password)})
	if err != nil {
		t.Fatalf("CONNECT of %q: %v", id, err)
	}
	_ = c.SetDeadline(time.Now().Add(60 * time.Second))
	return c, present
}

// admin runs `tsunagi admin` with --json and decodes what it prints.
func admin(t *testing.T, dir string, out any, args ...string) {
	t.Helper()
	code, text := runBinary(t, append(append([]string{"admin"}, args...), "--data", dir, "--json")...)
	if code != 0 {
		t.Fatalf("admin %v: %s", args, text)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			t.Fatalf("admin %v printed %q: %v", args, text, err)
		}
	}
}

// newInstance makes the owner and an instance.
func newInstance(t *testing.T, dir string) (l login) {
	t.Helper()
	admin(t, dir, nil, "account", "create", "--email", "owner@example.org")
	admin(t, dir, &l, "instance", "create", "--name", "Home")
	return l
}

// TestBackupAndRestore makes a backup of a server that goes on taking messages, and starts another from it in an empty
// directory: logins, sessions with what is owed to them, and retained messages are those of the first.
func TestBackupAndRestore(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir, addr := filepath.Join(t.TempDir(), "data"), freeAddr(t)
	s := startCloud(t, dir, addr)
	l := newInstance(t, dir)
	const before = 30
	c := fillStore(t, l, addr, before)
	done := make(chan struct{})
	published := make(chan int)
	go func() { // messages go on meanwhile
		for n := before; ; n++ {
			select {
			case <-done:
				published <- n
				return
			default:
				c.store(t, "owed/x", fmt.Sprint(n), false)
			}
		}
	}()
	file := filepath.Join(t.TempDir(), "tsunagi.tar")
	code, text := runBinary(t, "backup", file, "--data", dir)
	close(done)
	total := <-published
	if info, err := os.Stat(file); code != 0 || err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("backup: %d %s %v", code, text, err)
	}
	if code, text := runBinary(t, "backup", file, "--data", dir); code != 1 || !strings.Contains(text, "is there already") {
		t.Errorf("a second backup to the same file: %d %s", code, text)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".backup-*"))
	if len(left) > 0 {
		t.Errorf("the backup leaves %v behind", left)
	}
	s.kill()

	refusedRestores(t, file)
	again := filepath.Join(t.TempDir(), "new", "data")
	if code, text := runBinary(t, "restore", file, "--data", again); code != 0 {
		t.Fatalf("restore: %d %s", code, text)
	}
	checkRestored(t, l, again, before, total)

	offline := filepath.Join(t.TempDir(), "offline.tar") // of a directory that a killed server left
	if code, text := runBinary(t, "backup", offline, "--data", dir); code != 0 {
		t.Fatalf("backup without a server: %d %s", code, text)
	}
	again = t.TempDir()
	if code, text := runBinary(t, "restore", offline, "--data", again); code != 0 {
		t.Fatalf("restore: %d %s", code, text)
	}
	checkRestored(t, l, again, total, total)
}

// fillStore leaves a session that is away and is owed messages, and as many retained ones.
func fillStore(t *testing.T, l login, addr string, messages int) *client {
	t.Helper()
	away, _ := l.connect(t, addr, "away", false)
	away.subscribe(t, "owed/#", 1)
	away.Close()
	c, _ := l.connect(t, addr, "publisher", true)
	for i := range messages {
		c.store(t, "owed/x", fmt.Sprint(i), false)
		c.store(t, fmt.Sprint("kept/", i), fmt.Sprint("value ", i), true)
	}
	return c
}

// store publishes with QoS 1 and waits for the acknowledgement.
func (c *client) store(t *testing.T, topic, payload string, retain bool) {
	t.Helper()
	p := mqtt.Publish{QoS: 1, Retain: retain, Topic: []byte(topic), PacketID: 1, Payload: []byte(payload)}
	if _, err := c.Write(p.Append(nil, mqtt.V311)); err != nil {
		t.Error(err)
		return
	}
	if f, err := c.read(); err != nil || f.Type() != mqtt.PUBACK {
		t.Errorf("publish to %s: packet of type %d, %v", topic, f.Type(), err)
	}
}

// checkRestored starts a server on a restored directory: between least and most messages are owed, without a gap.
func checkRestored(t *testing.T, l login, dir string, least, most int) {
	t.Helper()
	addr := freeAddr(t)
	s := startCloud(t, dir, addr)
	defer s.kill()
	last, _ := l.connect(t, addr, "last", true)
	last.store(t, "owed/x", "end", false)
	last.Close()
	c, present := l.connect(t, addr, "away", false)
	defer c.Close()
	if !present {
		t.Fatal("the session is not in the backup")
	}
	n := 0
	for ; ; n++ {
		var m mqtt.Publish
		f, err := c.read()
		if err != nil || f.Type() != mqtt.PUBLISH || mqtt.DecodePublish(&m, f, mqtt.V311) != nil {
			t.Fatalf("packet of type %d, %v", f.Type(), err)
		}
		if err := c.ack(mqtt.PUBACK, m.PacketID); err != nil {
			t.Fatal(err)
		}
		if string(m.Payload) == "end" {
			break
		}
		if string(m.Payload) != fmt.Sprint(n) {
			t.Fatalf("message %q, want %d", m.Payload, n)
		}
	}
	if n < least || n > most {
		t.Errorf("%d messages are owed, want %d to %d", n, least, most)
	}
	reader, _ := l.connect(t, addr, "reader", true)
	defer reader.Close()
	for i := range fixtureMessages {
		if got := reader.retained(t, fmt.Sprint("kept/", i)); got != fmt.Sprint("value ", i) {
			t.Errorf("retained message %d is %q", i, got)
		}
	}
}

// refusedRestores tries what must not be restored; nothing is written then.
func refusedRestores(t *testing.T, file string) {
	t.Helper()
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	try := func(name string, content []byte, want string) {
		t.Helper()
		bad := filepath.Join(t.TempDir(), "bad.tar")
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "data")
		code, text := runBinary(t, "restore", bad, "--data", dir)
		if code != 1 || !strings.Contains(text, want) || strings.Contains(text, "goroutine") {
			t.Errorf("%s: %d %s, want %q", name, code, text, want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: something was written", name)
		}
	}
	try("foreign file", []byte(strings.Repeat("hello ", 1000)), "no whole backup")
	try("empty file", nil, "no whole backup")
	try("cut file", good[:len(good)/2], "no whole backup")
	random := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		damaged := append([]byte(nil), good...)
		at := 2048 + random.IntN(len(good)/2)
		damaged[at] ^= 0x40
		if damaged[at]&0xBF == 0 && at%512 > 400 { // perhaps padding: not part of any file
			continue
		}
		try(fmt.Sprint("byte ", at, " changed"), damaged, "no whole backup")
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "old"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, text := runBinary(t, "restore", file, "--data", full); code != 1 || !strings.Contains(text, "not empty") {
		t.Errorf("restore into a directory with something in it: %d %s", code, text)
	}
	half := t.TempDir()
	if err := os.Mkdir(filepath.Join(half, ".restoring"), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, text := runBinary(t, "serve", "--data", half, "--mqtt", "off", "--mqtts", "off", "--https", "off", "--http", "off"); code != 3 || !strings.Contains(text, "restore has not ended") {
		t.Errorf("start in a directory whose restore broke off: %d %s", code, text)
	}
	if code, _ := runBinary(t, "backup", filepath.Join(t.TempDir(), "b"), "--data", t.TempDir()); code != 3 {
		t.Errorf("backup of an empty directory: exit code %d, want 3", code)
	}
}
