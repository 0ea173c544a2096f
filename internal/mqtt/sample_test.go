package mqtt

// sample is a packet with what its bytes must be, in the form of one version.
type sample struct {
	name    string
	version Version
	packet  any
	wire    []byte
}

// wire writes a frame: first byte, remaining length (of one byte), body parts (byte, int as byte, string, []byte).
func wire(first byte, parts ...any) []byte {
	body := cat(parts...)
	return append(appendVarint([]byte{first}, len(body)), body...)
}

// cat joins bytes; an lstr comes with its two bytes of length.
func cat(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case string:
			b = append(b, p...)
		case lstr:
			b = appendText(b, string(p))
		case []byte:
			b = append(b, p...)
		case Reason:
			b = append(b, byte(p))
		}
	}
	return b
}

// lstr is a string with its length in front.
type lstr string

// block is a property block with its length in front.
func block(parts ...any) []byte {
	b := cat(parts...)
	return append(appendVarint(nil, len(b)), b...)
}

var userProp = cat(0x26, lstr("k"), lstr("v"))

var samples = []sample{
	{"connect 3.1", V31, &Connect{Version: V31, Clean: true, KeepAlive: 60, ClientID: []byte("c"),
		ReceiveMaximum: 65535, RequestProblem: true},
		wire(0x10, lstr("MQIsdp"), 3, 2, 0, 60, lstr("c"))},
	{"connect 3.1.1 with all", V311, &Connect{Version: V311, ClientID: []byte("c"), HasUser: true, User: []byte("u"),
		HasPassword: true, Password: []byte{0, 0xFF}, ReceiveMaximum: 65535, RequestProblem: true,
		SessionExpiry: SessionForever, Will: &Will{QoS: 2, Retain: true, Topic: []byte("w"), Payload: []byte("p")}},
		wire(0x10, lstr("MQTT"), 4, 0xF4, 0, 0, lstr("c"), lstr("w"), lstr("p"), lstr("u"), 0, 2, 0, 0xFF)},
	{"connect 5 bare", V5, &Connect{Version: V5, Clean: true, KeepAlive: 258, ClientID: []byte{},
		ReceiveMaximum: 65535, RequestProblem: true},
		wire(0x10, lstr("MQTT"), 5, 2, 1, 2, 0, lstr(""))},
	{"connect 5 with all", V5, &Connect{Version: V5, ClientID: []byte("c"), HasPassword: true, Password: []byte("p"),
		SessionExpiry: 10, HasSessionExpiry: true, ReceiveMaximum: 7, MaxPacket: 1000, TopicAliasMax: 3,
		RequestResponse: true, UserProps: []Pair{{"k", "v"}}, AuthMethod: "m", AuthData: []byte{1},
		Will: &Will{QoS: 1, Delay: 5, Topic: []byte("w"), Payload: []byte("p"), Props: PublishProps{PayloadFormat: 1,
			HasExpiry: true, Expiry: 9, ContentType: []byte("t"), ResponseTopic: []byte("r"), HasCorrelation: true,
			Correlation: []byte("x"), User: userProp}}},
		wire(0x10, lstr("MQTT"), 5, 0x4C, 0, 0, block(0x11, 0, 0, 0, 10, 0x21, 0, 7, 0x27, 0, 0, 3, 0xE8, 0x22, 0, 3,
			0x19, 1, 0x17, 0, userProp, 0x15, lstr("m"), 0x16, lstr("\x01")), lstr("c"),
			block(0x18, 0, 0, 0, 5, 0x01, 1, 0x02, 0, 0, 0, 9, 0x08, lstr("r"), 0x09, lstr("x"), 0x03, lstr("t"), userProp),
			lstr("w"), lstr("p"), lstr("p"))},
	{"connack 3.1.1", V311, &Connack{SessionPresent: true, MaxQoS: 2}, wire(0x20, 1, 0)},
	{"connack 3.1.1 refused", V311, &Connack{Reason: BadUserNameOrPassword, MaxQoS: 2}, wire(0x20, 0, 4)},
	{"connack 3.1", V31, &Connack{Reason: NotAuthorized, MaxQoS: 2}, wire(0x20, 0, 5)},
	{"connack 5 bare", V5, &Connack{MaxQoS: 2}, wire(0x20, 0, 0, 0)},
	{"connack 5 with all", V5, &Connack{SessionPresent: true, SessionExpiry: 1, HasSessionExpiry: true,
		ReceiveMaximum: 2, MaxQoS: 1, RetainUnavailable: true, MaxPacket: 300, AssignedID: "id", TopicAliasMax: 4,
		ReasonString: "why", UserProps: []Pair{{"k", "v"}}, NoWildcards: true, NoSubscriptionIDs: true, NoShared: true,
		ServerKeepAlive: 0, HasServerKeepAlive: true, ResponseInfo: "ri", ServerReference: "sr", AuthMethod: "m",
		AuthData: []byte{}},
		wire(0x20, 1, 0, block(0x11, 0, 0, 0, 1, 0x21, 0, 2, 0x24, 1, 0x25, 0, 0x27, 0, 0, 1, 44, 0x22, 0, 4, 0x28, 0,
			0x29, 0, 0x2A, 0, 0x13, 0, 0, 0x12, lstr("id"), 0x1A, lstr("ri"), 0x1C, lstr("sr"), 0x15, lstr("m"),
			0x16, lstr(""), 0x1F, lstr("why"), userProp))},
	{"publish QoS 0", V311, &Publish{Topic: []byte("a/b"), Payload: []byte("hi")}, wire(0x30, lstr("a/b"), "hi")},
	{"publish QoS 2 dup retain", V31, &Publish{Dup: true, QoS: 2, Retain: true, Topic: []byte("a"), PacketID: 258,
		Payload: []byte{}}, wire(0x3D, lstr("a"), 1, 2)},
	{"publish 5 bare", V5, &Publish{QoS: 1, Topic: []byte("a"), PacketID: 1, Payload: []byte("x")},
		wire(0x32, lstr("a"), 0, 1, 0, "x")},
	{"publish 5 with all", V5, &Publish{Topic: []byte{}, Payload: []byte("x"), Props: PublishProps{PayloadFormat: 1,
		HasExpiry: true, Expiry: 0, TopicAlias: 9, ResponseTopic: []byte("r"), Correlation: []byte{}, HasCorrelation: true,
		ContentType: []byte{}, SubscriptionIDs: []uint32{1, 200}, User: cat(userProp, userProp)}},
		wire(0x30, lstr(""), block(0x01, 1, 0x02, 0, 0, 0, 0, 0x23, 0, 9, 0x08, lstr("r"), 0x09, lstr(""), 0x03, lstr(""),
			0x0B, 1, 0x0B, 0xC8, 1, userProp, userProp), "x")},
	{"puback 3.1.1", V311, &Ack{Type: PUBACK, PacketID: 7}, wire(0x40, 0, 7)},
	{"puback 5 success", V5, &Ack{Type: PUBACK, PacketID: 7}, wire(0x40, 0, 7)},
	{"pubrec 5 with code", V5, &Ack{Type: PUBREC, PacketID: 7, Reason: QuotaExceeded}, wire(0x50, 0, 7, 0x97)},
	{"pubrel", V5, &Ack{Type: PUBREL, PacketID: 7, Reason: PacketIdentifierNotFound, ReasonString: "s",
		UserProps: []Pair{{"k", "v"}}}, wire(0x62, 0, 7, 0x92, block(0x1F, lstr("s"), userProp))},
	{"pubcomp", V31, &Ack{Type: PUBCOMP, PacketID: 0xFFFF}, wire(0x70, 0xFF, 0xFF)},
	{"subscribe 3.1.1", V311, &Subscribe{PacketID: 2, Filters: []Subscription{{Filter: []byte("a/#"), QoS: 1},
		{Filter: []byte("+")}}}, wire(0x82, 0, 2, lstr("a/#"), 1, lstr("+"), 0)},
	{"subscribe 5", V5, &Subscribe{PacketID: 2, SubscriptionID: 128, UserProps: []Pair{{"k", "v"}}, Filters: []Subscription{
		{Filter: []byte("a"), QoS: 2, NoLocal: true, RetainAsPublished: true, RetainHandling: 2}}},
		wire(0x82, 0, 2, block(0x0B, 0x80, 1, userProp), lstr("a"), 0x2E)},
	{"suback 3.1.1", V311, &Suback{Type: SUBACK, PacketID: 2, Reasons: []Reason{1, 0x80}}, wire(0x90, 0, 2, 1, 0x80)},
	{"suback 5", V5, &Suback{Type: SUBACK, PacketID: 2, Reasons: []Reason{2, TopicFilterInvalid}, ReasonString: "s",
		UserProps: []Pair{{"k", "v"}}}, wire(0x90, 0, 2, block(0x1F, lstr("s"), userProp), 2, 0x8F)},
	{"unsubscribe 3.1.1", V311, &Unsubscribe{PacketID: 3, Filters: [][]byte{[]byte("a"), []byte("b")}},
		wire(0xA2, 0, 3, lstr("a"), lstr("b"))},
	{"unsubscribe 5", V5, &Unsubscribe{PacketID: 3, UserProps: []Pair{{"k", "v"}}, Filters: [][]byte{[]byte("a")}},
		wire(0xA2, 0, 3, block(userProp), lstr("a"))},
	{"unsuback 3.1.1", V311, &Suback{Type: UNSUBACK, PacketID: 3}, wire(0xB0, 0, 3)},
	{"unsuback 5", V5, &Suback{Type: UNSUBACK, PacketID: 3, Reasons: []Reason{NoSubscriptionExisted}},
		wire(0xB0, 0, 3, 0, 0x11)},
	{"pingreq", V311, PINGREQ, wire(0xC0)},
	{"pingresp", V5, PINGRESP, wire(0xD0)},
	{"disconnect 3.1.1", V311, &Disconnect{}, wire(0xE0)},
	{"disconnect 5 normal", V5, &Disconnect{}, wire(0xE0)},
	{"disconnect 5 with code", V5, &Disconnect{Reason: ServerShuttingDown}, wire(0xE0, 0x8B)},
	{"disconnect 5 with all", V5, &Disconnect{Reason: UseAnotherServer, SessionExpiry: 5, HasSessionExpiry: true,
		ReasonString: "s", ServerReference: "r", UserProps: []Pair{{"k", "v"}}},
		wire(0xE0, 0x9C, block(0x11, 0, 0, 0, 5, 0x1C, lstr("r"), 0x1F, lstr("s"), userProp))},
	{"auth success", V5, &Auth{}, wire(0xF0)},
	{"auth", V5, &Auth{Reason: ContinueAuthentication, Method: "m", Data: []byte{1}, ReasonString: "s",
		UserProps: []Pair{{"k", "v"}}},
		wire(0xF0, 0x18, block(0x15, lstr("m"), 0x16, lstr("\x01"), 0x1F, lstr("s"), userProp))},
}
