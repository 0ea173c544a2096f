package e2e

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

const (
	publishers = 16
	window     = 8   // unacknowledged messages of one publisher
	perRound   = 800 // acknowledgements before the kill
)

// TestKillLosesNothingAcknowledged kills the server while 16 publishers send QoS 1 to a persistent session that is
// away. After each restart the session gets every message that was acknowledged, in the order of its publisher.
// TORTURE_ROUNDS asks for more than the ten rounds.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	rounds := 10
	if n, err := strconv.Atoi(os.Getenv("TORTURE_ROUNDS")); err == nil && n > 0 {
		rounds = n
	}
	dir, addr := t.TempDir(), freeAddr(t)
	s := startDev(t, dir, addr)
	away, _ := connect(t, addr, "away", false)
	away.subscribe(t, "kill/#", 1)
	away.Close()

	total := 0
	for round := range rounds {
		acked := publishUntilKilled(t, s, round)
		s = startDev(t, dir, addr)
		total += collect(t, addr, round, acked)
	}
	t.Logf("%d acknowledged messages over %d kills, none missing", total, rounds)
}

// publishUntilKilled lets all publishers run until enough was acknowledged, kills the server under them, and returns
// for each publisher how many of its messages, from the first on, were acknowledged.
func publishUntilKilled(t *testing.T, s *server, round int) [publishers]int {
	var acked [publishers]int
	var all atomic.Int64
	enough := make(chan struct{})
	var wg sync.WaitGroup
	for p := range publishers {
		c, _ := connect(t, s.addr, fmt.Sprintf("pub-%d", p), true)
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer c.Close()
			acked[p] = c.publishWindowed(round, p, func() {
				if all.Add(1) == perRound {
					close(enough)
				}
			})
		}()
	}
	select {
	case <-enough:
	case <-time.After(60 * time.Second):
		t.Errorf("round %d: only %d acknowledgements in a minute:\n%s", round, all.Load(), s.printed())
	}
	s.kill()
	wg.Wait()
	return acked
}

// publishWindowed sends numbered messages until the connection dies, and returns how many were acknowledged.
// Acknowledgements come in the order of the messages [MQTT-4.6.0-2], so their number is also the last one's.
func (c *client) publishWindowed(round, p int, onAck func()) int {
	sent, acked := 0, 0
	for {
		for sent < acked+window {
			sent++
			if c.publish(fmt.Sprintf("kill/%d", p), uint16(sent%60000+1), fmt.Sprintf("%d %d %d", round, p, sent)) != nil {
				return acked
			}
		}
		f, err := c.read()
		if err != nil {
			return acked
		}
		var a mqtt.Ack
		if f.Type() != mqtt.PUBACK || mqtt.DecodeAck(&a, f, mqtt.V311) != nil || a.PacketID != uint16((acked+1)%60000+1) {
			panic(fmt.Sprintf("publisher %d: packet % x instead of the PUBACK of message %d", p, f.Body, acked+1))
		}
		acked++
		onAck()
	}
}

// collect connects the session that was away and reads until it has every acknowledged message of the round.
func collect(t *testing.T, addr string, round int, acked [publishers]int) int {
	t.Helper()
	c, present := connect(t, addr, "away", false)
	if !present {
		t.Fatalf("round %d: the session is gone", round)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	var seen [publishers]int
	missing := func() (n int) {
		for p := range publishers {
			n += max(0, acked[p]-seen[p])
		}
		return n
	}
	for missing() > 0 {
		f, err := c.read()
		if err != nil {
			t.Fatalf("round %d: %d acknowledged messages are missing (%v); seen %v of %v", round, missing(), err, seen, acked)
		}
		if f.Type() != mqtt.PUBLISH {
			continue
		}
		var m mqtt.Publish
		if err := mqtt.DecodePublish(&m, f, mqtt.V311); err != nil {
			t.Fatal(err)
		}
		note(t, round, &seen, string(m.Payload))
		ack := mqtt.Ack{Type: mqtt.PUBACK, PacketID: m.PacketID}
		if _, err := c.Write(ack.Append(nil, mqtt.V311)); err != nil {
			t.Fatal(err)
		}
	}
	total := 0
	for _, n := range acked {
		total += n
	}
	return total
}

// note counts one message that arrived. One seen before may come again; a gap may not be.
func note(t *testing.T, round int, seen *[publishers]int, payload string) {
	t.Helper()
	var r, p, n int
	if _, err := fmt.Sscanf(payload, "%d %d %d", &r, &p, &n); err != nil {
		t.Fatalf("payload %q: %v", payload, err)
	}
	if r < round {
		return // sent before an earlier kill, delivered again
	}
	if n > seen[p]+1 {
		t.Fatalf("round %d: publisher %d: message %d came after %d", round, p, n, seen[p])
	}
	seen[p] = max(seen[p], n)
}
