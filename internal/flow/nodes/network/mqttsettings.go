package network

import (
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
	"tsunagi/internal/mqtt"
)

// settings are the options of the dialog, which a message with action connect can change.
type settings struct {
	o                     *value.Map
	tls                   value.Value // id of the tls-config node
	user, password        *string
	birth, closeMsg, will *ownMessage

	local  bool // the broker is on this machine, by its name
	speaks mqtt.Version
}

// settingKeys are the options by the names that the flow file and messages share.
var settingKeys = []string{"url", "broker", "port", "clientid", "autoConnect", "usetls", "verifyservercert", "compatmode", "protocolVersion",
	"keepalive", "cleansession", "autoUnsubscribe", "topicAliasMaximum", "maximumPacketSize", "receiveMaximum"}

func initialSettings(b *flow.Base, c flow.Config) settings {
	s := settings{o: value.NewMap(len(settingKeys)), tls: c.Get("tls")}
	s.take(c.Root())
	if u, ok := b.Credential("user"); ok {
		s.user = &u
	}
	if p, ok := b.Credential("password"); ok {
		s.password = &p
	}
	for prefix, to := range map[string]**ownMessage{"birth": &s.birth, "close": &s.closeMsg, "will": &s.will} {
		*to = newOwnMessage(c.Get(prefix+"Topic"), c.Get(prefix+"Payload"), c.Get(prefix+"Qos"), c.Get(prefix+"Retain"), c.Get(prefix+"Msg"))
	}
	return s
}

// take copies the options that o has.
func (s *settings) take(o *value.Map) {
	for _, key := range settingKeys {
		if o.Has(key) {
			s.o.Set(key, o.Get(key))
		}
	}
	for _, names := range [][3]string{{"userProperties", "userProperties", "userProps"}, {"sessionExpiry", "sessionExpiry", "sessionExpiryInterval"}} {
		for _, key := range names[1:] {
			if o.Has(key) {
				s.o.Set(names[0], o.Get(key))
				break
			}
		}
	}
	host := s.text("broker")
	s.local = host == "localhost" || host == "127.0.0.1"
	s.speaks = s.dialogVersion()
}

// override applies what a message with action connect says.
func (s *settings) override(o *value.Map) {
	s.o = s.o.Clone().Own()
	s.take(o)
	for key, to := range map[string]**ownMessage{"birth": &s.birth, "close": &s.closeMsg, "will": &s.will} {
		if o.Has(key) {
			m := o.Get(key).Map()
			if m == nil {
				m = value.NewMap(0)
			}
			*to = newOwnMessage(m.Get("topic"), m.Get("payload"), m.Get("qos"), m.Get("retain"), m.Get("properties"))
		}
	}
	for key, to := range map[string]**string{"username": &s.user, "password": &s.password} {
		if o.Has(key) {
			text := o.Get(key).ToText()
			*to = &text
		}
	}
}

func (s *settings) text(key string) string {
	if v := s.o.Get(key); !v.Nullish() {
		return v.Text()
	}
	return ""
}

// flag reads a boolean; what is absent is the default.
func (s *settings) flag(key string, absent bool) bool {
	switch v := s.o.Get(key); {
	case !v.Defined():
		return absent
	case v.Is(value.String):
		return v.Str() == "true"
	default:
		return v.Truthy()
	}
}

func (s *settings) autoConnect() bool {
	v := s.o.Get("autoConnect")
	return !(v.Is(value.Bool) && !v.Bool()) && v.Str() != "false"
}

func (s *settings) autoUnsubscribe() bool {
	v := s.o.Get("autoUnsubscribe")
	return !v.Is(value.Bool) || v.Bool()
}

func (s *settings) version() mqtt.Version { return s.speaks }

func (s *settings) dialogVersion() mqtt.Version {
	v := s.text("protocolVersion")
	switch {
	case s.flag("compatmode", false) || v == "3":
		return mqtt.V31
	case v == "5":
		return mqtt.V5
	}
	return mqtt.V311
}

// checkClean asks for a clean session when there is no client id to find another one by, and
// says whether it had to.
func (s *settings) checkClean() bool {
	if s.flag("cleansession", true) || s.text("clientid") != "" {
		return false
	}
	s.o.Set("cleansession", value.Of(true))
	return true
}

func (s *settings) keepAlive() time.Duration {
	seconds := 60.0
	if v := s.o.Get("keepalive"); v.Defined() {
		if seconds = v.ToNumber(); seconds != seconds {
			seconds = 60
		}
	}
	if seconds < 1 {
		return -1
	}
	return time.Duration(min(seconds, 65535)) * time.Second
}

func (s *settings) sessionExpiry() uint32 {
	f, ok := value.ParseInt(s.text("sessionExpiry"))
	if !ok || f <= 0 || f > 1<<32-1 {
		return 0
	}
	return uint32(f)
}

func (s *settings) shownURL() string {
	shown := s.url()
	if id := s.text("clientid"); id != "" {
		shown = id + "@" + shown
	}
	return redact(shown)
}
