package mqtt

// Pair is one user property [MQTT-3.1.3-10].
type Pair struct{ Key, Value string }

// PublishProps are the properties of a PUBLISH or of a will. Zero values mean that a property is absent, but
// for those that a Has field guards. Byte slices view the buffer.
type PublishProps struct {
	PayloadFormat   byte // 1: UTF-8
	FormatTold      bool // PayloadFormat is 0 and stands there all the same; it is passed on as it came [MQTT-3.3.2-4]
	HasExpiry       bool
	Expiry          uint32 // seconds
	TopicAlias      uint16 // 0: none
	ResponseTopic   []byte
	Correlation     []byte
	HasCorrelation  bool
	ContentType     []byte
	User            []byte   // user properties as encoded on the wire, identifiers included, checked; nil: none
	SubscriptionIDs []uint32 // only towards clients
}

// Publish is a PUBLISH packet.
type Publish struct {
	Dup      bool
	QoS      byte
	Retain   bool
	Topic    []byte
	PacketID uint16 // 0 at QoS 0
	Props    PublishProps
	Payload  []byte
}

// Will is what CONNECT asks to have published when the connection ends unasked.
type Will struct {
	QoS     byte
	Retain  bool
	Delay   uint32 // seconds
	Topic   []byte
	Props   PublishProps
	Payload []byte
}

// Connect is a CONNECT packet.
type Connect struct {
	Version     Version
	Clean       bool   // Clean Session, or Clean Start in 5.0
	Bridge      bool   // before 5.0, by Mosquitto's convention: not to be sent its own messages, and retained ones as such
	KeepAlive   uint16 // seconds, 0: off
	ClientID    []byte
	HasUser     bool
	User        []byte
	HasPassword bool
	Password    []byte
	Will        *Will

	// Properties of 5.0; in older versions as the defaults of the standard say.
	SessionExpiry    uint32 // seconds, 0xFFFFFFFF: never
	HasSessionExpiry bool
	ReceiveMaximum   uint16 // 65535 when absent
	MaxPacket        uint32 // bytes, 0: no limit
	TopicAliasMax    uint16
	RequestResponse  bool
	RequestProblem   bool // true when absent
	UserProps        []Pair
	AuthMethod       string
	AuthData         []byte
}

// Connack is a CONNACK packet. Server capabilities are written only when they differ from the standard's default.
type Connack struct {
	SessionPresent     bool
	Reason             Reason // of 5.0; Append turns it into the return code of older versions
	SessionExpiry      uint32
	HasSessionExpiry   bool
	ReceiveMaximum     uint16 // 0: absent
	MaxQoS             byte   // 2: absent
	RetainUnavailable  bool
	MaxPacket          uint32 // bytes, 0: absent
	AssignedID         string
	TopicAliasMax      uint16
	ReasonString       string
	UserProps          []Pair
	NoWildcards        bool
	NoSubscriptionIDs  bool
	NoShared           bool
	ServerKeepAlive    uint16
	HasServerKeepAlive bool
	ResponseInfo       string
	ServerReference    string
	AuthMethod         string
	AuthData           []byte
}

// Ack is a PUBACK, PUBREC, PUBREL or PUBCOMP packet.
type Ack struct {
	Type         Type
	PacketID     uint16
	Reason       Reason
	ReasonString string
	UserProps    []Pair
}

// Subscription is one filter of a SUBSCRIBE with its options.
type Subscription struct {
	Filter            []byte
	QoS               byte
	NoLocal           bool
	RetainAsPublished bool
	RetainHandling    byte // 0: send, 1: send if new, 2: don't
}

// Subscribe is a SUBSCRIBE packet.
type Subscribe struct {
	PacketID       uint16
	SubscriptionID uint32 // 0: none
	UserProps      []Pair
	Filters        []Subscription
}

// Unsubscribe is an UNSUBSCRIBE packet.
type Unsubscribe struct {
	PacketID  uint16
	UserProps []Pair
	Filters   [][]byte
}

// Suback is a SUBACK or UNSUBACK packet; in 3.1.1 an UNSUBACK has no codes.
type Suback struct {
	Type         Type
	PacketID     uint16
	Reasons      []Reason
	ReasonString string
	UserProps    []Pair
}

// Disconnect is a DISCONNECT packet. Only 5.0 has a body, and only there the server sends it.
type Disconnect struct {
	Reason           Reason
	SessionExpiry    uint32
	HasSessionExpiry bool
	ReasonString     string
	UserProps        []Pair
	ServerReference  string
}

// Auth is an AUTH packet of 5.0.
type Auth struct {
	Reason       Reason
	Method       string
	Data         []byte
	ReasonString string
	UserProps    []Pair
}
