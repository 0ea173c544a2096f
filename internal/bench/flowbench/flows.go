package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A flow file is built of these parts; BROKERPORT becomes the port of the broker.

const (
	topicIn, topicOut = "bench/in", "bench/out"
	brokerNode        = `{"id":"b","type":"mqtt-broker","name":"","broker":"127.0.0.1","port":"BROKERPORT","clientid":"","autoConnect":true,"usetls":false,"protocolVersion":"4","keepalive":"60","cleansession":true,"autoUnsubscribe":true,"birthTopic":"","birthQos":"0","birthPayload":"","birthMsg":{},"closeTopic":"","closeQos":"0","closePayload":"","closeMsg":{},"willTopic":"","willQos":"0","willPayload":"","willMsg":{},"userProps":"","sessionExpiry":""}`
)

// node is one node on the tab: its fields beside id and wires, and the ids that it is wired to.
func node(id, typ, fields string, to ...string) string {
	wires := []byte("[]")
	if len(to) > 0 {
		wires, _ = json.Marshal([][]string{to}) // strings
	}
	if fields != "" {
		fields = "," + fields
	}
	return fmt.Sprintf(`{"id":%q,"type":%q,"z":"t","name":"","x":100,"y":100%s,"wires":%s}`, id, typ, fields, wires)
}

func tab(nodes ...string) string {
	return `[{"id":"t","type":"tab","label":"bench","disabled":false,"info":"","env":[]},` + strings.Join(nodes, ",") + `]`
}

func mqttIn(datatype string, to ...string) string {
	return node("in", "mqtt in", fmt.Sprintf(`"topic":%q,"qos":"0","datatype":%q,"broker":"b","nl":false,"rap":true,"rh":0,"inputs":0`, topicIn, datatype), to...)
}

func mqttOut() string {
	return node("out", "mqtt out", fmt.Sprintf(`"topic":%q,"qos":"0","retain":"false","respTopic":"","contentType":"","userProps":"","correl":"","expiry":"","broker":"b"`, topicOut))
}

func function(id, body string, to ...string) string {
	text, _ := json.Marshal(body) // a string
	return node(id, "function", fmt.Sprintf(`"func":%s,"outputs":1,"timeout":0,"noerr":0,"initialize":"","finalize":"","libs":[]`, text), to...)
}

var (
	passFlow     = tab(brokerNode, mqttIn("utf8", "out"), mqttOut())
	functionFlow = tab(brokerNode, mqttIn("utf8", "f"), mqttOut(),
		function("f", "const d = JSON.parse(msg.payload);\nd.f = d.t * 1.8 + 32;\nmsg.payload = d;\nreturn msg;", "out"))
	chainFlow = tab(brokerNode, mqttIn("utf8", "j"), mqttOut(),
		node("j", "json", `"property":"payload","action":"","pretty":false`, "s"),
		node("s", "switch", `"property":"payload.t","propertyType":"msg","rules":[{"t":"gte","v":"0","vt":"num"}],"checkall":"true","repair":false,"outputs":1`, "c"),
		node("c", "change", `"rules":[{"t":"set","p":"payload.unit","pt":"msg","to":"C","tot":"str"},{"t":"move","p":"payload.loc.room","pt":"msg","to":"room","tot":"msg"}],"action":"","property":"","from":"","to":"","reg":false`, "m"),
		node("m", "template", `"field":"payload","fieldType":"msg","format":"handlebars","syntax":"mustache","template":"{\"n\":{{payload.n}},\"text\":\"{{room}}: {{payload.t}} {{payload.unit}}\"}","output":"str"`, "out"))
	fanFlow = tab(append([]string{brokerNode, mqttIn("json", "f0", "f1", "f2", "f3"), mqttOut()}, fanFunctions()...)...)

	jsonataFlow = tab(brokerNode, mqttIn("json", "c"), mqttOut(),
		node("c", "change", `"rules":[{"t":"set","p":"payload","pt":"msg","to":"{\"n\": payload.n, \"f\": payload.t * 1.8 + 32, \"room\": payload.loc.room, \"hot\": payload.t > 25}","tot":"jsonata"}],"action":"","property":"","from":"","to":"","reg":false`, "out"))
	heavyFlow = tab(brokerNode, mqttIn("utf8", "f"), mqttOut(), function("f", heavyBody, "out"))
	httpFlow  = tab(node("in", "http in", `"url":"/bench","method":"get","upload":false,"swaggerDoc":""`, "f"),
		function("f", "msg.payload = { n: Number(msg.req.query.n), ok: true };\nreturn msg;", "out"),
		node("out", "http response", `"statusCode":"","headers":{}`))
	loopFlow = tab(brokerNode, mqttIn("json", "s"), mqttOut(),
		node("s", "split", `"splt":"\\n","spltType":"str","arraySplt":1,"arraySpltType":"len","stream":false,"addname":"","property":"payload"`, "f"),
		function("f", "msg.payload = msg.payload * 2;\nreturn msg;", "j"),
		node("j", "join", `"mode":"auto","build":"object","property":"payload","propertyType":"msg","key":"topic","joiner":"\\n","joinerType":"str","useparts":true,"accumulate":false,"timeout":"","count":"","reduceRight":false,"reduceExp":"","reduceInit":"","reduceInitType":"","reduceFixup":""`, "out"))
)

const heavyBody = `const d = JSON.parse(msg.payload);
let crc = -1;
for (let i = 0; i < 1024; i++) {
    crc ^= (d.n + i) & 255;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xEDB88320 : crc >>> 1;
}
msg.payload = { n: d.n, crc: ~crc >>> 0 };
return msg;`

func fanFunctions() (list []string) {
	for i := range 4 {
		list = append(list, function(fmt.Sprintf("f%d", i), fmt.Sprintf("msg.payload = { n: msg.payload.n, k: %d, f: msg.payload.t * 1.8 + 32 };\nreturn msg;", i), "out"))
	}
	return list
}
