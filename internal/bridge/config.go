package bridge

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"time"

	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// The directions of a Topic.
const (
	In   = "in"   // from the remote broker to the instance
	Out  = "out"  // from the instance to the remote broker
	Both = "both" //
)

// Config is one bridge. What is wrong with it shows in its State: it is checked where it is made.
type Config struct {
	Instance  string
	ID        string // the same for the life of the bridge; names its local session
	Name      string
	Address   string        // mqtts://host[:port], wss://host[:port]/path, or mqtt://host[:port]
	Roots     string        // PEM of the authorities of the remote broker's certificate; "": the system's
	AlsoRoots string        // PEM of authorities to trust besides the system's, where Roots is ""
	ClientID  string        // on the remote broker
	User      string        //
	Password  string        //
	Version   mqtt.Version  // V311 or V5
	KeepAlive time.Duration //
	Topics    []Topic
}

// Topic is one line: what matches Filter behind the prefix of one side goes to the other side under that one's prefix.
type Topic struct {
	Direction string
	Filter    string
	Local     string // prefix on the instance
	Remote    string // prefix on the remote broker
	QoS       byte   // at most
}

func (t *Topic) in() bool  { return t.Direction != Out }
func (t *Topic) out() bool { return t.Direction != In }

// LocalID is the client identifier of a bridge's session on its own instance.
func LocalID(id string) string { return "bridge-" + id }

// plain says whether the connection has no TLS.
func (c *Config) plain() bool {
	return strings.HasPrefix(c.Address, "mqtt://") || strings.HasPrefix(c.Address, "ws://")
}

// remote are the options of a connection to the remote broker.
func (c *Config) remote(o *Options) (mqttclient.Options, error) {
	out := mqttclient.Options{
		Addr: c.Address, Version: c.Version, ClientID: c.ClientID, KeepAlive: c.KeepAlive, User: c.User, Dial: o.Dial,
		SessionExpiry: mqtt.SessionForever, ReceiveMaximum: receiveMaximum, WriteTimeout: writeTimeout,
		UserProps: []mqtt.Pair{{Key: brokerBridge, Value: o.Origin(c.Instance)}},
	}
	if c.Password != "" {
		out.Password = []byte(c.Password)
		out.HasUser = out.HasUser || c.Version != mqtt.V5
	}
	if c.plain() {
		out.Dial = o.DialPlain
		return out, nil
	}
	out.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if c.AlsoRoots != "" && c.Roots == "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return out, err
		}
		pool.AppendCertsFromPEM([]byte(c.AlsoRoots))
		out.TLS.RootCAs = pool
	}
	if c.Roots != "" {
		out.TLS.RootCAs = x509.NewCertPool()
		if !out.TLS.RootCAs.AppendCertsFromPEM([]byte(c.Roots)) {
			return out, fault.New(fault.Roots)
		}
	}
	return out, nil
}
