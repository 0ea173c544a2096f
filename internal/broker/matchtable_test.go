package broker

import (
	"bytes"
	"fmt"
	"testing"

	"tsunagi/internal/mqtt"
)

func TestMatchTable(t *testing.T) {
	const n = 3 * mostSlots
	var k matchTable
	known := make([]*match, n)
	name := func(i int) string { return fmt.Sprint("building/", i%7, "/sensor/", i) }
	for i := range known {
		known[i] = &match{topic: name(i)}
		if i%1000 == 0 {
			known[i].receivers = make([]receiver, 2000)
		}
		k.put(known[i])
		if m, _, _ := k.get(name(i)); m != known[i] {
			t.Fatalf("%s is not there when it has been put", name(i))
		}
		if k.bytes > matchCacheBytes+largeMatch {
			t.Fatalf("%d bytes after %d matches", k.bytes, i+1)
		}
	}
	have, bytes, missing, refused := 0, 0, 0, 0
	for i := range known {
		m, _, full := k.get(name(i))
		if m == nil {
			missing++
			if full {
				refused++
			}
			continue
		}
		if m != known[i] {
			t.Fatalf("%s is the match of %s", name(i), m.topic)
		}
		have++
		bytes += m.size()
	}
	if have != k.count || bytes != k.bytes || have < mostSlots/4 || len(k.slots) > mostSlots {
		t.Errorf("%d matches of %d bytes in %d slots, counted %d of %d", have, bytes, len(k.slots), k.count, k.bytes)
	}
	if refused < missing/2 {
		t.Errorf("a full table has room for %d of %d more", missing-refused, missing)
	}
	again := &match{topic: known[n-1].topic}
	if k.put(again); k.bytes != bytes-known[n-1].size()+again.size() || k.count != have {
		t.Error("a topic is there twice")
	}
	k.put(&match{topic: "crowd", receivers: make([]receiver, matchCacheBytes/32)})
	if m, _, _ := k.get("crowd"); m != nil {
		t.Error("one match takes half of the cache")
	}
}

// TestMatchTableMarks sees topics once and then again.
func TestMatchTableMarks(t *testing.T) {
	var k matchTable
	for i := range 3 * mostSlots {
		name := fmt.Sprint("once/", i)
		k.mark(name)
		if m, seen, _ := k.get(name); m != nil || !seen {
			t.Fatalf("%s is marked: %v %v", name, m, seen)
		}
	}
	if k.bytes != 0 || k.count > len(k.slots) || len(k.slots) > mostSlots {
		t.Errorf("%d marks in %d slots of %d bytes", k.count, len(k.slots), k.bytes)
	}
	m := &match{topic: fmt.Sprint("once/", 3*mostSlots-1)}
	before := k.count
	k.put(m)
	if have, _, _ := k.get(m.topic); have != m || k.count != before || k.bytes != m.size() {
		t.Error("a match doesn't take the place of its mark")
	}
	k.mark(m.topic) // two who ask at the same time
	if _, seen, _ := k.get(m.topic); !seen || k.bytes != 0 || k.count != before {
		t.Error("a mark doesn't take the place of its match")
	}
}

// TestUncachedTopics has more topics in use than the cache holds: each message goes where it must, and costs no more memory
// than its topic's name.
func TestUncachedTopics(t *testing.T) {
	r := newRig(t, Limits{})
	pub, one, all := r.sink("p", mqtt.V5, false), r.sink("one", mqtt.V5, false), r.sink("all", mqtt.V311, false)
	const n = 2 * mostSlots
	all.sub(t, "t/+/x", 0)
	one.sub(t, fmt.Sprintf("t/%07d/x", n-1), 0)
	topics := packets(n, mqtt.V5, func(i int) string { return fmt.Sprintf("t/%07d/x", i) }, 0)
	var turn Turn
	size := len(topics) / n
	send := func(list []byte) {
		before := all.bytes
		pub.handle(t, &turn, list)
		if got, want := all.bytes-before, len(list)/size*(size-1); got != want { // 3.1.1 has no properties
			t.Fatalf("%d bytes arrived, want %d", got, want)
		}
		if pub.c.memo.m == &turn.match {
			t.Fatal("a client keeps a turn's match")
		}
	}
	for range 2 {
		for at := 0; at < len(topics); at += 64 * size {
			send(topics[at : at+64*size])
		}
	}
	if r.b.cache.table.bytes > matchCacheBytes {
		t.Errorf("the cache holds %d bytes", r.b.cache.table.bytes)
	}
	if one.bytes == 0 || one.bytes >= all.bytes/1000 {
		t.Errorf("the last topic's own receiver has %d bytes", one.bytes)
	}
	at := 0
	if each := testing.AllocsPerRun(100, func() {
		pub.handle(t, &turn, topics[at:at+64*size])
		at += 64 * size
	}) / 64; !raceEnabled && each > 1.5 {
		t.Errorf("%.1f allocations a message", each)
	}
	// Two of the same topic at QoS 1 in a row, uncached: the second goes by the memo.
	for i := range 100 {
		p := mqtt.Publish{Topic: fmt.Appendf(nil, "t/%07d/x", i), QoS: 1, PacketID: 1, Payload: bytes.Repeat([]byte("y"), 9)}
		two := p.Append(nil, mqtt.V5)
		p.PacketID = 2
		before := all.bytes
		pub.handle(t, &turn, p.Append(two, mqtt.V5))
		if all.bytes == before || pub.c.memo.m == &turn.match {
			t.Fatal("two messages of one topic go wrong")
		}
	}
}
