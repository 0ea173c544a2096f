package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Flow are the settings of `tsunagi flow`.
type Flow struct {
	Data       string        `toml:"data" default:"./flow-data" help:"directory of flows, credentials and context"`
	Listen     string        `toml:"listen" default:"127.0.0.1:1880" help:"address of the editor: plain http on loopback, else https under a local authority of its own"`
	LAN        bool          `toml:"lan" help:"for a machine without screen in a home: as long as it has no owner, http on the port of listen shows browsers of private addresses the code of the first user and a form that pairs; announced by mDNS (_tsunagi._tcp)"`
	NoLogin    bool          `toml:"no_login" help:"no login; accepted on loopback only"`
	Title      string        `toml:"title" default:"Tsunagi" help:"name shown in the editor's header"`
	TrustPages bool          `toml:"trust_pages" help:"pages that flows serve share the editor's origin, as in Node-RED; their scripts could then use the editor's login"`
	MemoryMB   int           `toml:"memory_mb" help:"soft limit of memory in MiB; 0: none"`
	Threads    int           `toml:"threads" default:"1" help:"threads that run flows and editor at once; flows themselves always run one after the other, so more cost CPU time and seldom help"`
	QueueMB    int           `toml:"queue_mb" default:"128" help:"MiB of messages that may wait between nodes, half of it in front of one node; what comes on top is dropped, and the node says so"`
	KeptMB     int           `toml:"kept_mb" default:"256" help:"MiB of messages that nodes may keep, such as delay, join and batch"`
	FunctionMB int           `toml:"function_mb" default:"64" help:"MiB of memory of one function node"`
	FunctionS  int           `toml:"function_seconds" default:"10" help:"seconds that one call of a function node may take, unless its dialog says otherwise"`
	CA         string        `toml:"ca" help:"PEM file of further authorities that mqtt nodes and the link trust"`
	Link       string        `toml:"link" help:"platform to pair this device with, https://host: its panel then reaches the editor through a tunnel that goes out from here"`
	Code       string        `toml:"code" help:"single-use code that the panel shows under Devices; needed once"`
	Pin        string        `toml:"pin" help:"SHA-256 of the platform's own authority, as the panel shows it; needed once, where it has no public certificate"`
	UpdateKey  string        `toml:"update_key" help:"Ed25519 public key, base64, of releases that the panel may put on this device [the one that the platform named when it was paired]"`
	UpdateWait time.Duration `toml:"update_wait" default:"90s" help:"how long another version of the program may take to run its flows and reach the platform; else the present one goes on"`
	Import     string        `toml:"import" help:"directory of a Node-RED installation, such as ~/.node-red, that a new data directory is made of; it says what would be done, and does it with import_now"`
	ImportNow  bool          `toml:"import_now" help:"do the import, and go on"`
	LocalOnly  bool          `toml:"local_only" help:"forbid remote editing: the tunnel stays, but lets nobody into the editor, whatever the platform says"`
	Pages      string        `toml:"remote_pages" help:"who at most may see the pages of the flows through the platform, whatever it says: none (nobody), people (who may open the editor there) or public (everybody, once the panel says so); empty: public, with local_only none"`
	Log        Log           `toml:"log"`

	Broker               bool     `toml:"broker" help:"run an MQTT broker for the devices in this network, which works without Internet; a login is always needed: tsunagi flow broker user add"`
	BrokerListen         string   `toml:"broker_listen" default:":8883" help:"address of that broker: MQTT over TLS under the local authority, ca/ca.pem in the data directory"`
	BrokerPlain          string   `toml:"broker_plain" default:"off" help:"address for devices that can't do TLS, such as :1883; passwords and messages then cross the network in clear"`
	BrokerTopics         []string `toml:"broker_topics" help:"topics that are bridged with the instance that this device is paired with, separated by commas: FILTER in|out|both [QOS], such as 'sensors/# out, commands/# in'"`
	BrokerPrefix         string   `toml:"broker_prefix" default:"%n/" help:"prefix of these topics at the platform; %n is the device's name, below which its login may publish and subscribe"`
	BrokerOutboxMB       int      `toml:"broker_outbox_mb" default:"1024" help:"MiB that may wait for the platform while it can't be reached; beyond them messages on topics that go out are refused to who publishes them"`
	BrokerOutboxMessages int      `toml:"broker_outbox_messages" default:"0" help:"messages that may wait, likewise; each takes up to 400 bytes of memory. 0: what fits into a third of the machine's, at most 1000000"`
	BrokerKeepQoS0       bool     `toml:"broker_keep_qos0" default:"true" help:"keep messages of QoS 0 on topics that go out as if they had QoS 1, since many small devices send no other"`
	BrokerDurability     string   `toml:"broker_durability" default:"safe" help:"safe: a message is acknowledged when it is on disk; fast: when it is in memory, which spares an SD card, and a power cut may lose the last second"`
	BrokerReserveMB      int      `toml:"broker_reserve_mb" default:"64" help:"free space in MiB below which messages that need storage are refused"`

	Context        []ContextStore `toml:"context" help:"context stores: name, module (memory or localfilesystem), dir, cache, flush_interval (seconds); none: one in memory"`
	ContextDefault string         `toml:"context_default" help:"name of the context store for keys that name none; empty: the first"`
}

// ContextStore is one place where flows keep context, as in Node-RED's contextStorage.
type ContextStore struct {
	Name          string   `toml:"name"`
	Module        string   `toml:"module"`         // memory or localfilesystem
	Dir           string   `toml:"dir"`            // localfilesystem: where, from the data directory [context]
	Cache         *bool    `toml:"cache"`          // localfilesystem: hold values in memory [true]
	FlushInterval *float64 `toml:"flush_interval"` // localfilesystem: seconds between writes [30]
}

// Validate reports every fault at once.
func (f *Flow) Validate() error {
	var errs []error
	fault := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if f.Data == "" {
		fault(`data "": want a directory`)
	}
	if f.Listen == "" {
		fault(`listen "": want host:port`)
	} else if err := checkAddress(f.Listen); err != nil {
		fault("listen %q: want host:port or :port (%v)", f.Listen, err)
	} else if f.LAN && Loopback(f.Listen) {
		fault("lan with listen %q: want an address that others reach, such as :1880", f.Listen)
	} else if f.NoLogin && !Loopback(f.Listen) {
		fault("no_login with listen %q: want an address on loopback, such as 127.0.0.1:1880; beyond it a login is always on", f.Listen)
	}
	if f.Code != "" && f.Link == "" {
		fault("code: want link, the address of the platform, with it")
	}
	if f.Pin != "" && f.Link == "" {
		fault("pin: want link, the address of the platform, with it")
	}
	if f.Link != "" && !strings.HasPrefix(f.Link, "https://") {
		fault("link %q: want https://host, as the panel shows it", f.Link)
	}
	if f.UpdateKey != "" {
		if _, err := base64.StdEncoding.DecodeString(f.UpdateKey); err != nil || len(f.UpdateKey) != 44 {
			fault("update_key %q: want the 32 bytes of an Ed25519 public key in base64", f.UpdateKey)
		}
	}
	if f.UpdateWait < time.Second || f.UpdateWait > time.Hour {
		fault("update_wait %v: want 1s to 1h", f.UpdateWait)
	}
	if f.ImportNow && f.Import == "" {
		fault("import_now: want import, the directory of Node-RED, with it")
	}
	if f.Pages != "" {
		oneOf(fault, "remote_pages", f.Pages, "none", "people", "public")
	}
	if f.MemoryMB < 0 {
		fault("memory_mb %d: want 0 or more", f.MemoryMB)
	}
	f.checkBroker(fault)
	for i, c := range f.Context {
		oneOf(fault, fmt.Sprintf("context[%d].module", i), c.Module, "memory", "localfilesystem")
		if c.FlushInterval != nil && (*c.FlushInterval < 0 || *c.FlushInterval > 86400) {
			fault("context[%d].flush_interval %v: want seconds from 0 to 86400", i, *c.FlushInterval)
		}
	}
	oneOf(fault, "log.level", f.Log.Level, "debug", "info", "warn", "error")
	oneOf(fault, "log.format", f.Log.Format, "text", "json")
	return errors.Join(errs...)
}

// Loopback says whether a listen address can be reached from this machine only.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
