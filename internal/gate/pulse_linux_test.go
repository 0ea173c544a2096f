package gate

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPulse looks at a connection from the broker's side: how long it has been silent, and what its socket asks the peer.
func TestPulse(t *testing.T) {
	r := newRig(t)
	c, e := r.login("tcp")
	link := e.link
	if s := link.Silent(); s > 30*time.Second {
		t.Errorf("just heard, and silent for %s", s)
	}
	link.seen.Store(busy)
	if s := link.Silent(); s != 0 {
		t.Errorf("while its packets are handled: %s", s)
	}
	link.seen.Store(int64(-time.Hour))
	if s := link.Silent(); s < time.Hour {
		t.Errorf("silent for an hour: %s", s)
	}
	link.touch()

	options := func() (got [4]int) {
		t.Helper()
		rc, err := link.tcp.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := rc.Control(func(fd uintptr) {
			for n, o := range []int{unix.TCP_USER_TIMEOUT, unix.TCP_KEEPIDLE, unix.TCP_KEEPINTVL, unix.TCP_KEEPCNT} {
				got[n], _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, o)
			}
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := options()
	restore := probe(link.tcp)
	if got, want := options(), [4]int{8000, 1, 2, 3}; got != want {
		t.Errorf("while the peer is asked: %v, want %v", got, want)
	}
	restore()
	if got := options(); got != before {
		t.Errorf("afterwards: %v, want %v", got, before)
	}
	link.Probe()
	link.Probe() // one at a time: the second would take the first one's values for the usual ones
	if got := options(); got[0] != 8000 {
		t.Errorf("asked by the broker: %v", got)
	}
	if _, err := c.Write(publish(1, 10)); err != nil {
		t.Fatal(err)
	}
	readPacket(t, c) // it lives on
	c.Close()
	<-e.end
	link.Probe()
	probe(link.tcp)() // a closed socket does no harm
}
