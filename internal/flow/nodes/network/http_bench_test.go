package network_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes"
	"tsunagi/internal/flow/nodes/network"
)

// BenchmarkHTTPFunction asks an http in node whose flow answers by way of a function.
func BenchmarkHTTPFunction(b *testing.B) {
	web := network.NewWeb(network.WebOptions{})
	r := flow.New(flow.Options{Nodes: nodes.AllOn(web)})
	go func() { _ = r.Run(b.Context()) }()
	f, err := flow.ParseFile([]byte(strings.ReplaceAll(`[`+tab+`,{'id':'i','type':'http in','z':'t','url':'/bench','method':'get','wires':[['f']]},
{'id':'f','type':'function','z':'t','func':'msg.payload={n:Number(msg.req.query.n),ok:true};return msg','wires':[['r']]},
{'id':'r','type':'http response','z':'t','statusCode':'','headers':{},'wires':[]}]`, "'", `"`)))
	if err != nil {
		b.Fatal(err)
	}
	if err := r.Deploy(b.Context(), f, nil, flow.DeployFull); err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: web}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		for pb.Next() {
			fmt.Fprint(conn, "GET /bench?n=5 HTTP/1.1\r\nHost: x\r\n\r\n")
			res, err := http.ReadResponse(in, nil)
			if err != nil || res.ContentLength != 17 {
				b.Error(res, err)
				return
			}
			_, _ = in.Discard(17)
		}
	})
}
