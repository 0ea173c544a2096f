//go:build unix

package mqttclient

import (
	"net"
	"syscall"
)

// directly returns the socket of a connection that has nothing between it and the bytes of MQTT, else nil.
func directly(conn net.Conn) syscall.RawConn {
	switch c := conn.(type) {
	case *net.TCPConn:
		raw, _ := c.SyscallConn() // nil when it is closed
		return raw
	case *net.UnixConn:
		raw, _ := c.SyscallConn()
		return raw
	}
	return nil
}

// tryWrite writes what the socket takes at once and returns how much that was. An error is left to be found by the
// writer, which tries again.
func (l *link) tryWrite(b []byte) int {
	n := 0
	err := l.direct.Write(func(fd uintptr) bool {
		n, _ = syscall.Write(int(fd), b)
		return true
	})
	if err != nil {
		return 0
	}
	return max(n, 0)
}
