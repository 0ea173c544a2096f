package network_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/ipv4"
	"software.sslmate.com/src/go-pkcs12"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
	"tsunagi/internal/flow/nodes/network"
	"tsunagi/internal/mqtt"
)

// Protocol, and what the broker is told at the connection's beginning and end, in each choice of the dialog.
func TestMQTTBrokerDialog(t *testing.T) {
	for _, tt := range []struct {
		protocol, qos, retain string
		version               mqtt.Version
		more                  string
	}{
		{"3", "0", "false", mqtt.V31, ""}, {"4", "1", "true", mqtt.V311, ""}, {"5", "2", "false", mqtt.V5, ""},
		{"4", "2", "true", mqtt.V31, ",'compatmode':true"},
	} {
		t.Run("protocol "+tt.protocol+tt.more, func(t *testing.T) {
			s, b := start(t)
			s.Load(flow.DeployFull, file(b, ",'clientid':'c','protocolVersion':'"+tt.protocol+"','birthTopic':'b','birthPayload':'B','birthQos':'"+tt.qos+"','birthRetain':'"+tt.retain+
				"','birthMsg':{'contentType':'text/b'},'closeTopic':'c','closePayload':'C','closeQos':'"+tt.qos+"','closeRetain':'"+tt.retain+"','closeMsg':{'contentType':'text/c'},"+
				"'willTopic':'w','willPayload':'W','willQos':'"+tt.qos+"','willRetain':'"+tt.retain+"','verifyservercert':true"+tt.more, out("")))
			p := b.accept()
			c := p.connect
			if c.Version != tt.version || c.Will == nil || c.Will.QoS != tt.qos[0]-'0' || c.Will.Retain != (tt.retain == "true") || string(c.Will.Payload) != "W" {
				t.Errorf("%+v will %+v", c, c.Will)
			}
			check := func(topic, content string) {
				t.Helper()
				m := p.publish()
				if string(m.Topic) != topic || m.QoS != tt.qos[0]-'0' || m.Retain != (tt.retain == "true") || tt.version == mqtt.V5 && string(m.Props.ContentType) != content {
					t.Errorf("%s: %+v", topic, m)
				}
			}
			check("b", "text/b")
			s.Stop()
			check("c", "text/c")
		})
	}
}

// What the dialogs of the nodes leave open is decided by the message, and by nothing else.
func TestMQTTNodeDialogs(t *testing.T) {
	for _, rh := range []string{"0", "1", "2"} {
		s, b := start(t)
		s.Load(flow.DeployFull, file(b, ",'protocolVersion':'5'", in(",'topic':'a','qos':'"+rh+"','rh':'"+rh+"'"), show))
		if f := b.accept().subscribe().Filters[0]; f.RetainHandling != rh[0]-'0' || f.QoS != rh[0]-'0' {
			t.Errorf("%+v", f)
		}
		s.Stop()
	}
	for _, tt := range []struct {
		qos, retain string
		wantQoS     byte
		wantRetain  bool
	}{{"", "", 1, true}, {"0", "false", 0, false}, {"2", "true", 2, true}} {
		s, b := start(t)
		s.Load(flow.DeployFull, file(b, ",'protocolVersion':'5'", press, out(",'topic':'a','qos':'"+tt.qos+"','retain':'"+tt.retain+"','respTopic':'answer','correl':'id'")))
		p := b.accept()
		s.Until("status/o", "status.connected")
		s.Press("i", "[{'p':'payload','v':'x'},{'p':'qos','v':'1','vt':'num'},{'p':'retain','v':'true','vt':'bool'}]")
		if m := p.publish(); m.QoS != tt.wantQoS || m.Retain != tt.wantRetain || string(m.Props.ResponseTopic) != "answer" || string(m.Props.Correlation) != "id" {
			t.Errorf("%+v: %+v", tt, m)
		}
		s.Stop()
	}
}

func TestHTTPRequestDialog(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(mirror))
	t.Cleanup(h.Close)
	where := `'url':'` + h.URL + `/p',`
	for _, tt := range []struct{ fields, want string }{
		{`'method':'PUT','ret':'txt','authType':''`, `"PUT /p|||||abc"`},
		{`'method':'DELETE','ret':'txt','persist':true`, `"DELETE /p|||||abc"`},
		{`'method':'HEAD','ret':'txt','paytoqs':'ignore'`, `""`},
		{`'method':'GET','ret':'txt','paytoqs':'ignore'`, `"GET /p|||||"`},
		{`'method':'POST','ret':'bin'`, `{"type":"Buffer","data":[80,79,83,84,32,47,112,124,124,124,124,124,97,98,99]}`},
		{`'method':'POST','headers':[{'keyType':'msg','keyValue':'topic','valueType':'other','valueValue':'V'}]`, `"POST /p||||V|abc"`},
		{`'method':'POST','headers':[{'keyType':'Content-Type','keyValue':'','valueType':'text/plain','valueValue':''}]`, `"POST /p|text/plain||||abc"`},
	} {
		s := asking(t, where+tt.fields)
		m := sent(t, s, `[{'p':'payload','v':'abc'},{'p':'topic','v':'x-a'}]`)
		got := m["payload"]
		if o, ok := got.(map[string]any); ok {
			delete(o, "__enc__")
			delete(o, "length")
		}
		raw := strings.ReplaceAll(asText(got), `{"data"`, `{"type":"Buffer","data"`)
		if raw = strings.Replace(raw, `,"type":"Buffer"}`, "}", 1); raw != tt.want {
			t.Errorf("%s: %s, want %s", tt.fields, raw, tt.want)
		}
		s.Stop()
	}
	s := asking(t, `'method':'GET','url':'http://127.0.0.1:`+freePort(t)+`/','senderr':true`)
	s.Press("i", `[{'p':'payload','v':'abc'}]`)
	s.Until("debug", `"name":"caught"`)
	s.Until("status/q", "ECONNREFUSED")
	s.Quiet("debug") // errors only go to catch nodes then
}

func asText(v any) string {
	raw, _ := json.Marshal(v)
	return strings.NewReplacer(`\u0026`, "&").Replace(string(raw))
}

// Certificates out of the environment, and out of a PKCS 12 file that was uploaded or lies on this machine.
func TestTLSConfigDialog(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue("client")
	b := secureBroker(t, a, true)
	store := filepath.Join(t.TempDir(), "client.p12")
	raw := storeOf(t, a, cert, key)
	if err := os.WriteFile(store, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(o *flow.Options) {
		o.Env = func(name string) (string, bool) {
			v, ok := map[string]string{"CERT": cert, "KEY": key, "CA": a.pem}[name]
			return v, ok
		}
	}
	for _, tt := range []struct {
		name, fields string
		credentials  []string
	}{
		{"environment", ",'certType':'env','certEnv':'CERT','keyEnv':'KEY','caEnv':'CA'", nil},
		{"files with names of uploads", ",'certType':'files','certname':'c','keyname':'k','caname':'a'", []string{"s", "certdata", cert, "s", "keydata", key, "s", "cadata", a.pem}},
		{"PKCS 12 file", ",'certType':'pfx','p12':'" + store + "'", []string{"s", "passphrase", "open sesame"}},
		{"PKCS 12 upload", ",'certType':'pfx','p12name':'client.p12'", []string{"s", "p12data", base64.StdEncoding.EncodeToString(raw), "s", "passphrase", "open sesame"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := flowtest.Start(t, nodes.All(), env)
			s.Load(flow.DeployFull, file(b, ",'usetls':true,'tls':'s'", out(""), tlsNode(tt.fields)), tt.credentials...)
			b.accept()
			s.Until("status/o", "status.connected")
		})
	}
	for words, fields := range map[string]string{
		"PFX file: the passphrase does not open it":                 ",'certType':'pfx','p12':'" + store + "'",
		"flows can't read files of this server: upload certificate": ",'certType':'pfx','p12':'" + store + "','name':'hosted'",
		"PFX file: ": ",'certType':'pfx'",
	} {
		s := flowtest.Start(t, nodes.All(), func(o *flow.Options) { o.NoLocalFiles = strings.Contains(fields, "hosted") })
		s.Load(flow.DeployFull, "["+tlsNode(fields)+"]", "s", "p12data", "bm8gc3RvcmU=", "s", "passphrase", "wrong")
		if got, _ := s.Debug()["msg"].(string); !strings.HasPrefix(got, words) {
			t.Errorf("%q, want %q", got, words)
		}
	}
}

// storeOf is a PKCS 12 file with certificate, key and authority.
func storeOf(t *testing.T, a *authority, cert, key string) []byte {
	t.Helper()
	c, _ := pem.Decode([]byte(cert))
	k, _ := pem.Decode([]byte(key))
	leaf, err := x509.ParseCertificate(c.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.ParsePKCS8PrivateKey(k.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := pkcs12.Modern.Encode(private, leaf, []*x509.Certificate{a.cert}, "open sesame")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TCP in both directions through a tls-config.
func TestTCPByTLS(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue("broker.test")
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"mqtt"}})
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
				fmt.Fprint(conn, "hello\n")
				line, _ := bufio.NewReader(conn).ReadString('\n')
				fmt.Fprint(conn, "got "+line)
			}()
		}
	}()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	s := flowtest.Start(t, nodes.All())
	s.Load(flow.DeployFull, `[`+tab+`,`+tlsNode("")+`,{'id':'n','type':'tcp in','z':'t','server':'client','host':'127.0.0.1','port':'`+port+`','tls':'s','datamode':'stream','datatype':'utf8','newline':'\\n','wires':[['d']]},
{'id':'i','type':'inject','z':'t','wires':[['q','o']]},{'id':'q','type':'tcp request','z':'t','server':'127.0.0.1','port':'`+port+`','tls':'s','out':'char','splitc':'k','ret':'string','wires':[['d']]},
{'id':'o','type':'tcp out','z':'t','beserver':'client','host':'127.0.0.1','port':'`+port+`','tls':'s','base64':false,'end':false,'wires':[]},`+shown+`]`, "s", "cadata", a.pem)
	s.Until("debug", `payload\":\"hello\"`)
	s.Press("i", `[{'p':'payload','v':'ask\n'}]`)
	s.Until("debug", `got as`)
}

// A request that waits for no answer sends the message on at once.
func TestTCPRequestImmediate(t *testing.T) {
	got := make(chan string, 1)
	port := listener(t, func(conn net.Conn) {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		got <- line
	})
	s := flowServer(t, `{'id':'i','type':'inject','z':'t','wires':[['q']]},{'id':'q','type':'tcp request','z':'t','server':'127.0.0.1','port':'`+port+`','out':'immed','splitc':' ','ret':'string','wires':[['d']]},`+shown)
	s.Press("i", `[{'p':'payload','v':'now\n'}]`)
	if line := <-got; line != "now\n" {
		t.Error(line)
	}
}

func TestUDPDialogs(t *testing.T) {
	for _, tt := range []struct{ family, datatype, want string }{
		{"udp4", "buffer", `\"payload\":{\"type\":\"Buffer\",\"data\":[104,105]`}, {"udp4", "base64", `\"payload\":\"aGk=\"`}, {"udp6", "utf8", `\"payload\":\"hi\"`},
	} {
		t.Run(tt.family+" "+tt.datatype, func(t *testing.T) {
			host := "127.0.0.1"
			if tt.family == "udp6" {
				host = "::1"
			}
			l, err := net.ListenPacket(tt.family, net.JoinHostPort(host, "0"))
			if err != nil {
				t.Skip("no such address on this machine: ", err)
			}
			port := strconv.Itoa(l.LocalAddr().(*net.UDPAddr).Port)
			l.Close()
			s := flowServer(t, `{'id':'n','type':'udp in','z':'t','port':'`+port+`','ipv':'`+tt.family+`','multicast':'false','datatype':'`+tt.datatype+`','wires':[['d']]},
{'id':'i','type':'inject','z':'t','wires':[['o']]},{'id':'o','type':'udp out','z':'t','addr':'`+host+`','port':'`+port+`','outport':'','ipv':'`+tt.family+`','base64':true,'multicast':'false','wires':[]},`+shown)
			s.Press("i", `[{'p':'payload','v':'aGk='}]`)
			if m := s.Until("debug", `"out"`); !strings.Contains(m, tt.want) {
				t.Errorf("%s, want %s", m, tt.want)
			}
		})
	}
}

// The client over TLS, with whole messages in both directions.
func TestWebSocketClientByTLS(t *testing.T) {
	s := newSite(t, network.WebOptions{}, `[`+tab+`,{'id':'l','type':'websocket-listener','path':'/ws','wholemsg':'true'},{'id':'in','type':'websocket in','z':'t','server':'l','wires':[['d']]},`+shown+`]`)
	back, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(back))
	t.Cleanup(front.Close)
	address := strings.Replace(front.URL, "https", "wss", 1) + "/ws"
	c := flowServer(t, `{'id':'c','type':'websocket-client','path':'`+address+`','tls':'x','wholemsg':'true'},{'id':'x','type':'tls-config','verifyservercert':false},
{'id':'i','type':'inject','z':'t','wires':[['o']]},{'id':'o','type':'websocket out','z':'t','client':'c','wires':[]}`)
	c.Until("status/o", "connected")
	c.Press("i", `[{'p':'payload','v':'5','vt':'num'},{'p':'topic','v':'T'}]`)
	if m := s.Until("debug", `"out"`); !strings.Contains(m, `\"payload\":5`) || !strings.Contains(m, `\"topic\":\"T\"`) {
		t.Error(m)
	}
}

// A group on the loopback interface, and a broadcast on it; a group that is none is refused in Node-RED's words.
func TestUDPMulticastAndBroadcast(t *testing.T) {
	port := freePort(t)
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	s := flowServer(t, `{'id':'n','type':'udp in','z':'t','port':'`+port+`','ipv':'udp4','multicast':'true','group':'239.255.0.9','iface':'127.0.0.1','datatype':'utf8','wires':[['d']]},
{'id':'i','type':'inject','z':'t','wires':[['o']]},{'id':'o','type':'udp out','z':'t','addr':'127.255.255.255','port':'`+port+`','outport':'','ipv':'udp4','base64':false,'multicast':'broad','wires':[]},`+shown)
	s.Until("status/n", "127.0.0.1 : 127.0.0.1")
	s.Press("i", `[{'p':'payload','v':'to all'}]`)
	if m := s.Until("debug", `"out"`); !strings.Contains(m, "to all") {
		t.Error(m)
	}
	other, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip("no interface lo")
	}
	p := ipv4.NewPacketConn(other)
	if err := errors.Join(p.SetMulticastInterface(lo), p.SetMulticastLoopback(true)); err != nil {
		t.Skip("no multicast here: ", err)
	}
	if _, err := other.WriteTo([]byte("to the group"), &net.UDPAddr{IP: net.IPv4(239, 255, 0, 9), Port: number}); err != nil {
		t.Skip("no multicast here: ", err)
	}
	if m := s.Until("debug", `"out"`); !strings.Contains(m, "to the group") {
		t.Error(m)
	}
	s = flowServer(t, `{'id':'n','type':'udp in','z':'t','port':'`+port+`','ipv':'udp4','multicast':'true','group':'10.0.0.1','datatype':'utf8','wires':[[]]},
{'id':'o','type':'udp out','z':'t','addr':'10.0.0.1','port':'1','outport':'','iface':'nothing','ipv':'udp4','multicast':'multi','wires':[]}`)
	s.Until("debug", "Bad Multicast Address")
	s.Until("debug", "udp: interface nothing not found")
	s.Until("debug", "Bad Multicast Address")
}
