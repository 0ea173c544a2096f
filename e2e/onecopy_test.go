package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestOneStoredCopy publishes a large message that is owed to many absent sessions: the store grows by one copy of it,
// and every session gets it. Short: 500 sessions; with TORTURE_ROUNDS 10,000.
func TestOneStoredCopy(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	sessions := 500
	if os.Getenv("TORTURE_ROUNDS") != "" {
		sessions = 10_000
	}
	dir, addr := t.TempDir(), freeAddr(t)
	s := startDev(t, dir, addr)
	many(t, 64, sessions, func(_, i int) error {
		c, _, err := dial(addr, fmt.Sprint("away-", i), false)
		if err != nil {
			return err
		}
		defer c.Close()
		p := mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte("all"), QoS: 1}}}
		if _, err := c.Write(p.Append(nil, mqtt.V311)); err != nil {
			return err
		}
		_, err = c.read()
		return err
	})
	pub, _ := connect(t, addr, "pub", true)
	defer pub.Close()
	pub.store(t, "warm", "up", false)
	const size = 900_000
	before := stored(t, dir)
	pub.store(t, "all", strings.Repeat("x", size), false)
	grown := stored(t, dir) - before
	if grown > 2*size {
		t.Errorf("%d bytes more for one message of %d bytes owed to %d sessions", grown, size, sessions)
	}
	t.Logf("%d bytes more for one message of %d bytes owed to %d sessions", grown, size, sessions)
	s.kill()
	startDev(t, dir, addr)
	many(t, 8, min(sessions, 200), func(_, i int) error {
		c, present, err := dial(addr, fmt.Sprint("away-", i), false)
		if err != nil {
			return err
		}
		defer c.Close()
		f, err := c.read()
		var m mqtt.Publish
		if err != nil || !present || f.Type() != mqtt.PUBLISH || mqtt.DecodePublish(&m, f, mqtt.V311) != nil || len(m.Payload) != size {
			return fmt.Errorf("present %v, packet of type %d with %d bytes, %w", present, f.Type(), len(m.Payload), err)
		}
		return nil
	})
}

// stored is the size of the message store with its write-ahead log, in bytes.
func stored(t *testing.T, dir string) (sum int64) {
	t.Helper()
	for _, name := range []string{"messages.db", "messages.db-wal"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			sum += info.Size()
		}
	}
	return sum
}
