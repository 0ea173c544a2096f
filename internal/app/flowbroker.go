package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/admin"
	"tsunagi/internal/broker"
	"tsunagi/internal/cert"
	"tsunagi/internal/config"
	"tsunagi/internal/flow"
	"tsunagi/internal/gate"
	"tsunagi/internal/home"
	"tsunagi/internal/store/sqlite"
)

// The broker for the local network: the cloud's own parts with one instance, in a directory of their own.
const (
	lanDir      = "broker"   // below the data directory of the flow server
	lanInstance = "localhub" // eight letters, as instances are named
	lanPlan     = "local"
)

// Bounds of the local broker, whose devices are a home's. A device that is away keeps a queue of its own; the platform's
// has other bounds, see config.Flow.
var lanLimits = broker.Limits{
	Connections: 500, Sessions: 1000, MaxPacket: 1 << 20, QueueMessages: 10_000, QueueBytes: 16 << 20,
	Subscriptions: 1000, AllSubscriptions: 20_000, SubscribeRate: 500, RetainedMessages: 10_000, RetainedBytes: 32 << 20,
}

// Its store's own files are a small part of an SD card.
const (
	lanBallast = 16 << 20
	lanWAL     = 8 << 20
)

// lanBroker is the broker for the local network.
type lanBroker struct {
	*core
	dir       string
	cfg       *config.Flow
	most      int // messages that may wait for the platform
	accounts  *account.Service
	texts     texts
	authority *cert.Authority
	bridge    *lanBridge
	mqtts     net.Listener
	mqtt      net.Listener // nil: there is none without TLS
	refusals  refusals
	written   *flow.Written // set by parts
}

// openLANBroker makes the broker that the settings ask for; nil when they don't. What it opened is closed by its parts, or
// by discard.
func openLANBroker(ctx context.Context, cfg *config.Flow, log *slog.Logger) (b *lanBroker, err error) {
	switch {
	case !cfg.Broker && (len(cfg.BrokerTopics) > 0 || cfg.BrokerPlain != config.Off):
		return nil, errors.New("broker_topics or broker_plain: want broker with it") // which the settings file may have
	case !cfg.Broker:
		return nil, nil
	}
	b = &lanBroker{dir: filepath.Join(cfg.Data, lanDir), cfg: cfg, most: outboxMessages(cfg.BrokerOutboxMessages, home.TotalMemory())}
	log = log.With("part", "broker")
	if b.authority, err = cert.OpenAuthority(filepath.Join(cfg.Data, "ca")); err != nil {
		return nil, &dataError{err}
	}
	if b.core, b.accounts, b.texts, err = openLANAccounts(ctx, b.dir, cfg.BrokerReserveMB, log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.discard())
		}
	}()
	if b.bridge, err = newLANBridge(b); err != nil {
		return nil, err
	}
	b.brokers.limits = func(string) (broker.Limits, error) {
		l := lanLimits
		l.KeepBytes, l.KeepMessages, l.Fast = int(min(int64(cfg.BrokerOutboxMB)<<20, math.MaxInt)), b.most, cfg.BrokerDurability == config.Fast
		return l, nil
	}
	b.brokers.keep, b.brokers.keepQoS0 = b.bridge.session(), cfg.BrokerKeepQoS0
	b.brokers.events = b.event
	b.brokers.rights = (&awayRights{directory: b.accounts.Directory(), log: log}).of
	b.brokers.origin = b.accounts.Origin
	b.accounts.OnChange(b.brokers.change)
	if b.mqtts, err = listen("broker_listen", cfg.BrokerListen); err != nil {
		return nil, err
	}
	if cfg.BrokerPlain != config.Off {
		if b.mqtt, err = listen("broker_plain", cfg.BrokerPlain); err != nil {
			return nil, err
		}
	}
	b.openGate(gate.Options{Door: lanDoor{b}, Refused: func(_ gate.Hello, e broker.Event) { b.event(lanInstance, e) }})
	return b, nil
}

// outboxMessages is how many messages may wait for the platform: asked, or what a machine with so much memory (bytes, 0: not
// known) has room for.
func outboxMessages(asked int, memory int64) int {
	const each, least, most = 400, 10_000, 1_000_000 // bytes of memory, measured with a day's messages
	switch {
	case asked > 0:
		return asked
	case memory <= 0:
		return most / 4
	}
	return int(min(max(memory/3/each, least), most))
}

// lanAddress is where the network reaches a listener.
func lanAddress(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err != nil || !ip.IsUnspecified() {
		return l.Addr().String()
	}
	if host, err = os.Hostname(); err != nil {
		return l.Addr().String()
	}
	host, _, _ = strings.Cut(host, ".")
	return net.JoinHostPort(host+".local", port)
}

// openLANAccounts opens the directory of a local broker: its store, and the users of its one instance.
func openLANAccounts(ctx context.Context, dir string, reserveMB int, log *slog.Logger) (*core, *account.Service, texts, error) {
	t, err := loadTexts()
	if err != nil {
		return nil, nil, t, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, t, &dataError{err}
	}
	secret, err := account.LoadKeyFile(dir)
	if err != nil {
		return nil, nil, t, &dataError{err}
	}
	keys, err := account.NewKeys(secret)
	if err != nil {
		return nil, nil, t, &dataError{err}
	}
	o := reserve(dir, reserveMB)
	o.BallastBytes, o.WALBytes = lanBallast, lanWAL
	base, err := newCore(ctx, o, log)
	if err != nil {
		return nil, nil, t, err
	}
	s, err := account.NewService(ctx, account.Options{
		Store: base.store.Accounts, Keys: keys, SignUp: "closed", Log: log,
		Plans: []account.Plan{{ID: lanPlan, Name: lanPlan, Default: true, Users: 1000}}, Regions: []account.Region{{ID: lanPlan, Name: lanPlan}},
	})
	if err == nil {
		err = makeLANInstance(ctx, base.store)
	}
	if err != nil {
		return nil, nil, t, &dataError{errors.Join(err, base.store.Close())}
	}
	return base, s, t, nil
}

// makeLANInstance makes the one instance, where there is none. It has no first user: nobody gets in until its owner, who
// is whoever can write into the data directory, makes one.
func makeLANInstance(ctx context.Context, store *sqlite.Store) error {
	return store.Accounts.Update(ctx, func(tx account.Tx) error {
		_, err := tx.Instance(lanInstance)
		if err == nil || !errors.Is(err, account.ErrNotFound) {
			return err
		}
		now := time.Now().UTC()
		return tx.Insert(account.Account{ID: lanInstance, Email: lanInstance, Role: account.RoleOwner, CreatedAt: now},
			account.Instance{ID: lanInstance, Owner: lanInstance, Name: lanInstance, Region: lanPlan, Plan: lanPlan, CreatedAt: now})
	})
}

// discard closes what was opened when the parts do not start.
func (b *lanBroker) discard() error {
	if b == nil {
		return nil
	}
	for _, l := range []net.Listener{b.mqtts, b.mqtt} {
		if l != nil {
			_ = l.Close() // nothing was accepted yet
		}
	}
	return b.store.Close()
}

// parts are those of the local broker, in the order of their start: first what others need.
func (b *lanBroker) parts(written *flow.Written) []part {
	if b == nil {
		return nil
	}
	b.written = written
	socket := admin.NewServer(b.dir, b.accounts, b.texts.text, b.log)
	socket.OnStatus(func() any { return b.status() })
	list := []part{b.storing(), b.committing(), {name: "local broker", start: func(ctx context.Context) error {
		_, err := b.brokers.get(ctx, lanInstance)
		return advise(b.dir, err)
	}}, b.gating(), b.bridge.part(), b.counting(), tidying(), {socket.Name(), socket.Start, socket.Stop},
		b.accepting("broker_listen", b.mqtts, b.tls(), false)}
	if b.mqtt != nil {
		list = append(list, b.accepting("broker_plain", b.mqtt, nil, true))
	}
	return list
}

func (b *lanBroker) tls() *tls.Config {
	return b.authority.TLSConfig(func(string) bool { return false }, "mqtt")
}

// services are what is announced in the local network: the ports that it can reach.
func (b *lanBroker) services() (list []home.Service) {
	if b == nil {
		return nil
	}
	add := func(kind, setting string, l net.Listener) {
		if _, port, err := net.SplitHostPort(l.Addr().String()); err == nil && !config.Loopback(setting) {
			list = append(list, home.Service{Type: kind, Port: number(port)})
		}
	}
	add("_secure-mqtt._tcp", b.cfg.BrokerListen, b.mqtts)
	if b.mqtt != nil {
		add("_mqtt._tcp", b.cfg.BrokerPlain, b.mqtt)
	}
	return list
}

// greeting are the lines that are printed at the start.
func (b *lanBroker) greeting() string {
	if b == nil {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "  broker      mqtts://%s\n", reachable(b.mqtts.Addr()))
	if b.mqtt != nil {
		fmt.Fprintf(&out, "              mqtt://%s, without TLS\n", reachable(b.mqtt.Addr()))
	}
	if s := b.status(); s != nil && s.Users == 0 {
		fmt.Fprintf(&out, "              It has no user yet: tsunagi flow broker user add NAME --topic FILTER --data %s\n", b.cfg.Data)
	}
	return out.String()
}
