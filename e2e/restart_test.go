package e2e

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// TestRestartWithMuchToRemember makes many sessions that are away and are owed many messages, kills the server, and
// measures how long the next one takes until it accepts, and its memory against the first one's. Short: 2,000 sessions
// and 20,000 messages; with TORTURE_ROUNDS 100,000 and 1,000,000, and then it must accept within 5 seconds with no more
// than 1.2 times the memory.
func TestRestartWithMuchToRemember(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	sessions, messages := 2_000, 20_000
	long := os.Getenv("TORTURE_ROUNDS") != ""
	if long {
		sessions, messages = 100_000, 1_000_000
	}
	dir, addr := t.TempDir(), freeAddr(t)
	s := startDev(t, dir, addr)
	many(t, 64, sessions, func(worker, i int) error {
		c, _, err := dial(addr, fmt.Sprint("session-", i), false)
		if err != nil {
			return err
		}
		defer c.Close()
		// each tenth message is owed to ten sessions, the others to one
		filters := []mqtt.Subscription{{Filter: fmt.Appendf(nil, "own/%d", i), QoS: 1}, {Filter: fmt.Appendf(nil, "group/%d", i/10), QoS: 1}}
		p := mqtt.Subscribe{PacketID: 1, Filters: filters}
		if _, err := c.Write(p.Append(nil, mqtt.V311)); err != nil {
			return err
		}
		_, err = c.read()
		return err
	})
	publishers := make([]*client, 16)
	for w := range publishers {
		publishers[w], _ = connect(t, addr, fmt.Sprint("pub-", w), true)
	}
	many(t, len(publishers), messages/50, func(worker, n int) error {
		c := publishers[worker]
		var out []byte
		for k := range 50 {
			i := n*50 + k
			topic := fmt.Sprintf("own/%d", i%sessions)
			if i%10 == 0 {
				topic = fmt.Sprintf("group/%d", i%(sessions/10))
			}
			p := mqtt.Publish{QoS: 1, PacketID: uint16(k + 1), Topic: []byte(topic), Payload: fmt.Appendf(nil, "%-100d", i)}
			out = p.Append(out, mqtt.V311)
		}
		if _, err := c.Write(out); err != nil {
			return err
		}
		for range 50 {
			if f, err := c.read(); err != nil || f.Type() != mqtt.PUBACK {
				return fmt.Errorf("packet of type %d, %w", f.Type(), err)
			}
		}
		return nil
	})
	before := rss(t, s)
	s.kill()
	begun := time.Now()
	s = startDev(t, dir, addr)
	took := time.Since(begun)
	c, present := connect(t, addr, "session-7", false)
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	f, err := c.read()
	if !present || err != nil || f.Type() != mqtt.PUBLISH {
		t.Errorf("session present %v, packet of type %d, %v", present, f.Type(), err)
	}
	after := rss(t, s)
	t.Logf("%d sessions, %d messages: accepting after %v; memory %d MiB before, %d MiB after", sessions, messages, took.Round(time.Millisecond), before>>20, after>>20)
	if long && (took > 5*time.Second || after > before*12/10) {
		t.Errorf("want 5 seconds and 1.2 times the memory")
	}
}

// many runs f for the numbers below n on some workers.
func many(t *testing.T, workers, n int, f func(worker, i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				if err := f(w, i); err != nil {
					t.Errorf("%d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// rss is the memory of a server in bytes.
func rss(t *testing.T, s *server) int64 {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Skipf("skipped: memory can't be read here: %v", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
