package network_test

import (
	"regexp"
	"strings"
	"testing"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
	"tsunagi/internal/mqtt"
)

func start(t *testing.T) (*flowtest.Server, *fakeBroker) {
	b := newBroker(t)
	return flowtest.Start(t, nodes.All()), b
}

// file makes a flow file: a broker node with further fields, and nodes on one tab.
func file(b *fakeBroker, broker string, nodes ...string) string {
	return "[{'id':'t','type':'tab'},{'id':'b','type':'mqtt-broker','broker':'127.0.0.1','port':'" + b.port() + "'" + broker + "}," +
		strings.Join(nodes, ",") + "]"
}

const (
	show  = "{'id':'d','type':'debug','z':'t','x':1,'y':1,'name':'d','complete':'true','wires':[]}"
	press = "{'id':'i','type':'inject','z':'t','x':1,'y':1,'props':[{'p':'payload','v':'hi','vt':'str'}],'wires':[['o']]}"
)

func in(more string) string {
	return "{'id':'in','type':'mqtt in','z':'t','x':1,'y':1,'broker':'b','wires':[['d']]" + more + "}"
}

func out(more string) string {
	return "{'id':'o','type':'mqtt out','z':'t','x':1,'y':1,'broker':'b','wires':[]" + more + "}"
}

// message is the shown message without its random id.
func message(t *testing.T, s *flowtest.Server) string {
	t.Helper()
	text, _ := s.Debug()["msg"].(string)
	return randomID.ReplaceAllString(text, "")
}

var randomID = regexp.MustCompile(`,"_msgid":"[0-9a-f]{16}"|"_msgid":"[0-9a-f]{16}",`)

func TestMQTTInShowsWhatTheBrokerSends(t *testing.T) {
	s, b := start(t)
	s.Load(flow.DeployFull, file(b, "", in(",'topic':'a/#','qos':'1','datatype':'auto-detect'"), show))
	p := b.accept()
	if sub := p.subscribe(); string(sub.Filters[0].Filter) != "a/#" || sub.Filters[0].QoS != 1 {
		t.Errorf("%+v", sub)
	}
	s.Until("status/in", "status.connected")
	tests := []struct{ name, payload, want string }{
		{"object", `{"b":1,"a":[2]}`, `{"topic":"a/b","payload":{"b":1,"a":[2]},"qos":0,"retain":false,"_topic":"a/b"}`},
		{"number", `12.50`, `{"topic":"a/b","payload":12.5,"qos":0,"retain":false,"_topic":"a/b"}`},
		{"text", `hello`, `{"topic":"a/b","payload":"hello","qos":0,"retain":false,"_topic":"a/b"}`},
		{"bytes", "\xff\x00", `{"topic":"a/b","payload":{"type":"Buffer","data":[255,0],"__enc__":true,"length":2},"qos":0,"retain":false,"_topic":"a/b"}`},
		{"nothing", "", `{"topic":"a/b","payload":"","qos":0,"retain":false,"_topic":"a/b"}`},
	}
	for _, tt := range tests {
		p.give("a/b", tt.payload)
		if got := message(t, s); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	p.give("other", "not ours")
	p.give("a", "last", func(m *mqtt.Publish) { m.Retain, m.QoS, m.PacketID = true, 1, 7 })
	if got, want := message(t, s), `{"topic":"a","payload":"last","qos":1,"retain":true,"_topic":"a"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if f, ok := p.next(mqtt.PUBACK); !ok {
		t.Error("not acknowledged", f)
	}
}

func TestMQTTInDatatypes(t *testing.T) {
	for datatype, want := range map[string]string{
		"buffer": `{"type":"Buffer","data":[123,125],"__enc__":true,"length":2}`, "base64": `"e30="`, "utf8": `"{}"`, "json": `{}`, "auto": `"{}"`,
	} {
		t.Run(datatype, func(t *testing.T) {
			s, b := start(t)
			s.Load(flow.DeployFull, file(b, "", in(",'topic':'a','datatype':'"+datatype+"'"), show))
			p := b.accept()
			p.subscribe()
			p.give("a", "{}")
			if got := message(t, s); !strings.Contains(got, `"payload":`+want+`,"qos"`) {
				t.Errorf("%s, want payload %s", got, want)
			}
		})
	}
}

func TestMQTTInWrongJSONIsAnError(t *testing.T) {
	s, b := start(t)
	s.Load(flow.DeployFull, file(b, "", in(",'topic':'a','datatype':'json'"),
		"{'id':'c','type':'catch','z':'t','x':1,'y':1,'wires':[['d']]}", show))
	p := b.accept()
	p.subscribe()
	p.give("a", "{")
	if got := s.Next("debug"); !strings.Contains(got, `Failed to parse JSON string`) || !strings.Contains(got, `\"topic\":\"a\",\"qos\":0,\"retain\":false`) {
		t.Error(got)
	}
	p.give("a", "\xff")
	if got := s.Next("debug"); !strings.Contains(got, `Invalid JSON string`) {
		t.Error(got)
	}
}

func TestMQTTOutPublishes(t *testing.T) {
	s, b := start(t)
	s.Load(flow.DeployFull, file(b, "", press, out("")))
	p := b.accept()
	s.Until("status/o", "status.connected")
	tests := []struct {
		props, topic, payload string
		qos                   byte
		retain                bool
	}{
		{"[{'p':'payload','v':'hi','vt':'str'},{'p':'topic','v':'t/1','vt':'str'}]", "t/1", "hi", 0, false},
		{"[{'p':'payload','v':'{\\'b\\':1,\\'a\\':2}','vt':'json'},{'p':'topic','v':'x','vt':'str'},{'p':'qos','v':'1','vt':'num'}]", "x", `{"b":1,"a":2}`, 1, false},
		{"[{'p':'payload','v':'1.50','vt':'num'},{'p':'topic','v':'x','vt':'str'},{'p':'qos','v':'2','vt':'str'},{'p':'retain','v':'true','vt':'bool'}]", "x", "1.5", 2, true},
		{"[{'p':'payload','v':'[1,2]','vt':'bin'},{'p':'topic','v':'x','vt':'str'}]", "x", "\x01\x02", 0, false},
		{"[{'p':'payload','v':'true','vt':'bool'},{'p':'topic','v':'x','vt':'str'},{'p':'qos','v':'7','vt':'num'}]", "x", "true", 0, false},
	}
	for _, tt := range tests {
		s.Press("i", tt.props)
		m := p.publish()
		if string(m.Topic) != tt.topic || string(m.Payload) != tt.payload || m.QoS != tt.qos || m.Retain != tt.retain {
			t.Errorf("%s: %s %q %d %v", tt.props, m.Topic, m.Payload, m.QoS, m.Retain)
		}
	}
	s.Press("i", "[{'p':'topic','v':'wild/#','vt':'str'},{'p':'payload','v':'1','vt':'str'}]")
	if got := s.Next("debug"); !strings.Contains(got, "Invalid topic specified") || !strings.Contains(got, `"level":30`) {
		t.Error(got)
	}
}

func TestMQTTOutDialogOverridesTheMessage(t *testing.T) {
	s, b := start(t)
	s.Load(flow.DeployFull, file(b, "", press, out(",'topic':'fixed','qos':'1','retain':'true'")))
	p := b.accept()
	s.Until("status/o", "status.connected")
	s.Press("i", "[{'p':'payload','v':'x','vt':'str'},{'p':'topic','v':'mine','vt':'str'},{'p':'qos','v':'0','vt':'num'}]")
	if m := p.publish(); string(m.Topic) != "fixed" || m.QoS != 1 || !m.Retain {
		t.Errorf("%+v", m)
	}
}

func TestMQTTCompleteComesWithTheAcknowledgement(t *testing.T) {
	s, b := start(t)
	s.Load(flow.DeployFull, file(b, "", press, out(",'topic':'a','qos':'1'"),
		"{'id':'c','type':'complete','z':'t','x':1,'y':1,'scope':['o'],'wires':[['d']]}", show))
	p := b.accept()
	s.Until("status/o", "status.connected")
	s.Press("i", "")
	p.publish()
	if got := message(t, s); !strings.Contains(got, `"complete":{"source":{"id":"o","type":"mqtt out"`) {
		t.Error(got)
	}
}

func TestMQTTConnectOptionsV5(t *testing.T) {
	s, b := start(t)
	s.Load(flow.DeployFull, file(b, `,'clientid':'me','protocolVersion':'5','cleansession':false,'sessionExpiry':'3600','keepalive':'30',
		'userProps':'{\'k\':\'v\',\'n\':1}','willTopic':'w','willPayload':'gone','willQos':'1','willRetain':'true',
		'willMsg':{'contentType':'text/plain','delay':'5','expiry':'60','respTopic':'r','correl':'c','userProps':'{\'x\':\'y\'}'},
		'birthTopic':'birth','birthPayload':'here','birthMsg':{'contentType':'text/plain'},'closeTopic':'close','closePayload':'bye'`,
		in(",'topic':'a','nl':true,'rap':false,'rh':'1'"), show), "b", "user", "ann", "b", "password", "secret")
	p := b.accept()
	c := p.connect
	if c.Version != mqtt.V5 || c.Clean || string(c.ClientID) != "me" || c.KeepAlive != 30 || c.SessionExpiry != 3600 ||
		string(c.User) != "ann" || string(c.Password) != "secret" || len(c.UserProps) != 2 || c.UserProps[1] != (mqtt.Pair{Key: "n", Value: "1"}) {
		t.Errorf("%+v", c)
	}
	w := c.Will
	if w == nil || string(w.Topic) != "w" || string(w.Payload) != "gone" || w.QoS != 1 || !w.Retain || w.Delay != 5 ||
		string(w.Props.ContentType) != "text/plain" || w.Props.Expiry != 60 || string(w.Props.ResponseTopic) != "r" || string(w.Props.Correlation) != "c" {
		t.Errorf("will %+v", w)
	}
	sub := p.subscribe()
	if f := sub.Filters[0]; !f.NoLocal || f.RetainAsPublished || f.RetainHandling != 1 || sub.SubscriptionID != 1 {
		t.Errorf("%+v", sub)
	}
	if m := p.publish(); string(m.Topic) != "birth" || string(m.Payload) != "here" || string(m.Props.ContentType) != "text/plain" {
		t.Errorf("birth %+v", m)
	}
	p.give("a", "x", func(m *mqtt.Publish) {
		m.Props = mqtt.PublishProps{ContentType: []byte("text/plain"), ResponseTopic: []byte("r"), Correlation: []byte("id"), HasCorrelation: true,
			Expiry: 9, HasExpiry: true, PayloadFormat: 1, User: mqtt.AppendUserProperty(nil, "k", "v"), SubscriptionIDs: []uint32{1}}
	})
	want := `{"topic":"a","payload":"x","qos":0,"retain":false,"responseTopic":"r","correlationData":{"type":"Buffer","data":[105,100],"__enc__":true,"length":2},` +
		`"contentType":"text/plain","messageExpiryInterval":9,"payloadFormatIndicator":true,"userProperties":{"k":"v"},"_topic":"a"}`
	if got := message(t, s); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s.Stop()
	if m := p.publish(); string(m.Topic) != "close" || string(m.Payload) != "bye" {
		t.Errorf("close %+v", m)
	}
	if f, ok := p.next(mqtt.DISCONNECT); !ok {
		t.Error("no DISCONNECT", f)
	}
}

func TestMQTTOutPropertiesV5(t *testing.T) {
	s, b := start(t)
	b.ack.TopicAliasMax = 5
	s.Load(flow.DeployFull, file(b, ",'protocolVersion':5", press, out(`,'contentType':'fixed/type','expiry':'60','userProps':'{\'a\':\'b\'}'`)))
	p := b.accept()
	s.Until("status/o", "status.connected")
	s.Press("i", "[{'p':'payload','v':'x','vt':'str'},{'p':'topic','v':'t','vt':'str'},{'p':'contentType','v':'mine','vt':'str'},"+
		"{'p':'responseTopic','v':'r','vt':'str'},{'p':'correlationData','v':'[1]','vt':'bin'},{'p':'payloadFormatIndicator','v':'true','vt':'bool'}]")
	m := p.publish()
	if string(m.Props.ContentType) != "fixed/type" || m.Props.Expiry != 60 || string(m.Props.ResponseTopic) != "r" ||
		string(m.Props.Correlation) != "\x01" || m.Props.PayloadFormat != 1 || string(m.Props.User) != string(mqtt.AppendUserProperty(nil, "a", "b")) {
		t.Errorf("%+v", m.Props)
	}
	s.Press("i", "[{'p':'payload','v':'x','vt':'str'},{'p':'responseTopic','v':'reply','vt':'str'}]")
	if m := p.publish(); string(m.Topic) != "reply" {
		t.Errorf("topic %s, want that of responseTopic", m.Topic)
	}
}

func TestMQTTStatusFollowsTheConnection(t *testing.T) {
	s, b := start(t)
	s.Load(flow.DeployFull, file(b, "", out("")))
	p := b.accept()
	s.Until("status/o", `"text":"node-red:common.status.connected","fill":"green","shape":"dot"`)
	_ = p.conn.Close()
	s.Until("status/o", `"text":"node-red:common.status.disconnected","fill":"red","shape":"ring"`)
}

func TestMQTTRefusedConnectionIsShown(t *testing.T) {
	s, b := start(t)
	b.ack = mqtt.Connack{Reason: mqtt.NotAuthorized, MaxQoS: 2}
	s.Load(flow.DeployFull, file(b, ",'clientid':'me'", out("")))
	m := s.Debug()
	if text, _ := m["msg"].(string); m["id"] != "b" || m["level"] != 30.0 || !strings.HasPrefix(text, "Connection failed to broker: me@mqtt://127.0.0.1:"+b.port()+": ") {
		t.Error(m)
	}
}

func TestMQTTDynamicSubscriptions(t *testing.T) {
	s, b := start(t)
	s.Load(flow.DeployFull, file(b, "", strings.Replace(press, "'o'", "'in'", 1), in(",'topic':'','inputs':1,'datatype':'utf8'"), show))
	p := b.accept()
	s.Until("status/in", "status.connected")
	s.Press("i", "[{'p':'action','v':'subscribe','vt':'str'},{'p':'topic','v':'[{\\'topic\\':\\'a/+\\',\\'qos\\':1},\\'b\\']','vt':'json'}]")
	if sub := p.subscribe(); string(sub.Filters[0].Filter) != "a/+" || sub.Filters[0].QoS != 1 {
		t.Errorf("%+v", sub)
	}
	if sub := p.subscribe(); string(sub.Filters[0].Filter) != "b" || sub.Filters[0].QoS != 2 {
		t.Errorf("%+v", sub)
	}
	p.give("a/x", "1")
	if got := message(t, s); !strings.Contains(got, `"topic":"a/x","payload":"1"`) {
		t.Error(got)
	}
	s.Press("i", "[{'p':'action','v':'getSubscriptions','vt':'str'}]")
	if got := s.Debug()["msg"].(string); !strings.Contains(got, `"topic":"subscriptions","payload":[{"topic":"a/+","qos":1},{"topic":"b","qos":2}]`) {
		t.Error(got)
	}
	s.Press("i", "[{'p':'action','v':'unsubscribe','vt':'str'},{'p':'topic','v':'true','vt':'bool'}]")
	for range 2 {
		if _, ok := p.next(mqtt.UNSUBSCRIBE); !ok {
			t.Fatal("no UNSUBSCRIBE")
		}
	}
	s.Press("i", "[{'p':'action','v':'dance','vt':'str'}]")
	if got := s.Next("debug"); !strings.Contains(got, "Invalid action specified") {
		t.Error(got)
	}
}

func TestMQTTConnectAndDisconnectByMessage(t *testing.T) {
	s, b := start(t)
	s.Load(flow.DeployFull, file(b, ",'autoConnect':false,'clientid':'first'", press, out("")))
	s.Until("status/o", "disconnected")
	s.Press("i", "[{'p':'action','v':'connect','vt':'str'},{'p':'broker','v':'{\\'clientid\\':\\'second\\',\\'username\\':\\'u\\',\\'password\\':\\'p\\'}','vt':'json'}]")
	p := b.accept()
	if string(p.connect.ClientID) != "second" || string(p.connect.User) != "u" || string(p.connect.Password) != "p" {
		t.Errorf("%+v", p.connect)
	}
	s.Until("status/o", "status.connected")
	s.Press("i", "[{'p':'action','v':'connect','vt':'str'},{'p':'broker','v':'{\\'clientid\\':\\'third\\'}','vt':'json'}]")
	if got := s.Next("debug"); !strings.Contains(got, "Disconnect from broker before connecting") {
		t.Error(got)
	}
	s.Press("i", "[{'p':'action','v':'connect','vt':'str'},{'p':'broker','v':'{\\'clientid\\':\\'third\\',\\'force\\':true}','vt':'json'}]")
	if _, ok := p.next(mqtt.DISCONNECT); !ok {
		t.Error("no DISCONNECT")
	}
	if p = b.accept(); string(p.connect.ClientID) != "third" {
		t.Errorf("%+v", p.connect)
	}
	s.Until("status/o", "status.connected")
	s.Press("i", "[{'p':'action','v':'disconnect','vt':'str'}]")
	if _, ok := p.next(mqtt.DISCONNECT); !ok {
		t.Error("no DISCONNECT")
	}
	s.Until("status/o", "disconnected")
}

func TestMQTTRedeployOfOneNodeKeepsTheConnection(t *testing.T) {
	s, b := start(t)
	s.Load(flow.DeployFull, file(b, "", in(",'topic':'a'"), out(""), show))
	p := b.accept()
	p.subscribe()
	s.Until("status/in", "status.connected")
	s.Load(flow.DeployNodes, file(b, "", in(",'topic':'b'"), out(""), show))
	if _, ok := p.next(mqtt.UNSUBSCRIBE); !ok {
		t.Fatal("the connection ended")
	}
	if sub := p.subscribe(); string(sub.Filters[0].Filter) != "b" {
		t.Errorf("%+v", sub)
	}
	p.give("b", "x")
	if got := message(t, s); !strings.Contains(got, `"topic":"b"`) {
		t.Error(got)
	}
}

func TestMQTTKeptSubscriptionOfANodeThatComesBack(t *testing.T) {
	s, b := start(t)
	s.Load(flow.DeployFull, file(b, ",'autoUnsubscribe':false", in(",'topic':'a'"), out(""), show))
	p := b.accept()
	p.subscribe()
	s.Until("status/in", "status.connected")
	s.Load(flow.DeployNodes, file(b, ",'autoUnsubscribe':false", in(",'topic':'a','name':'renamed'"), out(""), show))
	if sub := p.subscribe(); string(sub.Filters[0].Filter) != "a" {
		t.Errorf("%+v", sub)
	}
	s.Load(flow.DeployNodes, file(b, ",'autoUnsubscribe':false", in(",'topic':'b','name':'renamed'"), out(""), show))
	if f, ok := p.next(mqtt.UNSUBSCRIBE); !ok {
		t.Fatal("the old topic stays subscribed", f)
	}
}
