package broker

import (
	"fmt"
	"testing"

	"tsunagi/internal/mqtt"
)

func TestBrowseRetained(t *testing.T) {
	r := newRig(t, Limits{})
	p := r.simple("pub")
	for i := range 30 {
		q := msg(fmt.Sprintf("a/%02d", i), fmt.Sprint("v", i), 1, uint16(i+1))
		q.Retain = true
		p.pub(q)
		p.wantAck(mqtt.PUBACK, uint16(i+1))
	}
	var names []string
	for after := ""; ; {
		page, err := r.b.Browse("#", "", after, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page {
			names = append(names, m.Topic)
			if m.Publisher != "pub" || len(m.Payload) == 0 || m.QoS != 1 {
				t.Errorf("%+v", m)
			}
		}
		if len(page) < 7 {
			break
		}
		after = page[6].Topic
	}
	if len(names) != 30 || names[0] != "a/00" || names[29] != "a/29" {
		t.Errorf("pages %v", names)
	}
	if some, _ := r.b.Browse("a/+", "/1", "", 100); len(some) != 10 {
		t.Errorf("%d topics with /1", len(some))
	}
	if n, _ := r.b.CountRetained("a/#", 1000); n != 30 {
		t.Errorf("%d counted", n)
	}
	s := r.simple("sub")
	s.sub("a/05", 1)
	s.wantPublish()
	if n, err := r.b.ClearRetained(t.Context(), "a/#", 10); err != nil || n != 10 {
		t.Errorf("cleared %d, %v", n, err)
	}
	if got := s.wantPublish(); len(got.Payload) != 0 {
		t.Errorf("subscriber saw %q", got.Payload)
	}
	if n, _ := r.b.CountRetained("#", 1000); n != 20 {
		t.Errorf("%d left", n)
	}
	if _, err := r.b.Browse("a/#/b", "", "", 1); err == nil {
		t.Error("a wrong filter passes")
	}
	r = r.restart()
	if n, _ := r.b.CountRetained("#", 1000); n != 20 {
		t.Errorf("%d after a restart", n)
	}
}

func TestForget(t *testing.T) {
	r := newRig(t, Limits{})
	p, _ := r.connect(persistentPacket("a", mqtt.V5))
	p.sub("x", 1)
	if r.b.Forget("nobody", "words") {
		t.Error("forgot nobody")
	}
	if !r.b.Forget("a", "words") {
		t.Error("a connected session wasn't found")
	}
	if _, ack := r.connect(persistentPacket("a", mqtt.V5)); ack.SessionPresent {
		t.Error("the session of the connected client is there yet")
	}
	q, _ := r.connect(persistentPacket("b", mqtt.V5))
	q.sub("x", 1)
	q.gone()
	if !r.b.Forget("b", "words") {
		t.Error("a session that is away wasn't found")
	}
	r = r.restart()
	for _, c := range r.b.Clients() {
		if c.ID == "b" {
			t.Error("the session came back after a restart")
		}
	}
}
