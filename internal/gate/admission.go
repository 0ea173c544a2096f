package gate

import (
	"errors"
	"net/netip"
	"sync"
)

// The ways in which a connection is too many.
var (
	errManyFromAddress = errors.New("too many connections of one address that have not logged in")
	errManyWaiting     = errors.New("too many connections that have not logged in")
	errManyInAll       = errors.New("too many connections for this process's file descriptors")
)

// admission counts connections: those that have not logged in yet, by address and in all, and every one.
type admission struct {
	perAddress, waiting, all int // bounds

	mu      sync.Mutex
	address map[netip.Addr]int
	waits   int
	count   int
}

func newAdmission(o Options) admission {
	return admission{perAddress: o.PerAddress, waiting: o.Waiting, all: o.Connections, address: make(map[netip.Addr]int)}
}

// enter counts a new connection, or refuses it. Peers on loopback are not bounded by address: what comes from there is
// this machine's own, such as a proxy that stands for many. An invalid address is a proxy that has not said for whom it
// stands; see become.
func (a *admission) enter(peer netip.Addr) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.count >= a.all:
		return errManyInAll
	case a.waits >= a.waiting:
		return errManyWaiting
	case a.crowd(peer):
		return errManyFromAddress
	}
	a.count++
	a.waits++
	a.address[peer]++
	return nil
}

// crowd says whether an address has as many connections that have not logged in as it may. The caller has mu.
func (a *admission) crowd(peer netip.Addr) bool {
	return peer.IsValid() && !peer.IsLoopback() && a.address[peer] >= a.perAddress
}

// become counts a connection under the address that its proxy has told. On an error it stays counted as it was.
func (a *admission) become(peer netip.Addr) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.crowd(peer) {
		return errManyFromAddress
	}
	a.forget(netip.Addr{})
	a.address[peer]++
	return nil
}

// forget takes one connection from an address. The caller has mu.
func (a *admission) forget(peer netip.Addr) {
	if a.address[peer]--; a.address[peer] == 0 {
		delete(a.address, peer)
	}
}

// known says that a connection has logged in, or will not any more.
func (a *admission) known(peer netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waits--
	a.forget(peer)
}

// leave counts a closed connection out.
func (a *admission) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count--
}

// origin is the address by which a peer is counted: an IPv6 peer has a whole /64 to choose from.
func origin(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() && !addr.IsLoopback() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}
