package flow

import (
	"context"
	"log/slog"
	"net"
	"time"
)

// Options configure a Runtime. Zero values mean the default in brackets.
type Options struct {
	Dir    string       // working directory of nodes that use files [the process's own]
	Log    *slog.Logger // [discard]
	Nodes  []Type       // node types that can run, as nodes.All() returns them
	Events func(Event)  // told what browsers should see; called in order, must not block [nobody]

	// JSONata compiles an expression for a node [expressions are refused].
	JSONata func(b *Base, text string) (Expression, error)

	Dial      func(ctx context.Context, network, addr string) (net.Conn, error) // [net.Dialer]
	TrustedCA []byte                                                            // PEM, added to the system's roots
	Env       func(name string) (string, bool)                                  // environment that flows may read [none]

	Contexts *Contexts // where context is kept; Run closes them [in memory]
	Written  *Written  // told of what is written to the disk [nobody]

	MaxBuffered int // messages that a node of a sequence may hold: Node-RED's nodeMessageBufferMaxLength [any number]
	KeptBytes   int // bytes of messages that all nodes together may hold [256 MiB]

	NoLocalFiles bool   // nodes must not reach files that a flow names, as in the shared cloud
	FilesDir     string // with NoLocalFiles: the one directory whose files they may use all the same [none]
	FilesMax     int64  // bytes that FilesDir may hold [256 MiB]
	NoExec       bool   // nodes must not run commands
	NoListen     bool   // nodes must not open ports or sockets of their own

	FunctionTime  time.Duration // that one call of a function node may take, unless its dialog says otherwise [10s]
	FunctionBytes int64         // of memory of one function node [64 MiB]

	// What may wait between nodes at once. What comes on top is lost, and the node in front of which it waits says so.
	MaxQueue   int // deliveries [200000]
	QueueBytes int // bytes that their messages hold; half of it in front of one node [128 MiB]
}

// Event is one message of the editor's comms socket.
//
// Topic is "debug", "status/<node>", "notification/<id>" and so on; Data can be written as
// JSON. With Retain a browser that comes later gets Data, too; nil Data with Retain forgets
// what was retained, and is not sent to anybody.
type Event struct {
	Topic  string
	Data   any
	Retain bool
}
