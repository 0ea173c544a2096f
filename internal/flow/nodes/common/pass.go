// Package common has the node types of the palette's first category.
package common

import "tsunagi/internal/flow"

// pass sends on what it gets: junction, link in, catch, status and complete nodes. What they
// get and from where is the runtime's matter.
type pass struct{ b *flow.Base }

func (n pass) Receive(m *flow.Msg) {
	n.b.Send(m)
	n.b.Done(m, nil)
}

func passes(name string, fields ...string) flow.Type {
	return flow.Type{Name: name, Fields: fields, New: func(b *flow.Base, _ flow.Config) (flow.Node, error) { return pass{b}, nil }}
}

// Junction joins and spreads wires.
func Junction() flow.Type { return passes("junction") }

// Catch gets the errors of other nodes.
func Catch() flow.Type { return passes("catch", "scope", "uncaught") }

// Status gets the status of other nodes.
func Status() flow.Type { return passes("status", "scope") }

// Complete gets the messages that other nodes are done with.
func Complete() flow.Type { return passes("complete", "scope", "uncaught") }

// still does nothing: comment, global-config, unknown.
type still struct{}

func (still) Receive(*flow.Msg) {}

func stills(name string, fields ...string) flow.Type {
	return flow.Type{Name: name, Fields: fields, New: func(*flow.Base, flow.Config) (flow.Node, error) { return still{}, nil }}
}

// Comment is a note in the flow.
func Comment() flow.Type { return stills("comment") }

// Unknown keeps the place of a node whose type is not there.
func Unknown() flow.Type { return stills("unknown") }
