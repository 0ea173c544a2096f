package account

import "time"

// Bridge carries messages between an instance and another broker. Primary key (Instance, ID); parent Instance.
type Bridge struct {
	Instance  string
	ID        string // random
	Name      string
	Enabled   bool   // it runs; otherwise messages wait for it
	Address   string // mqtts://, wss:// or mqtt:// with host, and port where it isn't the usual one
	Roots     string // PEM of the authorities of the other broker's certificate; "": the system's
	ClientID  string // on the other broker
	User      string // on the other broker; "" for none
	Sealed    []byte // its password under the key file; nil: none
	Version   BridgeVersion
	KeepAlive int // seconds
	Topics    []BridgeTopic
	CreatedAt time.Time
}

// BridgeVersion is the protocol that a bridge speaks.
type BridgeVersion string

// The versions.
const (
	BridgeV5   BridgeVersion = "5.0"
	BridgeV311 BridgeVersion = "3.1.1"
)

// BridgeTopic is one line of a bridge: what matches Filter behind the prefix of one side goes to the other side under that
// one's prefix.
type BridgeTopic struct {
	Direction BridgeDirection `json:"direction"`
	Filter    string          `json:"filter"`
	Local     string          `json:"local"`  // prefix on the instance
	Remote    string          `json:"remote"` // prefix on the other broker
	QoS       int             `json:"qos"`    // at most
}

// BridgeDirection says which way a line goes.
type BridgeDirection string

// The directions.
const (
	BridgeIn   BridgeDirection = "in"  // to the instance
	BridgeOut  BridgeDirection = "out" // from the instance
	BridgeBoth BridgeDirection = "both"
)

func (Bridge) row() {}
