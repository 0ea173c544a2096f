package app

import (
	"bytes"
	"fmt"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestPublishedByHTTPArrives: what HTTP says of a message, a client of MQTT 5 gets; a batch comes in its order.
func TestPublishedByHTTPArrives(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	var in struct{ ID string }
	p.api("POST", "/instances", map[string]any{"name": "x"}, &in)
	at := "/instances/" + in.ID
	var secret struct{ Password string }
	p.api("POST", at+"/password/rotate", nil, &secret)
	c := w.client5(in.ID, secret.Password, "reader")
	sub := mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte("#"), QoS: 0}}}
	if _, err := c.Write(sub.Append(nil, mqtt.V5)); err != nil {
		t.Fatal(err)
	}
	if f, err := readFrame(c); err != nil || f.Type() != mqtt.SUBACK {
		t.Fatal(f.Type(), err)
	}
	next := func() mqtt.Publish {
		t.Helper()
		f, err := readFrame(c)
		var m mqtt.Publish
		if err == nil {
			err = mqtt.DecodePublish(&m, f, mqtt.V5)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if status := p.api("POST", at+"/publish", map[string]any{"topic": "a", "payload": "/wA=", "encoding": "base64", "qos": 1, "retain": true, "expiry": 600,
		"content_type": "text/x", "response_topic": "reply/a", "correlation": "AP8=", "properties": map[string]string{"b": "2", "a": "いち"}}, nil); status != 200 {
		t.Fatal(status)
	}
	m := next()
	user := mqtt.AppendUserProperty(mqtt.AppendUserProperty(nil, "a", "いち"), "b", "2")
	if string(m.Topic) != "a" || !bytes.Equal(m.Payload, []byte{0xff, 0}) || !m.Props.HasExpiry || m.Props.Expiry > 600 || m.Props.Expiry < 500 || string(m.Props.ContentType) != "text/x" ||
		string(m.Props.ResponseTopic) != "reply/a" || !bytes.Equal(m.Props.Correlation, []byte{0, 0xff}) || !bytes.Equal(m.Props.User, user) {
		t.Errorf("%+v", m)
	}
	batch := []any{}
	for n := range 100 {
		batch = append(batch, map[string]any{"topic": fmt.Sprint("n/", n), "payload": "x"})
	}
	var out struct{ Published int }
	if status := p.api("POST", at+"/publish/batch", map[string]any{"messages": batch}, &out); status != 200 || out.Published != 100 {
		t.Fatal(status, out)
	}
	for n := range 100 {
		if m := next(); string(m.Topic) != fmt.Sprint("n/", n) || len(m.Props.User) > 0 || m.Props.HasExpiry {
			t.Fatalf("message %d is %+v", n, m)
		}
	}
	batch[99] = map[string]any{"topic": "#", "payload": "x"}
	var bad struct {
		Errors []struct{ Location string }
	}
	if status := p.api("POST", at+"/publish/batch", map[string]any{"messages": batch}, &bad); status != 422 || len(bad.Errors) != 1 || bad.Errors[0].Location != "body.messages[99].topic" {
		t.Errorf("%d %+v", status, bad)
	}
	if status := p.api("POST", at+"/publish", map[string]any{"topic": "last", "payload": ""}, nil); status != 200 {
		t.Fatal(status)
	}
	if m := next(); string(m.Topic) != "last" { // nothing of the batch with the fault
		t.Errorf("%s came", m.Topic)
	}
}
