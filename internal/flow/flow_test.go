package flow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes"
	"tsunagi/internal/flow/value"
)

// server is a runtime under test with what it showed.
type server struct {
	t *testing.T
	r *flow.Runtime

	mu     sync.Mutex
	events []flow.Event
	more   chan struct{}
	taken  int
	file   *flow.File
}

// probe is a node type for tests: it sends on, fails, panics or keeps what it gets.
type probe struct {
	s    *server
	b    *flow.Base
	mode string
	n    int
}

func (p *probe) Receive(m *flow.Msg) {
	switch p.mode {
	case "fail":
		p.b.Done(m, flow.Text("no luck"))
		return
	case "throw":
		p.b.Done(m, flow.NewError("thrown"))
		return
	case "panic":
		panic("out of order")
	case "count":
		p.n++
		m.Set("n", value.Int(p.n))
	case "many":
		p.b.SendAll([]*flow.Msg{m, m}, []*flow.Msg{flow.NewMsg("second", true)})
		p.b.Done(m, nil)
		return
	case "status":
		p.b.Status(flow.Status{Fill: "green", Text: m.Get("payload").Text()})
	}
	if m.Has("mark") {
		m.Set("mark", value.Str(m.Get("mark").Str()+p.b.Name()))
	}
	p.b.Send(m)
	p.b.Done(m, nil)
}

func start(t *testing.T) *server {
	s := &server{t: t, more: make(chan struct{}, 1)}
	types := append(nodes.All(), flow.Type{Name: "probe", New: func(b *flow.Base, c flow.Config) (flow.Node, error) {
		if c.Str("mode") == "refuse" {
			return nil, c.Refuse("mode", "refuse")
		}
		return &probe{s: s, b: b, mode: c.Str("mode")}, nil
	}})
	s.r = flow.New(flow.Options{Nodes: types, Events: s.event, Env: func(k string) (string, bool) {
		return "from outside", k == "OUTSIDE"
	}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *server) event(e flow.Event) {
	s.mu.Lock()
	s.events = append(s.events, e)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// deploy deploys a flow file written as JSON; single quotes stand for double ones.
func (s *server) deploy(typ flow.DeployType, text string) {
	s.t.Helper()
	f, err := flow.ParseFile([]byte(strings.ReplaceAll(text, "'", `"`)))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.r.Deploy(s.t.Context(), f, nil, typ); err != nil {
		s.t.Fatal(err)
	}
}

// next returns the next event of a topic, as text, that was not looked at yet.
func (s *server) next(topic string) string {
	s.t.Helper()
	limit := time.After(5 * time.Second)
	for {
		s.mu.Lock()
		for s.taken < len(s.events) {
			e := s.events[s.taken]
			s.taken++
			if strings.HasPrefix(e.Topic, topic) {
				s.mu.Unlock()
				return text(e)
			}
		}
		s.mu.Unlock()
		select {
		case <-s.more:
		case <-limit:
			s.t.Fatalf("no event %q; there were %s", topic, s.all())
		}
	}
}

func text(e flow.Event) string {
	raw, err := json.Marshal(e.Data)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func (s *server) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, e := range s.events {
		fmt.Fprintf(&b, "\n  %s %s", e.Topic, text(e))
	}
	return b.String()
}

// debug returns the next debug message.
func (s *server) debug() map[string]any {
	s.t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s.next("debug")), &m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// shown returns the message of the next debug message.
func (s *server) shown() string {
	s.t.Helper()
	m := s.debug()
	text, _ := m["msg"].(string)
	return text
}

// inject presses a button, with properties as JSON.
func (s *server) inject(id, props string) {
	s.t.Helper()
	var body []byte
	if props != "" {
		body = []byte(`{"__user_inject_props__":` + strings.ReplaceAll(props, "'", `"`) + `}`)
	}
	if err := s.r.Inject(s.t.Context(), id, body); err != nil {
		s.t.Fatal(err)
	}
}

func TestInjectToDebug(t *testing.T) {
	s := start(t)
	s.deploy(flow.DeployFull, `[
		{'id':'tab','type':'tab','label':'Flow 1'},
		{'id':'i','z':'tab','type':'inject','x':1,'y':1,'props':[{'p':'payload'},{'p':'topic','vt':'str'}],'topic':'t1','payload':'hi','payloadType':'str','wires':[['d']]},
		{'id':'d','z':'tab','type':'debug','name':'out','x':1,'y':1,'active':true,'tosidebar':true,'complete':'payload','wires':[]}]`)
	if got, want := s.next("notification/runtime-state"), `{"deploy":true,"state":"start"}`; got != want {
		t.Errorf("state %s, want %s", got, want)
	}
	s.next("notification/runtime-deploy")
	s.inject("i", "")
	want := map[string]any{"id": "d", "z": "tab", "path": "tab", "name": "out", "topic": "t1", "property": "payload", "msg": "hi", "format": "string[2]"}
	if got := s.debug(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("debug %v, want %v", got, want)
	}
	if err := s.r.Inject(t.Context(), "nobody", nil); err != flow.ErrUnknownNode {
		t.Errorf("inject into nobody: %v", err)
	}
}
