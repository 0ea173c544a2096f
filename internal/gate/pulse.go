package gate

import "time"

// probeTime is how long a peer is asked for a sign of life. A dead one has lost its connection by then.
const probeTime = 10 * time.Second

// Silent implements broker.Pulse. While the peer's packets are handled it is not silent.
func (c *conn) Silent() time.Duration {
	return max(0, time.Duration(c.srv.sweep.now.Load()-c.seen.Load()))
}

// Probe implements broker.Pulse: the kernel asks the peer's, which costs the client nothing and which it can't see. Behind
// a proxy that ends connections it is the proxy that answers.
func (c *conn) Probe() {
	if !c.probed.CompareAndSwap(false, true) {
		return
	}
	restore := probe(c.tcp)
	time.AfterFunc(probeTime, func() { // a closed socket has no options, and no harm is done
		restore()
		c.probed.Store(false)
	})
}
