// Package flow runs Node-RED flows: one event loop per Runtime that owns every node and
// delivers every message, in the order and with the clone rules of Node-RED 5.
//
// A File is what the editor saves; Deploy makes it run and touches only what Node-RED would
// touch. What the editor shows of a running flow leaves through Options.Events. The package
// knows no HTTP and no storage of flows; package editor has both.
//
// # Order
//
// A send puts deliveries into one queue, which the loop empties in turns: receivers never
// run inside the sender, and everything that one send reaches runs before what it leads to.
// Messages of sockets, files and timers come in between turns, through an inbox with a bound
// that makes their goroutines wait. Catch, status and complete nodes are called directly.
//
// # Writing a node type
//
// A Type names the node, makes it from its Config, and lists its fields and credentials; New
// refuses what it can't run with Config.Refuse. The Node's methods run on the loop: they need
// no locks and must not block. A node type lives in a file of its own under nodes/, is listed
// in nodes.All, and is tested through package flowtest, with a recording of Node-RED under
// nodes/testdata/parity where there can be one.
//
//	type upper struct{ b *flow.Base }
//
//	func (n upper) Receive(m *flow.Msg) {
//		m.Set("payload", value.Str(strings.ToUpper(m.Get("payload").ToText())))
//		n.b.Send(m)
//		n.b.Done(m, nil)
//	}
package flow
