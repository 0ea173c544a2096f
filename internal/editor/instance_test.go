package editor

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// fakeInstances has one instance and remembers what was asked.
type fakeInstances struct{ asked []string }

func (f *fakeInstances) Instances(context.Context, string) ([]Instance, error) {
	return []Instance{{"i1", "home"}}, nil
}

func (f *fakeInstances) Credential(_ context.Context, _, instance string, topics []string) (Credential, error) {
	f.asked = append(topics, instance)
	if instance != "i1" {
		return Credential{}, errors.New("no such instance")
	}
	return Credential{"broker.example.com", 8883, "i1:flow-home", "secret"}, nil
}

func TestInstances(t *testing.T) {
	f := &fakeInstances{}
	w := newWorld(t, Options{Instances: f})
	w.get("/").wantPart(t, 200, `<script src="tsunagi/instance.js?v=`)
	w.get("/tsunagi/instance.js").wantPart(t, 200, "node-config-input-broker")
	w.get("/tsunagi/instances").want(t, 200, `[{"id":"i1","name":"home"}]`)
	post := func(body string) answer {
		return w.do("POST", "/tsunagi/instances", body)
	}
	post(`{"instance":"i1","topics":["a/#","b"]}`).want(t, 200, `{"host":"broker.example.com","port":8883,"user":"i1:flow-home","password":"secret"}`)
	if got := strings.Join(f.asked, " "); got != "a/# b i1" {
		t.Errorf("asked for %q", got)
	}
	post(`{"instance":"i2","topics":["a"]}`).wantPart(t, 502, "no such instance")
	post(`{"instance":"i1"}`).wantPart(t, 400, "Want an instance")
	post(`[]`).wantPart(t, 400, "")
}

func TestWithoutInstances(t *testing.T) {
	w := newWorld(t, Options{})
	if a := w.get("/"); strings.Contains(a.body, "instance.js") {
		t.Error("the page offers instances that there are not")
	}
	w.get("/tsunagi/instances").wantPart(t, 404, "")
	w.do("POST", "/tsunagi/instances", `{"instance":"i1","topics":["a"]}`).wantPart(t, 404, "")
}
