// Package flowtest runs flows in tests: it deploys flow files, presses inject buttons and
// looks at what the debug sidebar and the status lines would show.
package flowtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/flow"
)

// patience is how long a test waits for something to happen.
const patience = 10 * time.Second

// Server is a runtime under test, with everything it showed.
type Server struct {
	*flow.Runtime
	t   *testing.T
	end context.CancelFunc
	ran chan error

	mu     sync.Mutex
	events []flow.Event
	taken  map[int]bool
	change chan struct{} // closed at the next event
	log    bytes.Buffer
}

// Start runs a runtime with the node types until the test ends.
func Start(t *testing.T, types []flow.Type, change ...func(*flow.Options)) *Server {
	t.Helper()
	s := &Server{t: t, taken: map[int]bool{}, change: make(chan struct{}), ran: make(chan error, 1)}
	o := flow.Options{Nodes: types, Events: s.event, Log: slog.New(slog.NewTextHandler(locked{s}, nil))}
	for _, f := range change {
		f(&o)
	}
	s.Runtime = flow.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	go func() { s.ran <- s.Run(ctx) }()
	t.Cleanup(s.Stop)
	return s
}

// Stop ends the runtime and waits for it.
func (s *Server) Stop() {
	s.end()
	select {
	case err := <-s.ran:
		if err != nil {
			s.t.Error(err)
		}
		s.ran <- nil
	case <-time.After(2 * patience):
		s.t.Error("the runtime does not end")
	}
}

type locked struct{ s *Server }

func (l locked) Write(p []byte) (int, error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	return l.s.log.Write(p)
}

// Logged is the log so far.
func (s *Server) Logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func (s *Server) event(e flow.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	close(s.change)
	s.change = make(chan struct{})
}

// File parses a flow file in which single quotes stand for double ones.
func (s *Server) File(text string) *flow.File {
	s.t.Helper()
	f, err := flow.ParseFile([]byte(strings.ReplaceAll(text, "'", `"`)))
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// Load deploys a flow file with credentials: node, key and value in turn. As in File, single
// quotes stand for double ones.
func (s *Server) Load(typ flow.DeployType, text string, credentials ...string) {
	s.t.Helper()
	c := flow.Credentials{}
	for i := 0; i+2 < len(credentials); i += 3 {
		if c[credentials[i]] == nil {
			c[credentials[i]] = map[string]json.RawMessage{}
		}
		c[credentials[i]][credentials[i+1]], _ = json.Marshal(credentials[i+2])
	}
	if err := s.Deploy(s.t.Context(), s.File(text), c, typ); err != nil {
		s.t.Fatal(err)
	}
}

// Press presses an inject button; props is the list of properties in JSON with single
// quotes, or "".
func (s *Server) Press(id, props string) {
	s.t.Helper()
	var body []byte
	if props != "" {
		body = []byte(`{"__user_inject_props__":` + strings.ReplaceAll(props, "'", `"`) + `}`)
	}
	if err := s.Inject(s.t.Context(), id, body); err != nil {
		s.t.Fatalf("inject %s: %v", id, err)
	}
}

// Next waits for the next event whose topic begins so, and returns its data as JSON.
func (s *Server) Next(topic string) string {
	s.t.Helper()
	return s.wait(topic, func(string) bool { return true })
}

// Until waits for an event of the topic whose JSON holds a text; those before it are passed.
func (s *Server) Until(topic, text string) string {
	s.t.Helper()
	return s.wait(topic, func(data string) bool { return strings.Contains(data, text) })
}

func (s *Server) wait(topic string, ok func(string) bool) string {
	s.t.Helper()
	limit := time.After(patience)
	for {
		s.mu.Lock()
		for i, e := range s.events {
			if s.taken[i] || !strings.HasPrefix(e.Topic, topic) {
				continue
			}
			s.taken[i] = true
			if data := Text(e); ok(data) {
				s.mu.Unlock()
				return data
			}
		}
		change := s.change
		s.mu.Unlock()
		select {
		case <-change:
		case <-limit:
			s.t.Fatalf("no such event of %q; there were%s\nlog:\n%s", topic, s.All(), s.Logged())
		}
	}
}

// Text is the data of an event as JSON.
func Text(e flow.Event) string {
	raw, err := json.Marshal(e.Data)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// All lists every event.
func (s *Server) All() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, e := range s.events {
		fmt.Fprintf(&b, "\n  %s %s", e.Topic, Text(e))
	}
	return b.String()
}

// Debug returns the next message of the debug sidebar.
func (s *Server) Debug() map[string]any {
	s.t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s.Next("debug")), &m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// Shown returns name and text of the next messages of the sidebar, as "name text".
func (s *Server) Shown(n int) (out []string) {
	s.t.Helper()
	for range n {
		m := s.Debug()
		name, _ := m["name"].(string)
		out = append(out, fmt.Sprint(name, " ", m["msg"]))
	}
	return out
}

// Quiet fails the test if an event of the topic is there that was not looked at.
func (s *Server) Quiet(topic string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range s.events {
		if !s.taken[i] && strings.HasPrefix(e.Topic, topic) {
			s.t.Errorf("unexpected %s %s", e.Topic, Text(e))
		}
	}
}

// Settle waits until everything that was injected before has run: a message goes through
// its own inject and debug nodes last.
func (s *Server) Settle(inject, name string) {
	s.t.Helper()
	s.Press(inject, "")
	s.Until("debug", `"name":"`+name+`"`)
}

// Count is the number of events of a topic so far.
func (s *Server) Count(topic string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if strings.HasPrefix(e.Topic, topic) {
			n++
		}
	}
	return n
}
