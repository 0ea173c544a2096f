package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

// Off as an address closes that door.
const Off = "off"

// The words of Plan.Durability.
const (
	Safe = "safe"
	Fast = "fast"
)

// Serve are the settings of `tsunagi serve`. After Validate an address is host:port or Off.
type Serve struct {
	Data             string `toml:"data" help:"directory of everything that is kept [./data; with --dev a temporary one]"`
	Dev              bool   `toml:"dev" help:"laptop and test mode: loopback only, no login, plain MQTT and WebSocket open, one instance without limits"`
	HTTPS            string `toml:"https" help:"address of the panel, API, web client and MQTT over WebSocket (TLS) [:8443; with --dev off]; off closes it"`
	MQTTS            string `toml:"mqtts" help:"address of MQTT over TLS [:8883; with --dev off]; off closes it"`
	MQTTSDevice      string `toml:"mqtts_device" default:"off" help:"address of MQTT over TLS for small devices such as ESP8266 (:8884): TLS 1.2 and a short certificate, directly from an authority of this server's own, whose key stays the same; off closes it"`
	MQTT             string `toml:"mqtt" help:"address that answers plain MQTT: refused with the way to TLS (open with --dev) [:1883; with --dev 127.0.0.1:1883]; off closes it"`
	HTTP             string `toml:"http" help:"address that sends http to https (plain WebSocket /mqtt with --dev) [:8080; with --dev 127.0.0.1:8080]; off closes it"`
	Plain            bool   `toml:"plain" help:"let clients in without TLS on the addresses mqtt and http (WebSocket /mqtt), which must be on loopback: for a proxy on this machine that ends TLS"`
	Domain           string `toml:"domain" default:"localhost" env:"RENDER_EXTERNAL_HOSTNAME" help:"name under which clients reach this server"`
	SignUp           string `toml:"sign_up" default:"invite" help:"who may make an account: open (anybody with a mailbox), invite (by a link that the owner sends) or closed"`
	AccountInstances int    `toml:"account_instances" default:"50" help:"instances of one account in all plans together; the operator can give an account another number"`
	AccountTeams     int    `toml:"account_teams" default:"3" help:"teams that one person may own"`

	Language string   `toml:"language" default:"en" help:"language where a person's own is not known: en or ja"`
	Names    []string `toml:"names" help:"further names and addresses for the certificate, separated by commas; with tls.acme the names must be public as well"`

	Updates string `toml:"updates" help:"directory of signed programs for devices, as 'tsunagi release' fills it; empty: the panel offers no updates"`

	Metrics string `toml:"metrics" default:"off" help:"address on loopback, such as 127.0.0.1:9090, of metrics (/metrics, for Prometheus), health (/healthz) and profiles (/debug/pprof), without login; off closes it"`

	ProxyFrom     []string `toml:"proxy_from" help:"addresses and networks of proxies in front (10.0.0.0/8), separated by commas: their connections to https, mqtts, mqtt and http must begin with a PROXY header (v1 or v2), which tells the client's address; from elsewhere such a header is refused"`
	BehindProxy   bool     `toml:"behind_proxy" help:"one-port mode: panel, API and MQTT over WebSocket (/mqtt) on the address http, without TLS, which a proxy in front ends; https, mqtts and mqtt are off unless they are set"`
	Port          string   `toml:"port" env:"PORT" help:"port of the one-port mode, and its switch: hosting platforms set PORT; off leaves the mode"`
	PublicPort    int      `toml:"public_port" default:"443" help:"port in one-port mode under which people and clients reach the proxy"`
	ProxyFlows    bool     `toml:"proxy_flows" help:"in one-port mode: the proxy has names and a certificate for *.flows.DOMAIN as well, so that there can be hosted flow servers"`
	ForwardedFrom []string `toml:"forwarded_from" help:"addresses and networks of the proxies of the one-port mode (10.0.0.0/8), separated by commas: X-Forwarded-For and X-Forwarded-Proto are believed from them alone, and others are shown the way to https"`

	DatabaseURL string `toml:"database_url" env:"DATABASE_URL" help:"postgres://user:password@host/database: accounts are kept in this PostgreSQL instead of the data directory, for machines whose disk vanishes (better in the environment than in a flag); messages stay in the data directory; off ignores the variable DATABASE_URL"`
	Secret      string `toml:"secret" help:"at least 32 characters by chance, from which all keys are derived instead of from the file secret.key in the data directory; needed where the disk vanishes, and never to be changed (better in the environment than in a flag)"`

	Resolver string `toml:"resolver" help:"DNS server, host:port, that is asked about customers' own host names and their proofs; empty: the system's"`

	FetchAllow []string `toml:"fetch_allow" help:"inner addresses and networks, separated by commas, from which key sets of tokens may be fetched; others than public ones are refused"`

	OIDCAllow []string `toml:"oidc_allow" help:"inner addresses and networks, separated by commas, at which providers of sign-in may be; others than public ones are refused"`

	HookAllow []string `toml:"hook_allow" help:"inner addresses and networks, separated by commas, that webhooks may reach, there also without TLS (http://); elsewhere they reach public addresses with TLS only"`

	BridgeAllow []string `toml:"bridge_allow" help:"inner addresses and networks, separated by commas, that bridges may reach, there also without TLS (mqtt://); elsewhere they reach public addresses with TLS only"`

	TLS     TLS      `toml:"tls"`
	DNS     DNS      `toml:"dns"`
	SMTP    SMTP     `toml:"smtp"`
	Stripe  Stripe   `toml:"stripe"`
	Log     Log      `toml:"log"`
	Store   Store    `toml:"store"`
	Connect Connect  `toml:"connect"`
	OIDC    []OIDC   `toml:"oidc" help:"providers of OpenID Connect with which people may sign in: id (the provider sends people back to the panel's /sign-in/ID), name, issuer, client_id, client_secret or client_secret_file or client_secret_env (name of a variable), scopes (besides openid) [email], domains (of e-mail addresses that may sign in) [any], trust_email (true: addresses count as verified though the provider does not say so), roots (PEM file with the certificates that it is checked by)"`
	Regions []Region `toml:"regions" help:"regions (id, name) offered when an instance is made; one machine has one"`
	Plans   []Plan   `toml:"plans" help:"plans: id, name, instances, connections, web_connections, flow_servers, flow_memory_mb, flow_cpu_percent (of one processor, over ten seconds and more), max_packet, queue_messages, queue_bytes, retained_messages, retained_bytes, subscriptions, all_subscriptions (of an instance), subscribe_rate (filters a second of one connection, once it has used up subscriptions), sessions (of an instance, clients that are away included), keep_alive_max (seconds; clients of MQTT 5 are told), users, bridges, hooks (webhooks and rules of an instance), hook_calls (a minute, of all of them), host_names (of the customer's own, such as mqtt.example.com, for an instance; 0: none), history_bytes (kept messages of an instance), bind_client_ids (true: a client identifier belongs to the user of its session), stripe_price (id of the price at Stripe, for an instance in the plan), durability (safe: a message is acknowledged when it is on disk; fast: when it is in memory, and a crash may lose the last second), granted (true: only for accounts that the operator has put on it), default"`
}

// TLS says where certificates come from: files, a public authority by ACME, or else the local authority.
type TLS struct {
	Cert string `toml:"cert" help:"PEM file with the certificate chain; empty: acme, or the local authority, makes one"`
	Key  string `toml:"key" help:"PEM file with the private key of tls.cert"`

	ACME      bool   `toml:"acme" help:"get certificates for domain and names from a public authority (Let's Encrypt), whose terms you agree to by this; it must reach http as port 80 or https as port 443, or see the records of dns.provider"`
	Email     string `toml:"email" help:"whom the authority writes to; needed with tls.acme"`
	Directory string `toml:"directory" help:"address of another ACME authority's directory"`
	Roots     string `toml:"roots" help:"PEM file with the certificates that tls.directory itself is checked by; empty: the system's"`
	KeyID     string `toml:"key_id" help:"external account of an authority that wants one"`
	KeySecret string `toml:"key_secret" help:"key of tls.key_id (better in the environment than in a flag)"`
}

// DNS is the way to TXT records, by which an authority gives a certificate for all names of a zone.
type DNS struct {
	Provider string        `toml:"provider" help:"how records are set for wildcard certificates of instances and flow servers: rfc2136, webhook, exec, cloudflare, desec, duckdns, route53 or sakura; empty: there are none"`
	Zone     string        `toml:"zone" help:"zone that holds the records; empty: it is found out"`
	Wait     time.Duration `toml:"wait" default:"30s" help:"until a new record can be seen everywhere"`
	Server   string        `toml:"server" help:"rfc2136: primary of the zone, host:port"`
	KeyName  string        `toml:"key_name" help:"rfc2136: name of the TSIG key"`
	Key      string        `toml:"key" help:"rfc2136: TSIG key in base64 (better in the environment than in a flag)"`
	KeyKind  string        `toml:"key_kind" default:"hmac-sha256" help:"rfc2136: kind of the TSIG key"`
	URL      string        `toml:"url" help:"webhook: address below which /present and /cleanup take {fqdn, value}; for others another address of their API"`
	User     string        `toml:"user" help:"webhook: login; route53: id of the access key; sakura: token of the API key"`
	Password string        `toml:"password" help:"webhook: password; route53: secret access key; sakura: secret of the API key (better in the environment than in a flag)"`
	Command  string        `toml:"command" help:"exec: program that is called with present or cleanup, the record's name and its value"`
	Token    string        `toml:"token" help:"cloudflare, desec, duckdns: token of the API; route53: session token of temporary credentials (better in the environment than in a flag)"`
}

// SMTP is the way mail goes out.
type SMTP struct {
	Host     string `toml:"host" help:"mail server; empty: mail is written to files in DATA/mail"`
	Port     int    `toml:"port" default:"587" help:"port of the mail server"`
	User     string `toml:"user" help:"login on the mail server"`
	Password string `toml:"password" help:"password on the mail server (better in the environment than in a flag)"`
	From     string `toml:"from" help:"sender's address; needed with smtp.host"`
	Security string `toml:"security" default:"starttls" help:"starttls, tls, or none (loopback only)"`
}

// Stripe is how paid plans are paid for.
type Stripe struct {
	Key           string        `toml:"key" help:"secret key of Stripe, by which plans with a stripe_price are paid for (better in the environment than in a flag); empty: nothing is paid"`
	WebhookSecret string        `toml:"webhook_secret" help:"signing secret (whsec_…) of the endpoint /api/stripe/webhook; needed with stripe.key (better in the environment than in a flag)"`
	Grace         time.Duration `toml:"grace" default:"168h" help:"how long an instance stays in its plan while a payment is overdue"`
	URL           string        `toml:"url" default:"https://api.stripe.com" help:"address of Stripe's API, or of what stands for it in tests"`
}

// Log is how the process's own log is written.
type Log struct {
	Level  string `toml:"level" default:"info" help:"debug, info, warn or error"`
	Format string `toml:"format" default:"text" help:"text or json"`

	KeptLines int `toml:"kept_lines" default:"10000" help:"lines of each instance's log in the panel that are kept, 1000 to 1000000; each takes about 300 bytes"`
}

// Store bounds what the embedded store may take.
type Store struct {
	Disk      string `toml:"disk" help:"kept: the data directory is there again after a restart; vanishes: it is not, so no plan may promise that messages are safe [kept; in one-port mode with database_url vanishes]"`
	ReserveMB int    `toml:"reserve_mb" default:"64" help:"free space in MiB below which messages that need storage are refused"`
}

// Connect bounds what strangers may do.
type Connect struct {
	Patience   time.Duration `toml:"patience" default:"10s" help:"longest wait for TLS and CONNECT together"`
	PerAddress int           `toml:"per_address" default:"256" help:"connections of one address that have not logged in yet"`
	Waiting    int           `toml:"waiting" default:"4096" help:"connections in all that have not logged in yet"`
}

// Region is where an instance lives.
type Region struct {
	ID   string `toml:"id"`
	Name string `toml:"name"`
}

// Plan bounds an instance and the account that owns it.
type Plan struct {
	ID               string `toml:"id"`
	Name             string `toml:"name"`
	Default          bool   `toml:"default"`
	StripePrice      string `toml:"stripe_price"`
	Granted          bool   `toml:"granted"`           // only for accounts that the operator has put on it
	Instances        int    `toml:"instances"`         // per account
	Connections      int    `toml:"connections"`       // per instance, concurrent
	WebConnections   int    `toml:"web_connections"`   // per instance, the panel's web client
	FlowServers      int    `toml:"flow_servers"`      // per account
	FlowMemoryMB     int    `toml:"flow_memory_mb"`    // MiB of each flow server
	FlowCPUPercent   int    `toml:"flow_cpu_percent"`  // of one processor, each flow server [100]
	MaxPacket        int    `toml:"max_packet"`        // bytes
	QueueMessages    int    `toml:"queue_messages"`    // for an absent session
	QueueBytes       int    `toml:"queue_bytes"`       // for an absent session
	RetainedMessages int    `toml:"retained_messages"` // per instance
	RetainedBytes    int    `toml:"retained_bytes"`    // per instance
	Subscriptions    int    `toml:"subscriptions"`     // of one session
	AllSubscriptions int    `toml:"all_subscriptions"` // per instance
	SubscribeRate    int    `toml:"subscribe_rate"`    // filters a second of one connection, once it has used up as many as subscriptions
	Sessions         int    `toml:"sessions"`          // per instance, that outlive their connection
	KeepAliveMax     int    `toml:"keep_alive_max"`    // seconds, told to clients of MQTT 5
	Users            int    `toml:"users"`             // of one instance
	Bridges          int    `toml:"bridges"`           // of one instance, to other brokers
	Hooks            int    `toml:"hooks"`             // of one instance, webhooks and rules
	HookCalls        int    `toml:"hook_calls"`        // a minute, of all hooks of one instance
	HostNames        int    `toml:"host_names"`        // of customers' own for one instance; 0: none
	HistoryBytes     int    `toml:"history_bytes"`     // kept messages of one instance
	BindClientIDs    bool   `toml:"bind_client_ids"`   // a client identifier belongs to the user of its session
	Durability       string `toml:"durability"`        // safe: acknowledged when on disk; fast: when in memory, the last second may be lost [safe]
}

// DefaultRegions and DefaultPlans stand where the settings name none.
var (
	DefaultRegions = []Region{{ID: "home", Name: "This server"}}
	DefaultPlans   = []Plan{
		{ID: "free", Name: "Free", Default: true, Instances: 5, Connections: 10, WebConnections: 5, FlowServers: 2, FlowMemoryMB: 256, FlowCPUPercent: 100,
			MaxPacket: 1 << 20, QueueMessages: 100_000, QueueBytes: 64 << 20, RetainedMessages: 10_000, RetainedBytes: 64 << 20,
			Subscriptions: 1_000, AllSubscriptions: 10_000, SubscribeRate: 100, Sessions: 1_000, KeepAliveMax: 3600, Users: 1_000, Bridges: 2, Hooks: 10, HookCalls: 600, HostNames: 5, HistoryBytes: 100_000_000},
		{ID: "maker", Name: "Maker", Instances: 20, Connections: 250, WebConnections: 20, FlowServers: 5, FlowMemoryMB: 512, FlowCPUPercent: 100,
			MaxPacket: 8 << 20, QueueMessages: 1_000_000, QueueBytes: 512 << 20, RetainedMessages: 200_000, RetainedBytes: 1 << 30,
			Subscriptions: 10_000, AllSubscriptions: 250_000, SubscribeRate: 1_000, Sessions: 25_000, KeepAliveMax: 3600, Users: 10_000, Bridges: 10, Hooks: 50, HookCalls: 6_000, HostNames: 5, HistoryBytes: 2_000_000_000},
	}
)

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// The largest values that make sense anywhere, far below where sums of them would overflow.
const (
	maxCount = 1_000_000_000
	maxMB    = 1 << 24                 // 16 TiB
	maxCPU   = 100_000                 // percent: a thousand processors
	maxBytes = min(1<<44, math.MaxInt) // 16 TiB
)

// Validate reports every fault at once, each with the key, the value and what was wanted. It also fills the lists
// that the settings left empty.
func (s *Serve) Validate() error {
	var errs []error
	fault := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if s.Data == "" && !s.Dev {
		s.Data = "./data"
	}
	s.validateOnePort(fault)
	s.validateAddresses(fault)
	s.validateMetrics(fault)
	if _, err := Networks(s.ProxyFrom); err != nil {
		fault("proxy_from %v", err)
	}
	if _, _, err := net.SplitHostPort(s.Resolver); s.Resolver != "" && err != nil {
		fault("resolver %q: want host:port, such as 192.0.2.53:53", s.Resolver)
	}
	if _, err := Networks(s.FetchAllow); err != nil {
		fault("fetch_allow %v", err)
	}
	if _, err := Networks(s.HookAllow); err != nil {
		fault("hook_allow %v", err)
	}
	if _, err := Networks(s.BridgeAllow); err != nil {
		fault("bridge_allow %v", err)
	}
	if s.Dev && len(s.ProxyFrom) > 0 {
		fault("proxy_from %q with dev: want none; dev is for this machine only", strings.Join(s.ProxyFrom, ","))
	}
	if s.Domain == "" || strings.ContainsAny(s.Domain, ":/ ") {
		fault("domain %q: want a host name without port or scheme", s.Domain)
	}
	oneOf(fault, "sign_up", s.SignUp, "open", "invite", "closed")
	if s.AccountInstances < 1 || s.AccountInstances > maxCount {
		fault("account_instances %d: want 1 to %d", s.AccountInstances, maxCount)
	}
	if s.AccountTeams < 1 || s.AccountTeams > 20 {
		fault("account_teams %d: want 1 to 20", s.AccountTeams)
	}
	oneOf(fault, "language", s.Language, "en", "ja")
	oneOf(fault, "log.level", s.Log.Level, "debug", "info", "warn", "error")
	oneOf(fault, "log.format", s.Log.Format, "text", "json")
	if s.Log.KeptLines < 1000 || s.Log.KeptLines > 1_000_000 {
		fault("log.kept_lines %d: want 1000 to 1000000", s.Log.KeptLines)
	}
	oneOf(fault, "smtp.security", s.SMTP.Security, "starttls", "tls", "none")
	s.TLS.validate(fault)
	s.validateACME(fault)
	s.SMTP.validate(fault)
	s.validateStripe(fault)
	if s.Connect.Patience < time.Second || s.Connect.Patience > 5*time.Minute {
		fault("connect.patience %q: want 1s to 5m", s.Connect.Patience)
	}
	if s.Connect.PerAddress < 1 || s.Connect.Waiting < 1 || s.Connect.PerAddress > maxCount || s.Connect.Waiting > maxCount {
		fault("connect.per_address %d, connect.waiting %d: want 1 to %d", s.Connect.PerAddress, s.Connect.Waiting, maxCount)
	}
	if s.Store.ReserveMB < 1 || s.Store.ReserveMB > maxMB {
		fault("store.reserve_mb %d: want 1 to %d", s.Store.ReserveMB, maxMB)
	}
	if len(s.Regions) == 0 {
		s.Regions = DefaultRegions
	}
	if len(s.Plans) == 0 {
		s.Plans = DefaultPlans
	}
	s.validateOIDC(fault)
	s.validateLists(fault)
	s.validateDisk(fault)
	return errors.Join(errs...)
}

// validateAddresses fills in the default of the mode and checks what was given.
func (s *Serve) validateAddresses(fault func(string, ...any)) {
	for _, a := range []struct {
		key      string
		value    *string
		def, dev string
	}{
		{"https", &s.HTTPS, ":8443", Off},
		{"mqtts", &s.MQTTS, ":8883", Off},
		{"mqtts_device", &s.MQTTSDevice, Off, Off},
		{"mqtt", &s.MQTT, ":1883", "127.0.0.1:1883"},
		{"http", &s.HTTP, ":8080", "127.0.0.1:8080"},
	} {
		switch {
		case *a.value == "" && s.Dev:
			*a.value = a.dev
		case *a.value == "" && s.BehindProxy && a.key != "http":
			*a.value = Off
		case *a.value == "":
			*a.value = a.def
		}
		if *a.value == Off {
			continue
		}
		if err := checkAddress(*a.value); err != nil {
			fault("%s %q: want host:port, :port or off (%v)", a.key, *a.value, err)
		} else if s.Plain && !s.Dev && (a.key == "mqtt" || a.key == "http") && !Loopback(*a.value) {
			fault("%s %q with plain: want an address on loopback, such as 127.0.0.1:1883, or off; passwords would cross the network in clear", a.key, *a.value)
		} else if s.Dev && !Loopback(*a.value) {
			fault("%s %q with dev: want an address on loopback, such as 127.0.0.1:1883; dev has no login", a.key, *a.value)
		}
	}
}

// validateMetrics wants loopback: what stands there has no login.
func (s *Serve) validateMetrics(fault func(string, ...any)) {
	if s.Metrics == Off || s.Metrics == "" {
		s.Metrics = Off
		return
	}
	if err := checkAddress(s.Metrics); err != nil {
		fault("metrics %q: want host:port or off (%v)", s.Metrics, err)
	} else if !Loopback(s.Metrics) {
		fault("metrics %q: want an address on loopback, such as 127.0.0.1:9090; it has no login", s.Metrics)
	}
}

func (s *Serve) validateLists(fault func(string, ...any)) {
	seen := map[string]bool{}
	for i, r := range s.Regions {
		if !idPattern.MatchString(r.ID) || r.Name == "" || seen[r.ID] {
			fault("regions[%d] id %q name %q: want an id of its own (a-z 0-9 -) and a name", i, r.ID, r.Name)
		}
		seen[r.ID] = true
	}
	seen, defaults := map[string]bool{}, 0
	for i, p := range s.Plans {
		if !idPattern.MatchString(p.ID) || p.Name == "" || seen[p.ID] {
			fault("plans[%d] id %q name %q: want an id of its own (a-z 0-9 -) and a name", i, p.ID, p.Name)
		}
		seen[p.ID] = true
		if p.Default {
			defaults++
		}
		if p.MaxPacket != 0 && (p.MaxPacket < 128 || p.MaxPacket > 268_435_460) {
			fault("plans[%d] max_packet %d: want 128 to 268435460 bytes", i, p.MaxPacket)
		}
		if p.Durability != "" && p.Durability != Safe && p.Durability != Fast {
			fault("plans[%d] durability %q: want %s (acknowledged when on disk) or %s (when in memory; a crash may lose the last second)",
				i, p.Durability, Safe, Fast)
		}
		for key, n := range map[string]int{"instances": p.Instances, "connections": p.Connections, "flow_servers": p.FlowServers,
			"flow_memory_mb": p.FlowMemoryMB, "flow_cpu_percent": p.FlowCPUPercent, "queue_messages": p.QueueMessages, "queue_bytes": p.QueueBytes,
			"retained_messages": p.RetainedMessages, "retained_bytes": p.RetainedBytes, "subscriptions": p.Subscriptions,
			"all_subscriptions": p.AllSubscriptions, "subscribe_rate": p.SubscribeRate, "sessions": p.Sessions,
			"keep_alive_max": p.KeepAliveMax, "users": p.Users, "bridges": p.Bridges, "hooks": p.Hooks, "hook_calls": p.HookCalls, "history_bytes": p.HistoryBytes, "host_names": p.HostNames, "web_connections": p.WebConnections} {
			most := maxCount
			switch key {
			case "queue_bytes", "retained_bytes", "history_bytes":
				most = maxBytes
			case "keep_alive_max":
				most = 65_535
			case "flow_memory_mb":
				most = maxMB
			case "flow_cpu_percent":
				most = maxCPU
			}
			if n < 0 || n > most {
				fault("plans[%d] %s %d: want 0 to %d", i, key, n, most)
			}
		}
	}
	if defaults != 1 {
		fault("plans: %d of them say default = true: want exactly one", defaults)
	}
}

func (t *TLS) validate(fault func(string, ...any)) {
	if (t.Cert == "") != (t.Key == "") {
		fault("tls.cert %q, tls.key %q: want both or neither", t.Cert, t.Key)
		return
	}
	for key, name := range map[string]string{"tls.cert": t.Cert, "tls.key": t.Key} {
		if name == "" {
			continue
		}
		if _, err := os.Stat(name); err != nil {
			fault("%s %q: want a PEM file that can be read (%v)", key, name, errors.Unwrap(err))
		}
	}
}

func (m *SMTP) validate(fault func(string, ...any)) {
	if m.Host == "" {
		return
	}
	if m.Port < 1 || m.Port > 65535 {
		fault("smtp.port %d: want 1 to 65535", m.Port)
	}
	if !strings.Contains(m.From, "@") {
		fault("smtp.from %q: want the sender's mail address", m.From)
	}
	if ip := net.ParseIP(m.Host); m.Security == "none" && m.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		fault("smtp.security %q with smtp.host %q: want starttls or tls; none is for loopback only", m.Security, m.Host)
	}
}

// validateStripe wants both secrets or none, and prices only where they can be paid.
func (s *Serve) validateStripe(fault func(string, ...any)) {
	p := s.Stripe
	if (p.Key == "") != (p.WebhookSecret == "") {
		fault("stripe.key and stripe.webhook_secret: want both or none")
	}
	if p.Grace < time.Hour || p.Grace > 90*24*time.Hour {
		fault("stripe.grace %q: want 1h to 2160h", p.Grace)
	}
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())) {
		fault("stripe.url %q: want an https address; http is for loopback only", p.URL)
	}
	seen := map[string]string{}
	for _, plan := range s.Plans {
		switch {
		case plan.StripePrice == "":
			continue
		case p.Key == "":
			fault("plans %s: stripe_price needs stripe.key", plan.ID)
		case plan.Default || plan.Granted:
			fault("plans %s: a plan with stripe_price is neither default nor granted", plan.ID)
		case seen[plan.StripePrice] != "":
			fault("plans %s: stripe_price is that of %s, too", plan.ID, seen[plan.StripePrice])
		}
		seen[plan.StripePrice] = plan.ID
	}
}

// Networks reads a list of addresses and networks. One that means everybody is refused: who may claim to be anyone
// must be named.
func Networks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var ip netip.Addr
			if ip, err = netip.ParseAddr(text); err == nil {
				ip = ip.Unmap().WithZone("")
				p = netip.PrefixFrom(ip, ip.BitLen())
			}
		}
		if err != nil || p.Bits() == 0 || p.Addr().Is4In6() {
			return nil, fmt.Errorf("%q: want an address, or a network such as 10.0.0.0/8", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func oneOf(fault func(string, ...any), key, value string, allowed ...string) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	fault("%s %q: want one of %s", key, value, strings.Join(allowed, ", "))
}

// checkAddress says what is wrong with a listen address.
func checkAddress(a string) error {
	_, port, err := net.SplitHostPort(a)
	if err != nil {
		return err
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return err
	}
	return nil
}
