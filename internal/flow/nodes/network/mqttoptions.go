package network

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// Bounds of one connection: what may wait to be sent, the pause between attempts, which is
// Node-RED's, and how long messages that come by the thousand are gathered.
const (
	outboxMessages = 100_000
	outboxBytes    = 64 << 20
	retryEvery     = 5 * time.Second
	gatherFor      = 1000 * time.Microsecond
)

// url is where the broker is.
func (s *settings) url() string {
	if u := s.text("url"); u != "" {
		return u
	}
	host := s.text("broker")
	if strings.Contains(host, "://") {
		return host
	}
	scheme := "mqtt://"
	if s.flag("usetls", false) {
		scheme = "mqtts://"
	}
	if host == "" {
		return scheme + "localhost:1883"
	}
	port := s.text("port")
	if port == "" {
		port = "1883"
	}
	return scheme + net.JoinHostPort(strings.Trim(host, "[]"), port)
}

var password = regexp.MustCompile(`(://[^/:@]*):[^/@]*@`)

// redact takes the password out of a URL.
func redact(u string) string { return password.ReplaceAllString(u, "$1:…@") }

// options makes the options of a client from the dialog.
func (n *broker) options(conn *connection) (mqttclient.Options, error) {
	s := &n.settings
	o := mqttclient.Options{
		Addr: s.url(), Version: s.version(), ClientID: s.text("clientid"), Clean: s.flag("cleansession", true),
		KeepAlive: s.keepAlive(), RetryMin: retryEvery, RetryMax: retryEvery, ConnectTimeout: 30 * time.Second,
		OutboxMessages: outboxMessages, OutboxBytes: outboxBytes, Gather: gatherFor, Log: n.b.Options().Log,
	}
	if o.ClientID == "" {
		o.ClientID = "nodered" + flow.NewID()
	}
	if s.user != nil {
		o.User, o.HasUser = *s.user, true
	}
	if s.password != nil {
		o.Password = []byte(*s.password)
	}
	if o.Password != nil && !o.HasUser {
		o.HasUser = o.Version != mqtt.V5
	}
	if s.will != nil {
		o.Will, o.WillDelay = s.will.message(o.Version == mqtt.V5), s.will.delay
	}
	if o.Version == mqtt.V5 {
		o.RequestResponse = true
		o.SessionExpiry = s.sessionExpiry()
		if text := s.o.Get("userProperties"); text.Defined() {
			o.UserProps = userProps(text)
		}
	}
	if err := n.secure(&o); err != nil {
		return o, err
	}
	n.callbacks(conn, &o)
	return o, nil
}

// secure sets TLS where the address or the dialog asks for it. Certificates are always
// verified unless a tls-config node says no: sending a password to whoever answers is worse
// than an error.
func (n *broker) secure(o *mqttclient.Options) (err error) {
	scheme, _, _ := strings.Cut(o.Addr, "://")
	switch scheme {
	case "mqtts", "ssl", "tls", "wss":
	default:
		return nil
	}
	if n.settings.flag("usetls", false) {
		o.TLS, err = tlsOf(n.b, n.settings.tls)
	} else {
		o.TLS, err = defaultTLS(n.b)
	}
	return err
}

// callbacks brings what the client tells to the loop. Messages wait for room there, so that
// a flow that can't keep up slows the broker down.
func (n *broker) callbacks(conn *connection, o *mqttclient.Options) {
	dial := n.b.Options().Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		n.current(conn, n.onAttempt)
		return dial(ctx, network, addr)
	}
	clean := o.Clean && o.SessionExpiry == 0
	o.OnConnect = func(ack *mqtt.Connack) { n.current(conn, func() { n.onConnect(conn, ack) }) }
	o.OnDisconnect = func(err error) { n.current(conn, func() { n.onDisconnect(conn, err) }) }
	o.OnMessages = func(all []*mqttclient.Message) {
		bytes := 0
		for _, m := range all {
			bytes += len(m.Payload) + len(m.Topic)
		}
		taken := n.b.DoSized(bytes, func() { n.dispatch(conn, all) })
		if taken || clean {
			return
		}
		for _, m := range all {
			if m.QoS > 0 { // the session will bring it again
				m.Refuse()
			}
		}
	}
	o.OnRefused = func(filter string, why mqtt.Reason) {
		n.current(conn, func() { n.refused(filter, why) })
	}
}

// reason is why a connection ended or did not come about.
type reason struct {
	text       string
	fromServer bool
	tls        bool
}

func (r reason) behind() string {
	if r.text == "" {
		return ""
	}
	return ": " + r.text
}

func reasonOf(err error) reason {
	if err == nil {
		return reason{}
	}
	r := reason{text: err.Error()}
	var (
		server *mqttclient.ServerError
		cert   *tls.CertificateVerificationError
		parse  *url.Error
	)
	r.fromServer = errors.As(err, &server)
	r.tls = errors.As(err, &cert)
	if errors.As(err, &parse) {
		r.text = redact(r.text)
	}
	return r
}
