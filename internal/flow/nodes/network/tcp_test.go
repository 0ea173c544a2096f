package network_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
)

// freePort is a port that nobody listens on, by TCP or UDP. It is below those that connections are given, so that nobody
// gets it before a node does.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(12_000 + int(nextPort.Add(1)%8000))
		l, err := net.Listen("tcp", ":"+port)
		if err != nil {
			continue
		}
		u, err := net.ListenPacket("udp", ":"+port)
		l.Close()
		if err == nil {
			u.Close()
			return port
		}
	}
	t.Fatal("no port from 12000 to 19999 is free")
	return ""
}

// nextPort begins somewhere else in each process.
var nextPort = func() *atomic.Uint32 {
	var n atomic.Uint32
	n.Store(rand.Uint32N(8000))
	return &n
}()

// dialed is a connection to a node, which is given time to listen.
func dialed(t *testing.T, port string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

const shown = `{'id':'d','type':'debug','z':'t','name':'out','active':true,'tosidebar':true,'complete':'true','targetType':'full'}`

func flowServer(t *testing.T, flows string, change ...func(*flow.Options)) *flowtest.Server {
	t.Helper()
	s := flowtest.Start(t, nodes.All(), change...)
	s.Load(flow.DeployFull, `[`+tab+`,`+flows+`]`)
	return s
}

func TestTCPInServer(t *testing.T) {
	for _, tt := range []struct{ name, fields, in, want string }{
		{"lines", `'datamode':'stream','datatype':'utf8','newline':'\\n'`, "a\nb\nc", `payload\":\"a\"|payload\":\"b\"|payload\":\"c\"`},
		{"trim keeps", `'datamode':'stream','datatype':'utf8','newline':'\\n','trim':true`, "a\n", `payload\":\"a\\n\"`},
		{"single", `'datamode':'single','datatype':'utf8','newline':''`, "whole", `payload\":\"whole\"`},
		{"base64", `'datamode':'single','datatype':'base64','newline':''`, "abc", `payload\":\"YWJj\"`},
		{"buffer", `'datamode':'stream','datatype':'buffer','newline':''`, "ab", `payload\":{\"type\":\"Buffer\",\"data\":[97,98]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			port := freePort(t)
			s := flowServer(t, `{'id':'n','type':'tcp in','z':'t','server':'server','port':'`+port+`','topic':'T',`+tt.fields+`,'wires':[['d']]},`+shown)
			conn := dialed(t, port)
			s.Until("status/n", `"1 connection"`)
			if _, err := io.WriteString(conn, tt.in); err != nil {
				t.Fatal(err)
			}
			_ = conn.(*net.TCPConn).CloseWrite()
			for want := range strings.SplitSeq(tt.want, "|") {
				m := s.Until("debug", `"out"`)
				if !strings.Contains(m, want) || !strings.Contains(m, `\"topic\":\"T\"`) || !strings.Contains(m, `127.0.0.1\",\"port\":`) || !strings.Contains(m, `\"_session\":{\"type\":\"tcp\"`) {
					t.Errorf("got %s\nwant %s", m, want)
				}
			}
			s.Until("status/n", `"0 connections"`)
		})
	}
}

func TestTCPReply(t *testing.T) {
	port := freePort(t)
	flowServer(t, `{'id':'n','type':'tcp in','z':'t','server':'server','port':'`+port+`','datamode':'stream','datatype':'utf8','newline':'\\n','wires':[['r']]},
{'id':'r','type':'tcp out','z':'t','beserver':'reply','base64':false,'end':false,'wires':[]}`)
	one, two := dialed(t, port), dialed(t, port)
	fmt.Fprint(one, "hello\n")
	buf := make([]byte, 5)
	if _, err := io.ReadFull(one, buf); err != nil || string(buf) != "hello" {
		t.Error(string(buf), err)
	}
	fmt.Fprint(two, "world\n")
	if _, err := io.ReadFull(two, buf); err != nil || string(buf) != "world" {
		t.Error(string(buf), err)
	}
}

// listener takes connections and gives them to f.
func listener(t *testing.T, f func(net.Conn)) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(patience))
				f(conn)
			}()
		}
	}()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func TestTCPClients(t *testing.T) {
	got := make(chan string, 10)
	port := listener(t, func(conn net.Conn) {
		fmt.Fprint(conn, "greeting\n")
		in := bufio.NewReader(conn)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			got <- line
		}
	})
	s := flowServer(t, `{'id':'n','type':'tcp in','z':'t','server':'client','host':'127.0.0.1','port':'`+port+`','datamode':'stream','datatype':'utf8','newline':'\\n','wires':[['d']]},
{'id':'i','type':'inject','z':'t','wires':[['o']]},{'id':'o','type':'tcp out','z':'t','beserver':'client','host':'127.0.0.1','port':'`+port+`','base64':true,'end':false,'wires':[]},`+shown)
	s.Until("status/n", "common.status.connected")
	s.Until("status/o", "common.status.connected")
	if m := s.Until("debug", `"out"`); !strings.Contains(m, `\"payload\":\"greeting\",\"_session\"`) {
		t.Error(m)
	}
	s.Press("i", `[{'p':'payload','v':'YWJjCg=='}]`)
	if line := <-got; line != "abc\n" {
		t.Errorf("%q", line)
	}
}

func TestTCPOutServer(t *testing.T) {
	port := freePort(t)
	s := flowServer(t, `{'id':'i','type':'inject','z':'t','wires':[['o']]},{'id':'o','type':'tcp out','z':'t','beserver':'server','host':'','port':'`+port+`','base64':false,'end':true,'wires':[]}`)
	s.Until("status/o", "0 connections")
	conn := dialed(t, port)
	s.Until("status/o", "1 connection")
	s.Press("i", `[{'p':'payload','v':'5','vt':'num'}]`)
	if b, err := io.ReadAll(conn); err != nil || string(b) != "5" {
		t.Errorf("%q %v", b, err)
	}
}

func TestTCPPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	in := `{'id':'n','type':'tcp in','z':'t','server':'server','port':'` + port + `','wires':[[]]}`
	s := flowServer(t, in)
	s.Until("debug", "unable to listen on port "+port+", error: Error: listen EADDRINUSE: address already in use :::"+port)
	s = flowServer(t, in, func(o *flow.Options) { o.NoListen = true })
	s.Until("debug", "listening on ports is not possible on a hosted flow server")
}

func TestTCPRequest(t *testing.T) {
	port := listener(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "(%s);more\n", strings.TrimSpace(line))
		}
	})
	for _, tt := range []struct{ name, fields, want string }{
		{"char", `'out':'char','splitc':';','ret':'string'`, `payload\":\"(q);\"`},
		{"char in hex", `'out':'char','splitc':'0x29','ret':'string'`, `payload\":\"(q)\"`},
		{"line end", `'out':'char','splitc':'\\n','ret':'string'`, `payload\":\"(q);more\\n\"`},
		{"count", `'out':'count','splitc':'2','ret':'buffer'`, `\"data\":[40,113]`},
		{"time", `'out':'time','splitc':'30','ret':'string'`, `payload\":\"(q);more\\n\"`},
		{"sit", `'out':'sit','splitc':' ','ret':'string','newline':';'`, `(q)\"`},
		{"sit with end", `'out':'sit','splitc':' ','ret':'string','newline':';','trim':true`, `(q);\"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := flowServer(t, `{'id':'i','type':'inject','z':'t','wires':[['q']]},
{'id':'q','type':'tcp request','z':'t','server':'127.0.0.1','port':'`+port+`',`+tt.fields+`,'wires':[['d']]},`+shown)
			for range 2 {
				s.Press("i", `[{'p':'payload','v':'q\n'},{'p':'topic','v':'keep'}]`)
				if m := s.Until("debug", `"out"`); !strings.Contains(m, tt.want) || !strings.Contains(m, "keep") {
					t.Errorf("got %s\nwant %s", m, tt.want)
				}
			}
		})
	}
}

func TestTCPRequestFaults(t *testing.T) {
	s := flowServer(t, `{'id':'i','type':'inject','z':'t','wires':[['q']]},{'id':'q','type':'tcp request','z':'t','server':'','port':'','out':'sit','splitc':' ','wires':[['d']]},
{'id':'c','type':'catch','z':'t','wires':[['d']]},`+shown)
	s.Press("i", `[{'p':'payload','v':'x'}]`)
	s.Until("debug", "Host and/or port not set")
	port := freePort(t)
	s.Press("i", `[{'p':'payload','v':'x'},{'p':'host','v':'127.0.0.1'},{'p':'port','v':'`+port+`'}]`)
	s.Until("debug", "connect failed 127.0.0.1:"+port)
	s.Until("status/q", "common.status.error")
}

func TestUDP(t *testing.T) {
	port := freePort(t)
	s := flowServer(t, `{'id':'n','type':'udp in','z':'t','port':'`+port+`','ipv':'udp4','multicast':'false','datatype':'utf8','wires':[['d']]},
{'id':'i','type':'inject','z':'t','wires':[['o']]},{'id':'o','type':'udp out','z':'t','addr':'','port':'','outport':'`+port+`','ipv':'udp4','base64':false,'multicast':'false','wires':[]},`+shown)
	s.Press("i", `[{'p':'payload','v':'hi'},{'p':'ip','v':'127.0.0.1'},{'p':'port','v':'`+port+`'}]`)
	if m := s.Until("debug", `"out"`); !strings.Contains(m, `\"payload\":\"hi\",\"fromip\":\"127.0.0.1:`+port+`\",\"ip\":\"127.0.0.1\",\"port\":`+port) {
		t.Error(m)
	}
	for props, want := range map[string]string{`[{'p':'payload','v':'x'}]`: "udp: ip address not set", `[{'p':'payload','v':'x'},{'p':'ip','v':'127.0.0.1'}]`: "udp: port not set",
		`[{'p':'payload','v':'x'},{'p':'ip','v':'127.0.0.1'},{'p':'port','v':'99999'}]`: "udp: port number not valid"} {
		s.Press("i", props)
		s.Until("debug", want)
	}
	s = flowServer(t, `{'id':'n','type':'udp in','z':'t','port':'`+port+`','ipv':'udp4','multicast':'false','datatype':'utf8','wires':[[]]}`, func(o *flow.Options) { o.NoListen = true })
	s.Until("debug", "not possible on a hosted flow server")
}
