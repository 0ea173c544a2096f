package flow_test

import (
	"errors"
	"testing"

	"tsunagi/internal/flow"
)

func TestContextOfTheEditor(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("c"), n("c", "change", "t", "d",
		"'rules':[{'t':'set','p':'a.b','pt':'flow','to':'[1,{}]','tot':'json'},{'t':'set','p':'x','pt':'global','to':'payload','tot':'msg'},{'t':'set','p':'m','pt':'flow','to':'{}','tot':'json'}]"), debugNode("d")))
	s.Settle("i", "d")
	tests := []struct {
		q    flow.ContextQuery
		want string
	}{
		{flow.ContextQuery{Scope: "global"}, `{"memory":{"x":{"msg":"hi","format":"string[2]"}}}`},
		{flow.ContextQuery{Scope: "flow", ID: "t"}, `{"memory":{"a":{"msg":"{\"b\":[1,{}]}","format":"Object"},"m":{"msg":"{}","format":"Object"}}}`},
		{flow.ContextQuery{Scope: "flow", ID: "t", KeysOnly: true}, `{"memory":{"keys":[{"key":"a"},{"key":"m"}]}}`},
		{flow.ContextQuery{Scope: "flow", ID: "t", Key: "a", KeysOnly: true}, `{"memory":{"keys":[{"key":"b","format":"array[2]","length":2}],"format":"object"}}`},
		{flow.ContextQuery{Scope: "flow", ID: "t", Key: "a.b[0]"}, `{"msg":"1","format":"number"}`},
		{flow.ContextQuery{Scope: "global", Key: "nothing"}, `{"msg":"(undefined)","format":"undefined"}`},
		{flow.ContextQuery{Scope: "node", ID: "c", Store: "memory"}, `{"memory":{}}`},
		{flow.ContextQuery{Scope: "node", ID: "nobody"}, `{}`},
	}
	for _, tt := range tests {
		if got, err := s.ReadContext(t.Context(), tt.q); err != nil || string(got) != tt.want {
			t.Errorf("%+v: %s, %v; want %s", tt.q, got, err, tt.want)
		}
	}
	if _, err := s.ReadContext(t.Context(), flow.ContextQuery{Scope: "global", Store: "file"}); !errors.Is(err, flow.ErrUnknownStore) {
		t.Error(err)
	}
	if err := s.DeleteContext(t.Context(), flow.ContextQuery{Scope: "flow", ID: "t", Key: "a.b[0]"}); err != nil {
		t.Error(err)
	}
	if got, _ := s.ReadContext(t.Context(), flow.ContextQuery{Scope: "flow", ID: "t", Key: "a"}); string(got) != `{"msg":"{\"b\":[{}]}","format":"Object"}` {
		t.Errorf("%s", got)
	}
}
