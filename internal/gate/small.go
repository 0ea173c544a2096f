package gate

import (
	"crypto/tls"
	"net"
	"sync"
)

// SmallRecord is the most that one TLS record to a small device holds, in bytes without its overhead. Their libraries
// receive whole records, and crypto/tls doesn't negotiate a length (RFC 6066, max_fragment_length).
const SmallRecord = 1024

// ServeDevices is ServeTLS for devices that have no room for whole TLS records.
func (s *Server) ServeDevices(l net.Listener, config *tls.Config) error {
	return s.accept(l, func(tcp *net.TCPConn, a *caller) {
		a.wire = &wire{TCPConn: tcp}
		a.tls, a.tight = tls.Server(a.wire, config), &tight{}
		a.stream, a.hello.Via, a.hello.Secure = a.tls, viaMQTTS, true
	})
}

// tight writes in records of SmallRecord at most. A call is never torn apart by another.
type tight struct{ mu sync.Mutex }

func (s *tight) write(c *tls.Conn, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(data) > 0 {
		n, err := c.Write(data[:min(len(data), SmallRecord)])
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
