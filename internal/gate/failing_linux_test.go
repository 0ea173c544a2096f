package gate

import (
	"net"
	"syscall"
)

// failing is a listener that has no descriptor for a while.
type failing struct {
	net.Listener
	fails int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.fails > 0 {
		f.fails--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}
