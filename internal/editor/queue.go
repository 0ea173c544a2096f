package editor

import (
	"strconv"
	"strings"
	"time"
)

// push queues an item. A reader that is too slow gets no debug messages for a while, then only the last status of a
// node, and in the end loses the connection. The caller has the lock.
func (b *browser) push(it *item) {
	switch {
	case it.topic == "debug":
		if b.debug >= maxDebug || b.bytes+len(it.text) > maxQueued/2 {
			b.dropped++
			return
		}
		b.debug++
	case len(b.queue) >= squeezeFrom && strings.HasPrefix(it.topic, "status/"):
		for i, old := range b.queue {
			if old.topic == it.topic {
				b.bytes += len(it.text) - len(old.text)
				b.queue[i] = it
				return
			}
		}
	}
	if len(b.queue) >= maxQueue || b.bytes+len(it.text) > maxQueued {
		b.stop()
		return
	}
	b.queue = append(b.queue, it)
	b.bytes += len(it.text)
	b.poke()
}

// take removes from the queue what goes into the next frame.
func (b *browser) take() (control [][]byte, batch []*item, out bool) {
	b.comms.mu.Lock()
	defer b.comms.mu.Unlock()
	control, b.control = b.control, nil
	n := min(len(b.queue), batchItems)
	batch = b.queue[:n:n]
	if b.queue = b.queue[n:]; len(b.queue) == 0 {
		b.queue = nil
	}
	for _, it := range batch {
		b.bytes -= len(it.text)
		if it.topic == "debug" {
			b.debug--
		}
	}
	if b.dropped > 0 && b.debug == 0 {
		batch = append(batch, droppedItem(b.dropped))
		b.dropped = 0
	}
	if len(b.queue) > 0 {
		b.poke()
	}
	return control, batch, b.out
}

// droppedItem is a line in the debug sidebar in place of messages that came too fast.
func droppedItem(n int) *item {
	it, _ := newItem("debug", object{ // strings and numbers
		"id": "", "path": "", "name": "Tsunagi", "topic": "", "level": 30, "format": "string",
		"msg":       strconv.Itoa(n) + " debug messages came faster than this browser could take them, and were left out.",
		"timestamp": time.Now().UnixMilli(),
	})
	return it
}
