package app

import (
	"context"

	"tsunagi/internal/link"
)

// use has the tunnel look after the bridge of the local broker; either may be nil.
func (t *tunnel) use(local *lanBroker) error {
	switch {
	case local == nil:
		return nil
	case t == nil:
		return local.bridge.paired(nil)
	}
	t.local = local
	return local.bridge.paired(t.paired)
}

// bridgeLogin gives the device's login to the bridge. A bridge that doesn't run forgets the one it had.
func (t *tunnel) bridgeLogin(b link.Broker) error {
	if t.local == nil {
		return staleLogin(t.dir)
	}
	return t.local.bridge.setLogin(t.paired, b)
}

// unknown stops the bridge, whose login is gone with the pairing.
func (t *tunnel) unknown() {
	if t.local != nil {
		t.local.bridge.unknown()
	}
}

// known is called when the tunnel is open. A bridge that was switched on after the pairing has no login, since the flows
// alone keep it: new keys bring another one.
func (t *tunnel) known() {
	if t.local == nil {
		return
	}
	t.local.bridge.known()
	if !t.local.bridge.wantsLogin() || !t.asking.CompareAndSwap(false, true) {
		return
	}
	go func() { // ends with the question, or with the tunnel
		defer t.asking.Store(false)
		if err := t.client.Rotate(context.Background()); err != nil {
			t.log.Error("no login for the bridge of the local broker; it is tried again with the next tunnel", "error", err)
		}
	}()
}
