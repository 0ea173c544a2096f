package editor

import (
	"encoding/json"
	"testing"

	"tsunagi/internal/flow"
)

func TestMergeCredentials(t *testing.T) {
	kinds := (&fakeRuntime{}).CredentialKinds
	tests := []struct{ name, nodeType, stored, sent, want string }{
		{"a missing key stays", "mqtt-broker", `{"user":"u","password":"p"}`, `{"user":"v"}`, `{"password":"p","user":"v"}`},
		{"an unchanged password stays", "mqtt-broker", `{"password":"p"}`, `{"password":"__PWRD__"}`, `{"password":"p"}`},
		{"a mask is never stored", "mqtt-broker", ``, `{"password":"__PWRD__"}`, ``},
		{"blank deletes", "mqtt-broker", `{"user":"u","password":"p"}`, `{"user":"","password":" \t"}`, ``},
		{"null deletes", "mqtt-broker", `{"user":"u"}`, `{"user":null}`, ``},
		{"unknown keys are ignored", "mqtt-broker", ``, `{"token":"x"}`, ``},
		{"nothing sent, nothing changed", "mqtt-broker", `{"user":"u"}`, ``, `{"user":"u"}`},
		{"credentials that are no object change nothing", "mqtt-broker", `{"user":"u"}`, `[1]`, `{"user":"u"}`},
		{"a type without definition takes any key", "strange", `{"a":"1"}`, `{"b":2}`, `{"a":"1","b":2}`},
		{"a subflow loses what is missing", "subflow:x", `{"a":"1","b":"2"}`, `{"b":"__PWRD__"}`, `{"b":"2"}`},
		{"a tab keeps what is missing", "tab", `{"a":"1"}`, `{"b":"2"}`, `{"a":"1","b":"2"}`},
		{"global-config", "global-config", `{"map":{"a":"1","has_a":true,"gone":"x"}}`, `{"map":{"a":"__PWRD__","has_a":true,"b":"2","c":" "}}`,
			`{"map":{"a":"1","b":"2","has_a":true,"has_b":true}}`},
		{"global-config emptied", "global-config", `{"map":{"a":"1"}}`, `{"map":{}}`, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old := flow.Credentials{"gone": {"k": json.RawMessage(`"v"`)}}
			if tt.stored != "" {
				old["n"] = decode(t, tt.stored)
			}
			before, _ := json.Marshal(old)
			node := flow.RawNode{ID: "n", Type: tt.nodeType}
			if tt.sent != "" {
				node.Credentials = json.RawMessage(tt.sent)
			}
			got := mergeCredentials(&flow.File{Nodes: []flow.RawNode{node}}, old, kinds)
			want := `{}`
			if tt.want != "" {
				want = `{"n":` + tt.want + `}`
			}
			if text, _ := json.Marshal(got); string(text) != want {
				t.Errorf("merged %s, want %s", text, want)
			}
			if after, _ := json.Marshal(old); string(after) != string(before) {
				t.Errorf("the stored ones were changed to %s", after)
			}
		})
	}
}

func decode(t *testing.T, text string) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestGetCredentials(t *testing.T) {
	w := newWorld(t, Options{})
	revOf(t, w.deploy(`{"flows":[{"id":"b","type":"mqtt-broker","credentials":{"user":"anna","password":"hidden"}},
		{"id":"s","type":"subflow:x","credentials":{"key":"hidden"}},
		{"id":"g","type":"global-config","credentials":{"map":{"v":"hidden","has_v":true}}}]}`))
	w.get("/credentials/mqtt-broker/b").want(t, 200, `{"has_password":true,"user":"anna"}`)
	w.get("/credentials/mqtt-broker/none").want(t, 200, `{}`)
	w.get("/credentials/subflow:x/s").want(t, 200, `{"has_key":true}`)
	w.get("/credentials/global-config/g").want(t, 200, `{"map":{"has_v":true}}`)
	w.get("/credentials/mqtt-in/b").want(t, 200, `{}`)
	w.get("/credentials/unknown-type/b").want(t, 200, `{}`)
}
