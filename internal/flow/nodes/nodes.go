// Package nodes lists the node types that this program can run.
package nodes

import (
	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes/common"
	"tsunagi/internal/flow/nodes/function"
	"tsunagi/internal/flow/nodes/network"
	"tsunagi/internal/flow/nodes/parsers"
	"tsunagi/internal/flow/nodes/script"
	"tsunagi/internal/flow/nodes/sequence"
	"tsunagi/internal/flow/nodes/storage"
)

// All returns every node type, for flow.Options. What http nodes offer is served to nobody.
func All() []flow.Type { return AllOn(network.NewWeb(network.WebOptions{})) }

// AllOn is All with http and websocket nodes that serve on web.
func AllOn(web *network.Web) []flow.Type {
	sockets := network.NewSockets()
	return []flow.Type{
		common.Inject(), common.Debug(), common.Comment(), common.Junction(), common.Unknown(), common.GlobalConfig(),
		common.LinkIn(), common.LinkOut(), common.LinkCall(),
		common.Catch(), common.Status(), common.Complete(),
		function.Switch(), function.Change(), function.Range(), function.Template(), function.Filter(),
		function.Exec(),
		function.Delay(), function.Trigger(),
		script.Function(),
		sequence.Split(), sequence.Join(), sequence.Sort(), sequence.Batch(),
		parsers.JSON(), parsers.CSV(), parsers.HTML(), parsers.XML(), parsers.YAML(),
		storage.File(), storage.FileIn(), storage.Watch(),
		network.MQTTIn(), network.MQTTOut(), network.MQTTBroker(), network.TLSConfig(),
		network.HTTPIn(web), network.HTTPResponse(), network.HTTPRequest(), network.HTTPProxy(),
		sockets.TCPIn(), sockets.TCPOut(), network.TCPRequest(), sockets.UDPIn(), sockets.UDPOut(),
		network.SocketIn(), network.SocketOut(), network.SocketListener(web), network.SocketClient(web),
	}
}

// JSONata compiles expressions, for flow.Options.
func JSONata(b *flow.Base, text string) (flow.Expression, error) {
	return function.CompileJSONata(b, text)
}
