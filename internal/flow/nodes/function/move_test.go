package function

import (
	"testing"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// TestMove: a move at once leaves what Node-RED's steps leave, keys in the same order.
func TestMove(t *testing.T) {
	const message = `{"topic":"t","payload":{"a":1,"b":{"c":[1,2,{"d":3}]},"e":null},"x":{"y":2},"key":"a"}`
	n := &change{b: &flow.Base{}}
	for _, tt := range []struct{ message, p, to string }{
		{message, "payload.a", "room"},
		{message, "payload.a", "payload.z"},
		{message, "payload", "payload.a"},
		{message, "payload.b.c[2].d", "x.y"},
		{message, "payload.b", "topic"},
		{message, "payload[msg.key]", "key"},
		{message, "x", "new.deep[1].er"},
		{message, "topic", "topic"},
		{message, "missing", "topic"},
		{message, "missing.more", "x"},
		{message, "payload.e.f", "x"},
		{message, "payload.e", "x"},
		{`{"_temp_move":5,"a":1}`, "a", "b"},
		{`{"_temp_move":5}`, "a.b", "c"},
		{`{"a":1}`, "a", "_temp_move"},
	} {
		steps, err := n.compileMove(tt.p, "msg", tt.to, "msg")
		if err != nil {
			t.Fatal(err)
		}
		slow := steps
		if steps[0].op == "move" {
			slow = steps[0].instead
		}
		run := func(steps []step) string {
			v, err := value.ParseString(tt.message)
			if err != nil {
				t.Fatal(err)
			}
			m := flow.MsgOf(v.Map())
			kept := m.Clone()
			for i := range steps {
				n.run(&steps[i], m)
			}
			if now := value.JSON(kept.Root().Value()); now != tt.message {
				t.Errorf("move %s to %s changes a clone: %s", tt.p, tt.to, now)
			}
			return value.JSON(m.Root().Value())
		}
		if fast, want := run(steps), run(slow); fast != want {
			t.Errorf("move %s to %s of %s leaves %s, want %s", tt.p, tt.to, tt.message, fast, want)
		}
	}
}

func TestTemplateTextsAreJoined(t *testing.T) {
	m, err := compileMustache("a b\n {{! no trace }} \n c{{#x}} d e {{/x}}f g")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.tokens) != 3 || len(m.tokens[1].inner) != 1 {
		t.Errorf("%d tokens, %d of them in the section: want 3 and 1", len(m.tokens), len(m.tokens[1].inner))
	}
	text, err := renderMustache(m, flow.NewMsg("x", true))
	if want := "a b\n c d e f g"; err != nil || text != want {
		t.Errorf("rendered %q, %v, want %q", text, err, want)
	}
}
