package broker

import (
	"fmt"
	"net/netip"
	"time"

	"tsunagi/internal/mqtt"
)

// Clash says what becomes of a CONNECT with a client identifier that a connected client has.
type Clash byte

const (
	ClashTakeover Clash = iota // it takes the place [MQTT-3.1.4-3]
	ClashRefuse                // it is refused while the other one lives [MQTT-3.1.4-2]
)

// When a holder that may have lost its network has lost its place.
const (
	clashLate  = 2 * time.Second // a packet on its way when the keep-alive is over
	clashQuiet = time.Minute     // silence of a client without keep-alive
)

// Pulse is what some links know of their peer. Its methods don't block.
type Pulse interface {
	// Silent is how long nothing has come from the peer.
	Silent() time.Duration
	// Probe has the peer's network asked for a sign of life. Without one the link ends in some seconds.
	Probe()
}

var errClash = Refusal{mqtt.ClientIdentifierNotValid, "another client with this client identifier is connected, and this instance lets it stay: " +
	"give each client its own; a client whose network was gone gets in again some seconds later"}

// clashRefusal is the refusal of a newcomer; count is how many of them the line in the log stands for, 0 for no line.
type clashRefusal struct {
	Refusal
	cause string
	count int
}

func (r *clashRefusal) Unwrap() error { return &r.Refusal }

// defends is the refusal of next under ClashRefuse; nil: it may have the place of c. A client that comes back must not wait
// for its own dead connection: the same login from the same address gets the place, and so does everybody once c has
// been silent for longer than it promised. For the rest c's network is asked, which ends a dead connection before the
// keep-alive does.
func (c *Client) defends(next *Client) error {
	if next.web || next.inner { // this server gives them their identifiers
		return nil
	}
	if c.user == next.user && sameHost(c.remote, next.remote) {
		return nil
	}
	if p, ok := c.link.(Pulse); ok {
		if p.Silent() > c.patience() {
			return nil
		}
		p.Probe()
	}
	refused := &clashRefusal{errClash, fmt.Sprintf("the client of user %q from %s has this client identifier, and this instance refuses newcomers: "+
		"give each client its own, or let newcomers take over on the page Details", c.user, hostOf(c.remote)), int(c.seldom().clashes.hit(1, c.b.clock.ms()))}
	if refused.count > 1 {
		refused.cause += fmt.Sprintf(" (and %d more since the last such line)", refused.count-1)
	}
	return refused
}

// patience is how long the client may be silent until a newcomer gets its place.
func (c *Client) patience() time.Duration {
	if c.keepAlive == 0 {
		return clashQuiet
	}
	return c.keepAlive + clashLate
}

// sameHost says whether two addresses are of one peer: an IPv6 peer changes its address within a /64.
func sameHost(a, b string) bool {
	x, err1 := netip.ParseAddr(hostOf(a))
	y, err2 := netip.ParseAddr(hostOf(b))
	if err1 != nil || err2 != nil {
		return hostOf(a) == hostOf(b)
	}
	x, y = x.Unmap().WithZone(""), y.Unmap().WithZone("")
	if x.Is6() && y.Is6() {
		p, err := x.Prefix(64)
		return err == nil && p.Contains(y)
	}
	return x == y
}
