package account

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tsunagi/internal/topic"
)

// BridgeUser is the MQTT user name under which bridges work on their instance. Nobody logs in with it.
const BridgeUser = "bridge-client"

// Bounds of bridges.
const (
	maxBridges      = 32 // of an instance, whatever the plan says
	maxBridgeTopics = 64 // lines of one
)

// BridgeChange is what a bridge is made of, or what changes of it; nil stays as it is. In a new bridge what is nil has its
// default.
type BridgeChange struct {
	Name      *string
	Enabled   *bool   // [true]
	Address   *string // must be given
	Roots     *string // [""]
	ClientID  *string // ["tsunagi-" and random letters]
	User      *string
	Password  *string        // "" takes it away
	Version   *BridgeVersion // [5.0]
	KeepAlive *int           // seconds [60]
	Topics    *[]BridgeTopic // must be given
}

// Bridges lists an instance's bridges.
func (s *Service) Bridges(ctx context.Context, by Actor, instance string) (list []Bridge, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		list, err = r.Bridges(instance)
		return err
	})
	return list, err
}

// Bridge reads one bridge.
func (s *Service) Bridge(ctx context.Context, by Actor, instance, id string) (b Bridge, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		b, err = r.Bridge(instance, id)
		return err
	})
	return b, err
}

// CreateBridge makes a bridge within the bounds of the plan; it starts at once.
func (s *Service) CreateBridge(ctx context.Context, by Actor, instance string, c BridgeChange) (b Bridge, err error) {
	b = Bridge{Instance: instance, ID: newID(), Enabled: true, Version: BridgeV5, KeepAlive: 60, CreatedAt: s.now()}
	b.ClientID = "tsunagi-" + b.ID[:12]
	err = s.change(ctx, func(tx Tx) (Change, error) {
		in, err := instanceOf(tx, by, instance)
		if err != nil {
			return Change{}, err
		}
		have, err := tx.Bridges(instance)
		if err != nil {
			return Change{}, err
		}
		plan := s.Plan(in.Plan)
		if most := plan.Bridges; len(have) >= maxBridges || most > 0 && len(have) >= most {
			if most == 0 || most > maxBridges {
				most = maxBridges
			}
			return Change{}, fail(Limit, "api.bridge.limit", "limit", most, "plan", plan.Name)
		}
		if err := s.applyBridge(&b, c); err != nil {
			return Change{}, err
		}
		if err := tx.Insert(b); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Bridges: true}, s.audit(tx, by, "bridge.create", instance, b.words())
	})
	if err != nil {
		return Bridge{}, err
	}
	return b, nil
}

// ChangeBridge changes a bridge, which starts anew with what waits for it.
func (s *Service) ChangeBridge(ctx context.Context, by Actor, instance, id string, c BridgeChange) (b Bridge, err error) {
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		if b, err = tx.Bridge(instance, id); err != nil {
			return Change{}, err
		}
		was := b
		if c.Address != nil && *c.Address != b.Address && len(b.Sealed) > 0 && c.Password == nil {
			return Change{}, invalid("password", "api.bridge.password_again") // it is for the broker that it was given for
		}
		if err := s.applyBridge(&b, c); err != nil {
			return Change{}, err
		}
		if err := s.replace(ctx, tx, was, b); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Bridges: true}, s.audit(tx, by, "bridge.change", instance, b.words())
	})
	if err != nil {
		return Bridge{}, err
	}
	return b, nil
}

// DeleteBridge deletes a bridge with what waits for it.
func (s *Service) DeleteBridge(ctx context.Context, by Actor, instance, id string) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		b, err := tx.Bridge(instance, id)
		if err != nil {
			return Change{}, err
		}
		if err := s.remove(ctx, tx, b); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Bridges: true}, s.audit(tx, by, "bridge.delete", instance, b.words())
	})
}

// words tell the audit.
func (b Bridge) words() string { return b.Name + " " + b.Address }

// BridgePassword opens the password of a bridge, for who connects it.
func (s *Service) BridgePassword(b Bridge) (string, error) {
	if len(b.Sealed) == 0 {
		return "", nil
	}
	plain, err := s.o.Keys.seal.Open(nil, nil, b.Sealed, bridgeSeal(b))
	if err != nil {
		return "", fmt.Errorf("open sealed password of bridge %s: %w", b.ID, err)
	}
	return string(plain), nil
}

func bridgeSeal(b Bridge) []byte { return []byte("bridge " + b.Instance + " " + b.ID) }

// Origin names an instance towards the brokers that it is bridged with: the same for ever, nobody else's, and telling
// nothing.
func (s *Service) Origin(instance string) string {
	return hex.EncodeToString(mac(s.o.Keys.check, []byte("bridge origin"), []byte(instance))[:10])
}

// applyBridge changes b and judges the whole.
func (s *Service) applyBridge(b *Bridge, c BridgeChange) (err error) {
	set(&b.Name, c.Name)
	set(&b.Enabled, c.Enabled)
	was := b.Address
	set(&b.Address, c.Address)
	set(&b.Roots, c.Roots)
	set(&b.ClientID, c.ClientID)
	set(&b.User, c.User)
	set(&b.Version, c.Version)
	set(&b.KeepAlive, c.KeepAlive)
	set(&b.Topics, c.Topics)
	if b.Name, err = checkText("name", b.Name, 64, false); err != nil {
		return err
	}
	if c.Password != nil {
		if b.Sealed = nil; *c.Password != "" {
			b.Sealed = s.o.Keys.seal.Seal(nil, nil, []byte(*c.Password), bridgeSeal(*b))
		}
		if len(*c.Password) > 1024 {
			return invalid("password", "api.bridge.text", "limit", 1024)
		}
	}
	if b.Address, err = s.checkBridgeAddress(b.Address, was); err != nil {
		return err
	}
	if b.Roots = strings.TrimSpace(b.Roots); b.Roots != "" && !certificates(b.Roots) {
		return invalid("roots", "api.bridge.roots")
	}
	for field, v := range map[string]string{"client_id": b.ClientID, "user": b.User} {
		if len(v) > 256 || !plainText(v) {
			return invalid(field, "api.bridge.text", "limit", 256)
		}
	}
	switch {
	case b.ClientID == "":
		return invalid("client_id", "api.bridge.client_id")
	case b.Version != BridgeV5 && b.Version != BridgeV311:
		return invalid("version", "api.bridge.version")
	case b.Version == BridgeV311 && b.User == "" && len(b.Sealed) > 0:
		return invalid("user", "api.bridge.user")
	case b.KeepAlive < 5 || b.KeepAlive > 65535:
		return invalid("keep_alive", "api.bridge.keep_alive")
	}
	return checkBridgeTopics(b.Topics)
}

// certificates says whether PEM text holds certificates and nothing else.
func certificates(text string) bool {
	rest, n := []byte(text), 0
	for len(strings.TrimSpace(string(rest))) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return false
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return false
		}
		n++
	}
	return n > 0
}

// checkBridgeAddress judges an address by its form. Whether a name leads to what may be reached is judged when it is
// dialled; the address that the bridge had before stays.
func (s *Service) checkBridgeAddress(text, was string) (string, error) {
	text = strings.TrimSpace(text)
	if text != "" && !strings.Contains(text, "://") {
		text = "mqtts://" + text
	}
	u, err := url.Parse(text)
	if err != nil || len(text) > 512 || !plainText(text) || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return "", invalid("address", "api.bridge.address")
	}
	if n, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || n < 1 || n > 65535) {
		return "", invalid("address", "api.bridge.address")
	}
	switch u.Scheme {
	case "wss":
	case "mqtts", "mqtt":
		if u.Path != "" && u.Path != "/" {
			return "", invalid("address", "api.bridge.address")
		}
	default:
		return "", invalid("address", "api.bridge.address")
	}
	if u.Scheme == "mqtt" && !s.o.BridgePlain {
		return "", invalid("address", "api.bridge.plain")
	}
	if text != was && !s.o.BridgeReach.may(u) {
		return "", invalid("address", "api.bridge.inner", "address", u.Hostname())
	}
	return text, nil
}

func checkBridgeTopics(list []BridgeTopic) error {
	if len(list) == 0 || len(list) > maxBridgeTopics {
		return invalid("topics", "api.bridge.topics", "limit", maxBridgeTopics)
	}
	for i, t := range list {
		wrong := func(key string, args ...any) error {
			return invalid(fmt.Sprintf("topics[%d]", i), key, args...)
		}
		if !slices.Contains([]BridgeDirection{BridgeIn, BridgeOut, BridgeBoth}, t.Direction) {
			return wrong("api.bridge.direction")
		}
		if t.QoS < 0 || t.QoS > 2 {
			return wrong("api.bridge.qos")
		}
		if t.Filter == "" && (t.Local == "" || t.Remote == "") {
			return wrong("api.bridge.empty")
		}
		for _, prefix := range []string{t.Local, t.Remote} {
			if err := checkBridgeFilter(prefix, t.Filter); err != nil {
				return wrong("api.bridge.filter", "cause", err)
			}
		}
		if t.Direction != BridgeOut && strings.HasPrefix(t.Local+t.Filter, "$") {
			return wrong("api.bridge.dollar")
		}
	}
	return nil
}

// checkBridgeFilter judges what a line makes on one side.
func checkBridgeFilter(prefix, filter string) error {
	switch {
	case strings.ContainsAny(prefix, "+#"):
		return errors.New("a prefix has no + and no #")
	case len(prefix)+len(filter) > 1024 || !utf8.ValidString(prefix+filter) || !plainText(prefix+filter):
		return errors.New("prefix and filter together have at most 1024 bytes, all of them readable")
	}
	f, err := topic.ParseFilter(prefix + filter)
	if err != nil {
		return err
	}
	if f.Share != "" {
		return errors.New("a shared subscription can't be bridged")
	}
	return nil
}
