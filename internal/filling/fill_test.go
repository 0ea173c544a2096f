package filling

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func sample() *Message {
	return &Message{ID: "id-1", Type: "message", Time: time.Date(2026, 11, 23, 1, 2, 3, 4e6, time.UTC), Instance: "abcdefgh", Topic: "home/kitchen/temp",
		Payload: []byte(`{"t":21.50,"name":"a \"b\"","list":[{"v":true},null],"big":12345678901234567890}`), QoS: 1, Client: "c1", User: "u"}
}

func TestFill(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "plain", "": "", "{topic}": "home/kitchen/temp", "a/{topic[1]}/b": "a/kitchen/b", "{payload.t}": "21.50",
		"{payload.list[0].v}": "true", "{payload.list[1]}": "null", "{payload.big}": "12345678901234567890",
		`{"name":{payload.name|json},"q":{qos},"r":{retain}}`: `{"name":"a \"b\"","q":1,"r":false}`,
		"{unknown} { {} {topic":                               "{unknown} { {} {topic", "{time} {id} {type}": "2026-11-23T01:02:03.004Z id-1 message",
		"{{topic}}": "{home/kitchen/temp}", "{client}:{user}@{instance}{remote}{cause}": "c1:u@abcdefgh",
	} {
		tpl, err := Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if got, err := tpl.Fill(sample(), 1000); got != want || err != nil {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"{payload.none}", "{payload.t.x}", "{payload.list[2]}", "{payload[0]}", "{topic[3]}"} {
		tpl, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tpl.Fill(sample(), 1000); !errors.Is(err, ErrMissing) {
			t.Errorf("%q: %q, %v, want ErrMissing", text, got, err)
		}
	}
	for _, text := range []string{"{payload.}", "{payload..a}", "{topic.a}", "{topic[x]}", "{topic[0][1]}", "{qos.a}", "{payload[1}", "{payload[-1]}", "{payload[0]x}"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) takes it", text)
		}
	}
	tpl, _ := Parse("{payload}{payload}")
	if _, err := tpl.Fill(sample(), 100); err == nil {
		t.Error("a text longer than its bound")
	}
	binary := sample()
	binary.Payload = []byte{0xff}
	if _, err := tpl.Fill(binary, 100); !errors.Is(err, ErrMissing) {
		t.Errorf("bytes that are no text: %v", err)
	}
}

func TestCondition(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "payload.t > 21": true, "payload.t > 22": false, "{payload.t} <= 21.5": true, "payload.t = 21.5": true, "payload.t != 21.5": false,
		"payload.t >= 21.5": true, "payload.t < 0": false, "topic[1] = kitchen": true, `topic[1] == "kitchen"`: true, "topic[1] != kitchen": false,
		"payload contains kitchen": false, "topic contains kitchen": true, "payload.none = 1": false, "payload.none != 1": true, "payload.name > 1": false,
		"payload.list[0].v = true": true, "qos = 1": true, "retain = false": true, "payload.t ≥ 21.5": true, "payload.t≤21": false,
		"payload.t ≠ 21.5": false, "payload.t changed": true, "payload.none changed": false, "topic = changed": false, "payload.name contains \"a \\\"\"": true,
	} {
		c, err := ParseCondition(text)
		if err != nil {
			t.Errorf("ParseCondition(%q): %v", text, err)
			continue
		}
		if got := c.Holds(sample()); got != want {
			t.Errorf("%q holds: %v", text, got)
		}
	}
	for _, text := range []string{"payload", "nothing = 1", "payload.t >", "payload.t > x", `payload = "x`, "= 1", "payload..a = 1", "changed", "nothing changed", "payloadchanged"} {
		if _, err := ParseCondition(text); err == nil {
			t.Errorf("ParseCondition(%q) takes it", text)
		}
	}
	number := &Message{Payload: []byte(" 31 ")}
	if c, _ := ParseCondition("payload > 30"); !c.Holds(number) {
		t.Error("a payload that is a number isn't one")
	}
}

func FuzzFill(f *testing.F) {
	for _, s := range []string{"{payload.list[0].v}", "{topic[1]}", "{{topic}}", "payload.t > 1", "payload contains x", "{payload|json}"} {
		f.Add(s, `{"t":1,"list":[{"v":2}]}`)
	}
	f.Fuzz(func(t *testing.T, text, payload string) {
		m := &Message{Topic: "a/b", Payload: []byte(payload)}
		if tpl, err := Parse(text); err == nil {
			if s, err := tpl.Fill(m, 4096); err == nil && len(s) > 4096 {
				t.Errorf("%d bytes", len(s))
			}
			if !strings.Contains(text, "{") {
				if s, err := tpl.Fill(m, len(text)); s != text || err != nil {
					t.Errorf("%q became %q, %v", text, s, err)
				}
			}
		}
		if c, err := ParseCondition(text); err == nil {
			c.Holds(m)
		}
	})
}
