//go:build probe

package nodes_test

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes"
)

func TestProbe(t *testing.T) {
	name := os.Getenv("CASE")
	dir := "/tmp/nrflow/diff/"
	raw, err := os.ReadFile(dir + "cases/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Flows json.RawMessage
		Steps []struct {
			Inject string
			Props  json.RawMessage
			Deploy json.RawMessage
			Type   flow.DeployType
			State  string
			Wait   int
		}
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	type ev struct {
		Topic string `json:"topic"`
		Data  any    `json:"data"`
	}
	var mu sync.Mutex
	var events []ev
	r := flow.New(flow.Options{Nodes: nodes.All(), Env: os.LookupEnv, Events: func(e flow.Event) {
		if e.Topic == "notification/runtime-deploy" || e.Data == nil {
			return
		}
		mu.Lock()
		events = append(events, ev{e.Topic, e.Data})
		mu.Unlock()
	}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	deploy := func(f json.RawMessage, typ flow.DeployType) string {
		file, err := flow.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		creds := flow.Credentials{}
		for _, n := range file.Nodes {
			if n.Credentials != nil {
				m := map[string]json.RawMessage{}
				_ = json.Unmarshal(n.Credentials, &m)
				creds[n.ID] = m
			}
		}
		if typ == "" {
			typ = "full"
		}
		if err := r.Deploy(ctx, file, creds, typ); err != nil {
			t.Fatal(err)
		}
		return file.Rev()
	}
	rev := deploy(c.Flows, "full")
	time.Sleep(200 * time.Millisecond)
	for _, s := range c.Steps {
		if s.Inject != "" {
			body := json.RawMessage(`{}`)
			if s.Props != nil {
				body = json.RawMessage(`{"__user_inject_props__":` + string(s.Props) + `}`)
			}
			_ = r.Inject(ctx, s.Inject, body)
		}
		if s.Deploy != nil {
			rev = deploy(s.Deploy, s.Type)
		}
		if s.State != "" {
			_ = r.SetState(ctx, s.State)
		}
		if s.Wait == 0 {
			s.Wait = 60
		}
		time.Sleep(time.Duration(s.Wait) * time.Millisecond)
	}
	mu.Lock()
	out, _ := json.MarshalIndent(map[string]any{"events": events, "rev": rev}, "", " ")
	mu.Unlock()
	_ = os.WriteFile(dir+"out/"+name+".go.json", out, 0o600)
	cancel()
	<-done
}
