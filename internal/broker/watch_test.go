package broker

import (
	"errors"
	"fmt"
	"testing"

	"tsunagi/internal/mqtt"
)

func TestWatch(t *testing.T) {
	r := newRig(t, Limits{})
	pub, _ := r.connectAs(connectPacket("esp", mqtt.V5), Identity{User: "garden"})
	old := msg("garden/old", "before", 1, 1)
	old.Retain = true
	pub.pub(old)
	pub.wantAck(mqtt.PUBACK, 1)
	w, err := r.b.Watch("garden/#")
	if err != nil {
		t.Fatal(err)
	}
	var run []byte
	for i := range 3 {
		m := msg("garden/a", fmt.Sprint("run ", i), 0, 0)
		run = m.Append(run, mqtt.V5)
	}
	pub.must(run)
	kept := msg("garden/kept", "on", 1, 2)
	kept.Retain = true
	pub.pub(kept)
	pub.wantAck(mqtt.PUBACK, 2)
	pub.pub(msg("house/a", "elsewhere", 0, 0))
	pub.pub(msg("garden/long", string(make([]byte, 5000)), 0, 0))
	got := map[string]WatchedTopic{}
	list, over, more := w.Take()
	for _, one := range list {
		got[one.Topic] = one
	}
	if len(got) != 4 || over != 0 || more {
		t.Fatalf("%d topics, %d over, more %v: %+v", len(got), over, more, got)
	}
	if o := got["garden/old"]; string(o.Payload) != "before" || !o.Kept || o.Messages != 0 || o.Publisher != "esp" || o.User != "garden" || !o.At.IsZero() {
		t.Errorf("retained before: %+v", o)
	}
	if o := got["garden/a"]; string(o.Payload) != "run 2" || o.Messages != 3 || o.Kept || o.Publisher != "esp" || o.User != "garden" || o.At.IsZero() {
		t.Errorf("a run: %+v", o)
	}
	if o := got["garden/kept"]; string(o.Payload) != "on" || o.Messages != 1 || !o.Kept || o.QoS != 1 || o.Publisher != "esp" {
		t.Errorf("retained now: %+v", o)
	}
	if o := got["garden/long"]; len(o.Payload) != watchPayload || o.Size != 5000 {
		t.Errorf("a long one: %d of %d bytes", len(o.Payload), o.Size)
	}
	if list, _, _ := w.Take(); len(list) != 0 {
		t.Errorf("nothing has changed, but %+v", list)
	}
	kept.Payload, kept.PacketID = nil, 3
	pub.pub(kept)
	pub.wantAck(mqtt.PUBACK, 3)
	if list, _, _ := w.Take(); len(list) != 1 || list[0].Kept || list[0].Messages != 2 {
		t.Errorf("cleared: %+v", list)
	}
	for range maxWatches - 1 {
		more, err := r.b.Watch("#")
		if err != nil {
			t.Fatal(err)
		}
		defer more.Close()
	}
	if _, err := r.b.Watch("#"); !errors.Is(err, ErrWatched) {
		t.Errorf("one too many: %v", err)
	}
	w.Close()
	again, err := r.b.Watch("#")
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// TestWatchBounds floods a watch with topics.
func TestWatchBounds(t *testing.T) {
	r := newRig(t, Limits{})
	pub := r.simple("pub")
	w, err := r.b.Watch("#")
	if err != nil {
		t.Fatal(err)
	}
	var buf []byte
	for i := range watchTopics + 100 {
		m := msg(fmt.Sprint("t/", i), "x", 0, 0)
		buf = m.Append(buf, mqtt.V5)
	}
	pub.must(buf)
	n, over := 0, uint64(0)
	for more := true; more; {
		var list []WatchedTopic
		list, over, more = w.Take()
		if len(list) > watchNews {
			t.Errorf("%d at once", len(list))
		}
		n += len(list)
	}
	if n != watchTopics || over != 100 {
		t.Errorf("%d topics and %d messages over", n, over)
	}
	w.Close()
	if r.b.watches.Load() != nil {
		t.Error("nobody watches, but it still costs")
	}
}
