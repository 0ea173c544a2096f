package cli

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// common are the options that pub and sub share.
type common struct {
	host, url, user, password, id, version string
	cafile, cert, key                      string
	port, qos                              int
	keepAlive                              int // seconds
	sessionExpiry                          int64
	persistent, insecure, tls              bool
	debug, quiet                           bool
	willTopic, willPayload                 string
	willQoS                                int
	willRetain                             bool

	flags *pflag.FlagSet
	web   string // ws or wss URL
}

// declare adds the shared options to flags.
func (c *common) declare(flags *pflag.FlagSet) {
	c.flags = flags
	flags.SortFlags = false
	flags.StringVarP(&c.host, "host", "h", "localhost", "`host` of the broker")
	flags.IntVarP(&c.port, "port", "p", 0, "`port` of the broker (default 1883, with TLS 8883)")
	flags.StringVarP(&c.url, "url", "L", "", "`URL` with all in one: mqtt[s]://[user[:password]@]host[:port]/topic, or ws[s]://host[:port]/path with -t")
	flags.StringVarP(&c.user, "username", "u", "", "`user`; with Tsunagi instance:user")
	flags.StringVarP(&c.password, "pw", "P", "", "`password`; better in the environment variable TSUNAGI_PASSWORD")
	flags.StringVarP(&c.id, "id", "i", "", "client `id` (default a random one)")
	flags.IntVarP(&c.qos, "qos", "q", 0, "`quality` of service: 0, 1 or 2")
	flags.StringVarP(&c.version, "protocol-version", "V", "", "`version` 31, 311 or 5 (default 5, then 311 if the broker wants that)")
	flags.BoolVarP(&c.persistent, "disable-clean-session", "c", false, "keep the session when the connection ends; needs -i")
	flags.Int64VarP(&c.sessionExpiry, "session-expiry-interval", "x", -1, "`seconds` the session of -c is kept, -1: always (5.0)")
	flags.IntVarP(&c.keepAlive, "keepalive", "k", 60, "keep-alive in `seconds`, 0: off")
	flags.StringVar(&c.cafile, "cafile", "", "TLS with the authority in this PEM `file`")
	flags.BoolVar(&c.tls, "tls", false, "TLS with the authorities of this system")
	flags.StringVar(&c.cert, "cert", "", "PEM `file` with the certificate of this client")
	flags.StringVar(&c.key, "key", "", "PEM `file` with its private key")
	flags.BoolVar(&c.insecure, "insecure", false, "don't check that the certificate is the host's")
	flags.StringVar(&c.willTopic, "will-topic", "", "`topic` of the will")
	flags.StringVar(&c.willPayload, "will-payload", "", "`payload` of the will")
	flags.IntVar(&c.willQoS, "will-qos", 0, "`quality` of service of the will")
	flags.BoolVar(&c.willRetain, "will-retain", false, "the will is retained")
	flags.BoolVarP(&c.debug, "debug", "d", false, "tell what happens")
	flags.BoolVar(&c.quiet, "quiet", false, "print no errors")
}

// parse reads args; help goes to out.
func (c *common) parse(args []string, out io.Writer, head, tail string) error {
	c.flags.SetOutput(io.Discard)
	c.flags.Usage = func() {
		fmt.Fprint(out, head, "\nOptions:\n", optionHelp(c.flags), tail, exitHelp)
	}
	err := c.flags.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return errHelp
	case err != nil:
		return usage("%v", err)
	case c.flags.NArg() > 0:
		return usage("%q is no option; the payload is given with -m, the topic with -t", c.flags.Arg(0))
	}
	return nil
}

// optionHelp lists the options; that a switch can also be given as -s=false helps nobody.
func optionHelp(flags *pflag.FlagSet) string {
	const noise = "[=true|false]"
	return strings.ReplaceAll(flags.FlagUsagesWrapped(110), noise, strings.Repeat(" ", len(noise)))
}

// readURL takes -L apart and returns the topic in it.
func (c *common) readURL() (topic string, err error) {
	if c.url == "" {
		return "", nil
	}
	for _, other := range []string{"host", "port"} {
		if c.flags.Changed(other) {
			return "", usage("-L says host and port: leave out --%s", other)
		}
	}
	u, err := url.Parse(c.url)
	if err != nil || u.Hostname() == "" {
		return "", usage("-L: want mqtt://host/topic, mqtts://host/topic, ws://host/path or wss://host/path")
	}
	if u.User != nil && !c.flags.Changed("username") {
		c.user = u.User.Username()
		if p, ok := u.User.Password(); ok && c.password == "" {
			c.password = p
		}
	}
	u.User = nil
	switch u.Scheme {
	case "ws", "wss":
		c.web = u.String()
		return "", nil
	case "mqtt", "mqtts":
		c.tls = c.tls || u.Scheme == "mqtts"
		c.host = u.Hostname()
		if p := u.Port(); p != "" {
			c.port, _ = strconv.Atoi(p) // url.Parse has checked that it is a number
		}
		return strings.TrimPrefix(u.Path, "/"), nil
	}
	return "", usage("-L: scheme %q: want mqtt, mqtts, ws or wss", u.Scheme)
}

// secure says whether TLS is asked for.
func (c *common) secure() bool {
	return c.tls || c.cafile != "" || strings.HasPrefix(c.web, "wss:")
}

// options are those of the client, checked as far as it does not check them itself.
func (c *common) options() (mqttclient.Options, error) {
	o := mqttclient.Options{Addr: c.web, ClientID: c.id, Clean: !c.persistent, User: c.user, KeepAlive: time.Duration(c.keepAlive) * time.Second}
	if c.qos < 0 || c.qos > 2 || c.willQoS < 0 || c.willQoS > 2 {
		return o, usage("QoS: want 0, 1 or 2")
	}
	if c.port < 0 || c.port > 65535 {
		return o, usage("-p %d: want 1 to 65535", c.port)
	}
	if c.keepAlive < 0 || c.keepAlive > 65535 {
		return o, usage("-k %d: want 0 to 65535 seconds", c.keepAlive)
	}
	if c.keepAlive == 0 {
		o.KeepAlive = -1
	}
	var err error
	if o.Version, err = version(c.version); err != nil {
		return o, err
	}
	if c.persistent && c.id == "" {
		return o, usage("-c keeps a session under its client id: give one with -i")
	}
	if c.id == "" {
		o.ClientID = "tsunagi-" + rand.Text()[:10]
	}
	if err := c.session(&o); err != nil {
		return o, err
	}
	c.login(&o)
	if c.willTopic != "" {
		o.Will = &mqttclient.Message{Topic: c.willTopic, Payload: []byte(c.willPayload), QoS: byte(c.willQoS), Retain: c.willRetain}
	}
	if c.web == "" {
		o.Addr = c.addr()
	}
	o.TLS, err = c.tlsConfig()
	return o, err
}

// session sets how long the session lasts after the connection.
func (c *common) session(o *mqttclient.Options) error {
	switch {
	case c.sessionExpiry < -1 || c.sessionExpiry > math.MaxUint32:
		return usage("-x %d: want 0 to 4294967295 seconds, or -1 for always", c.sessionExpiry)
	case c.sessionExpiry >= 0:
		o.SessionExpiry = uint32(c.sessionExpiry)
	case c.persistent:
		o.SessionExpiry = mqtt.SessionForever
	}
	return nil
}

// login takes the password from -P or from the environment.
func (c *common) login(o *mqttclient.Options) {
	o.HasUser = c.flags.Changed("username") || c.user != ""
	switch env, set := os.LookupEnv("TSUNAGI_PASSWORD"); {
	case c.flags.Changed("pw") || c.password != "":
		o.Password = []byte(c.password)
	case set && o.HasUser:
		o.Password = []byte(env)
	}
}

func (c *common) addr() string {
	scheme, port := "mqtt://", c.port
	if c.secure() {
		scheme = "mqtts://"
	}
	if port == 0 {
		port = 1883
		if c.secure() {
			port = 8883
		}
	}
	return scheme + net.JoinHostPort(strings.Trim(c.host, "[]"), strconv.Itoa(port))
}

// version reads -V; empty: 5.0.
func version(s string) (mqtt.Version, error) {
	switch strings.TrimPrefix(s, "mqttv") {
	case "31", "3.1":
		return mqtt.V31, nil
	case "311", "3.1.1":
		return mqtt.V311, nil
	case "", "5", "5.0":
		return mqtt.V5, nil
	}
	return 0, usage("-V %q: want 31, 311 or 5", s)
}

// tlsConfig reads the files of --cafile, --cert and --key.
func (c *common) tlsConfig() (*tls.Config, error) {
	if !c.secure() {
		if c.cert != "" || c.key != "" || c.insecure {
			return nil, usage("--cert, --key and --insecure need TLS: --tls, --cafile, or mqtts:// or wss:// with -L")
		}
		return nil, nil
	}
	config := &tls.Config{}
	if c.cafile != "" {
		pem, err := os.ReadFile(c.cafile)
		if err != nil {
			return nil, usage("--cafile: %v", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usage("--cafile %s: no certificate in PEM form is in it", c.cafile)
		}
	}
	if (c.cert == "") != (c.key == "") {
		return nil, usage("--cert and --key belong together")
	}
	if c.cert != "" {
		pair, err := tls.LoadX509KeyPair(c.cert, c.key)
		if err != nil {
			return nil, usage("--cert, --key: %v", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if c.insecure {
		config.InsecureSkipVerify = true
		config.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, config.RootCAs) }
	}
	return config, nil
}

// verifyChain checks the certificate without the host's name.
func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}
