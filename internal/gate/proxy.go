package gate

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

// Sizes of PROXY headers, in bytes.
const (
	proxyLeast = 15      // "PROXY UNKNOWN\r\n"; a binary header has 16 or more
	proxyLine  = 107     // longest header of version 1
	proxyBody  = 2 << 10 // longest that follows the fixed part of version 2: addresses, and records that are skipped
)

const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

var (
	errNoProxy  = errors.New("no PROXY header came first, which this address must send (setting proxy_from)")
	errBadProxy = errors.New("a PROXY header that is not valid")
)

// proxied says whether a peer must send a PROXY header.
func (s *Server) proxied(peer net.Addr) bool {
	tcp, ok := peer.(*net.TCPAddr)
	if !ok || len(s.opts.ProxyFrom) == 0 {
		return false
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	for _, p := range s.opts.ProxyFrom {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// readProxy reads a PROXY header of version 1 or 2 and not one byte more, because what follows is read in many ways.
// The address is nil where the proxy speaks for itself (LOCAL, UNKNOWN) or for something without one.
func readProxy(r io.Reader) (net.Addr, error) {
	head := make([]byte, proxyLeast, proxyLine)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, noProxy(err)
	}
	var err error
	switch {
	case bytes.HasPrefix(head, []byte(proxySignature)):
		head, err = readProxyBinary(r, head)
	case bytes.HasPrefix(head, []byte("PROXY ")):
		head, err = readProxyLine(r, head)
	default:
		return nil, errNoProxy
	}
	if err != nil {
		return nil, err
	}
	if len(head) > 13 && head[0] == '\r' && head[13]>>4 == 0 { // unspecified: the library takes it from LOCAL only
		return nil, nil
	}
	h, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadProxy, err)
	}
	if h.Command.IsLocal() || h.TransportProtocol.IsUnspec() {
		return nil, nil
	}
	src, _, ok := h.TCPAddrs()
	if !ok {
		return nil, nil
	}
	return src, nil
}

// noProxy is the error for a header that ends early; a deadline stays what it is.
func noProxy(err error) error {
	if timedOut(err) {
		return err
	}
	return fmt.Errorf("%w: %w", errNoProxy, err)
}

// readProxyLine reads on to the end of the line, byte by byte: it is short, and what follows isn't ours.
func readProxyLine(r io.Reader, head []byte) ([]byte, error) {
	for !bytes.HasSuffix(head, []byte("\r\n")) {
		if len(head) == proxyLine {
			return nil, fmt.Errorf("%w: its line is longer than %d bytes", errBadProxy, proxyLine)
		}
		head = head[:len(head)+1]
		if _, err := io.ReadFull(r, head[len(head)-1:]); err != nil {
			return nil, noProxy(err)
		}
	}
	return head, nil
}

func readProxyBinary(r io.Reader, head []byte) ([]byte, error) {
	head = head[:proxyLeast+1]
	if _, err := io.ReadFull(r, head[proxyLeast:]); err != nil {
		return nil, noProxy(err)
	}
	n := int(binary.BigEndian.Uint16(head[14:]))
	switch {
	case head[12] != 0x20 && head[12] != 0x21: // version 2, LOCAL or PROXY
		return nil, fmt.Errorf("%w: its version and command are %#x", errBadProxy, head[12])
	case n > proxyBody:
		return nil, fmt.Errorf("%w: it announces %d bytes, more than %d", errBadProxy, n, proxyBody)
	}
	head = append(head, make([]byte, n)...)
	if _, err := io.ReadFull(r, head[proxyLeast+1:]); err != nil {
		return nil, noProxy(err)
	}
	return head, nil
}

// unproxy reads the header of a caller whose peer is a proxy; from then on the caller is the client behind it.
func (a *caller) unproxy() error {
	addr, err := readProxy(a.tcp)
	if err != nil {
		rule := "proxy_from"
		if timedOut(err) {
			rule, err = "patience", errPatience
		}
		a.report("listener", rule, err)
		return err
	}
	if addr == nil {
		return nil
	}
	peer := remoteAddr(addr.String())
	if err := a.srv.admission.become(peer); err != nil {
		a.srv.crowded(addr.String(), err)
		return err
	}
	a.hello.Remote, a.peer = addr.String(), peer
	return nil
}

// told is what a proxy tells of the client of a connection that an HTTP server reads: whoever asks first, reads.
type told struct {
	srv  *Server
	once sync.Once
	addr net.Addr // nil: the proxy itself
	err  error
}

// wait reads the header, once. It has a time of its own, because HTTP servers begin theirs later.
func (p *told) wait(tcp *net.TCPConn) error {
	if p == nil {
		return nil
	}
	p.once.Do(func() {
		_ = tcp.SetReadDeadline(time.Now().Add(p.srv.opts.Patience)) // a closed socket shows at the read
		if p.addr, p.err = readProxy(tcp); p.err != nil {
			remote := tcp.RemoteAddr().String()
			p.srv.opts.Refused(Hello{Remote: remote}, broker.Event{Time: time.Now(), Kind: "refused", Remote: remote,
				Gate: "listener", Rule: "proxy_from", Cause: p.err.Error(), Reason: mqtt.ReasonOf(p.err)})
			return
		}
		_ = tcp.SetReadDeadline(time.Time{})
	})
	return p.err
}
