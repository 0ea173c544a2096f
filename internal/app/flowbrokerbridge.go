package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"sync"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/bridge"
	"tsunagi/internal/broker"
	"tsunagi/internal/config"
	"tsunagi/internal/link"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/ondisk"
	"tsunagi/internal/topic"
)

// lanBridgeID is the same for the life of a data directory: the bridge's session is the outbox.
const lanBridgeID = "platform"

// The states of the local broker's bridge besides those of package bridge.
const (
	lanOff      = "off"      // the settings name no topics
	lanUnpaired = "unpaired" // this device is not paired, or no longer
	lanNoLogin  = "login"    // its login comes with the next tunnel
)

var (
	errUnpaired = errors.New("the platform has unpaired this device; pair it again, and what waits goes out")
	errNoLogin  = errors.New("the login of this device comes from the platform as soon as the tunnel is open")
)

// platformFile keeps the device's login at its instance for the bridge, below the local broker's directory.
const platformFile = "platform.json"

// platformLogin is what that file says.
type platformLogin struct {
	link.Broker
	Device string               `json:"device"` // its id: another pairing has another
	Lines  []config.BrokerTopic `json:"lines"`  // what the platform was asked for last
	Prefix string               `json:"prefix"`
}

// lanBridge carries the chosen topics between the local broker and the instance that this device is paired with.
type lanBridge struct {
	b       *lanBroker
	manager *bridge.Manager

	mu      sync.Mutex    // guards the fields below
	login   platformLogin // Device "": never paired
	roots   string        // PEM of the platform's authority
	pinned  bool          // it alone is trusted
	gone    bool          // the platform has unpaired this device
	started bool
}

func newLANBridge(b *lanBroker) (*lanBridge, error) {
	lines, _, err := b.cfg.BrokerLines("x")
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		if f, err := topic.ParseFilter(l.Filter); err != nil || f.Share != "" || l.Direction != bridge.Out && l.Filter[0] == '$' {
			return nil, fmt.Errorf("broker_topics: %q is not a filter that can be bridged: %w", l.Filter, err)
		}
	}
	r := &lanBridge{b: b}
	if r.login, err = readPlatform(b.dir); err != nil {
		return nil, &dataError{err}
	}
	r.manager = bridge.New(bridge.Options{Broker: b.brokers.get, Find: b.brokers.find, Rights: r.rights, Origin: b.accounts.Origin,
		Events: b.event, Dial: r.dial, DialPlain: r.dial, Log: b.log})
	return r, nil
}

// session is the client id of the bridge on the local broker.
func (r *lanBridge) session() string { return bridge.LocalID(lanBridgeID) }

func (r *lanBridge) rights(ctx context.Context, instance string) (broker.Rights, error) {
	of, _, err := r.b.accounts.Directory().RightsOf(ctx, instance, account.BridgeUser)
	if err == nil && of == nil {
		err = errors.New("there is no local broker")
	}
	if err != nil {
		return nil, err
	}
	return rights{of}, nil
}

// dial reaches the platform, as long as this device has a login there. Its owner has named the platform: any address may
// be it.
func (r *lanBridge) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	r.mu.Lock()
	gone, ready := r.gone || r.login.Device == "", r.login.Password != ""
	r.mu.Unlock()
	switch {
	case gone:
		return nil, errUnpaired
	case !ready:
		return nil, errNoLogin
	}
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

// paired tells the bridge of the pairing; nil: there is none. It is called before the parts start.
func (r *lanBridge) paired(p *link.Paired) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p == nil {
		r.gone = true
		return nil
	}
	r.roots, r.pinned, r.gone = p.CA, p.Pinned, false
	if r.login.Device == p.ID && (p.Broker.Password == "" || p.Broker == r.login.Broker) {
		return nil
	}
	next := r.login
	next.Broker, next.Device = p.Broker, p.ID
	return r.keep(next)
}

// setLogin gives the bridge the device's login.
func (r *lanBridge) setLogin(p *link.Paired, l link.Broker) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.login
	next.Broker, next.Device = l, p.ID
	if err := r.keep(next); err != nil {
		return err
	}
	return r.set()
}

// keep writes the login down. Callers hold r.mu.
func (r *lanBridge) keep(next platformLogin) error {
	if err := writePlatform(r.b.dir, next); err != nil {
		return err
	}
	r.login = next
	return nil
}

// wantsLogin says whether the bridge is to run and has no password.
func (r *lanBridge) wantsLogin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.b.cfg.BrokerTopics) > 0 && r.login.Password == ""
}

// unknown is called when the platform has unpaired this device, known when its tunnel is open.
func (r *lanBridge) unknown() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.gone && len(r.b.cfg.BrokerTopics) > 0 {
		r.b.log.Warn("the bridge has stopped, since the platform has unpaired this device; messages wait until it is paired again")
	}
	r.gone = true
}

func (r *lanBridge) known() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = false
}

// part starts the bridge behind the local broker and stops it before.
func (r *lanBridge) part() part {
	return part{"platform bridge", func(ctx context.Context) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.started = true
		if len(r.b.cfg.BrokerTopics) == 0 {
			return r.forget(ctx)
		}
		return r.set()
	}, r.manager.Stop}
}

// forget ends the outbox of topics that are bridged no more.
func (r *lanBridge) forget(ctx context.Context) error {
	b, err := r.b.brokers.get(ctx, lanInstance)
	if err != nil {
		return err
	}
	if info, ok := b.Session(r.session()); ok {
		if info.Queued > 0 {
			r.b.log.Warn("no topics are bridged any more: what waited for the platform is dropped", "messages", info.Queued)
		}
		b.Forget(r.session(), "no topics are bridged any more")
	}
	return nil
}

// set runs the bridge as login and settings say. Filters of an earlier run that are no longer wanted are taken back at
// the platform: they are set first. A device that was never paired keeps nothing. Callers hold r.mu.
func (r *lanBridge) set() error {
	if !r.started || len(r.b.cfg.BrokerTopics) == 0 || r.login.Device == "" {
		return nil
	}
	lines, prefix, err := r.b.cfg.BrokerLines(r.login.Name)
	if err != nil {
		return err
	}
	list := func(lines []config.BrokerTopic, prefix string) []bridge.Config {
		c := bridge.Config{Instance: lanInstance, ID: lanBridgeID, Name: lanBridgeID,
			Address:  "mqtts://" + net.JoinHostPort(r.login.Host, strconv.Itoa(r.login.Port)),
			ClientID: "device-" + r.login.Name + "-broker", User: r.login.User, Password: r.login.Password, Version: mqtt.V5, KeepAlive: time.Minute}
		if r.pinned {
			c.Roots = r.roots
		} else {
			c.AlsoRoots = r.roots
		}
		for _, l := range lines {
			c.Topics = append(c.Topics, bridge.Topic{Direction: l.Direction, Filter: l.Filter, Remote: prefix, QoS: byte(l.QoS)})
		}
		return []bridge.Config{c}
	}
	always := func(string) bool { return true }
	if len(r.login.Lines) > 0 {
		r.manager.Set(lanInstance, list(r.login.Lines, r.login.Prefix), always)
	}
	r.manager.Set(lanInstance, list(lines, prefix), always)
	next := r.login
	if next.Lines, next.Prefix = lines, prefix; reflect.DeepEqual(next, r.login) {
		return nil
	}
	return r.keep(next)
}

// readPlatform reads the login of the bridge; there may be none.
func readPlatform(dir string) (l platformLogin, err error) {
	name := filepath.Join(dir, platformFile)
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &l)
	}
	if err != nil {
		return l, fmt.Errorf("%s can't be read; delete it, and the login comes from the platform again: %w", name, err)
	}
	return l, nil
}

// writePlatform keeps the login of the bridge, whole or not at all.
func writePlatform(dir string, l platformLogin) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return ondisk.Replace(filepath.Join(dir, platformFile), 0o600, bytes.NewReader(append(raw, '\n')))
}

// staleLogin takes the password of a bridge that doesn't run now out of its file: the device has got another one.
func staleLogin(data string) error {
	dir := filepath.Join(data, lanDir)
	l, err := readPlatform(dir)
	if err != nil || l.Password == "" {
		return err
	}
	l.Password = ""
	return writePlatform(dir, l)
}
