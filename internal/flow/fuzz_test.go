package flow_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes"
)

var errNoNet = errors.New("no network here")

// fuzzDeploy runs a file for a moment, twice, and presses every button.
func fuzzDeploy(t *testing.T, f *flow.File) {
	r := flow.New(flow.Options{Nodes: nodes.All(), JSONata: nodes.JSONata, NoLocalFiles: true, MaxQueue: 100,
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errNoNet }})
	// A file that hangs would only look slow to the fuzzer.
	hung := time.AfterFunc(20*time.Second, func() { panic(fmt.Sprintf("hangs: %s", f.JSON())) })
	defer hung.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	for _, typ := range []flow.DeployType{flow.DeployFull, flow.DeployNodes, flow.DeployFlows} {
		if err := r.Deploy(ctx, f, nil, typ); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range f.Nodes {
		_ = r.Inject(ctx, n.ID, nil) // config nodes and such know no buttons
	}
	half := &flow.File{Nodes: f.Nodes[:len(f.Nodes)/2]}
	if err := r.Deploy(ctx, half, nil, flow.DeployNodes); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
