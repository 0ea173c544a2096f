package app

import (
	"net"
	"time"

	"tsunagi/internal/mqtt"
)

// until asks again and again until something is so.
func (p *person) until(good func() bool) {
	p.t.Helper()
	for end := time.Now().Add(30 * time.Second); !good(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("not within 30 s\n%s", p.w.log)
		}
	}
}

// client5 is an MQTT client of an instance's first user.
func (w *world) client5(instance, password, id string) net.Conn {
	w.t.Helper()
	c := w.dial(w.mqtts, w.tls("localhost"))
	if a, err := connect(c, mqtt.Connect{ClientID: []byte(id), User: []byte(instance), Password: []byte(password)}); err != nil || a.Reason != mqtt.Success {
		w.t.Fatalf("connect: %v %q, %v", a.Reason, a.ReasonString, err)
	}
	return c
}
