package gate

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"
)

// Door kinds, as they stand in lists and logs.
const (
	viaMQTTS = "mqtts"
	viaWSS   = "wss"
	viaMQTT  = "mqtt"
	viaWS    = "ws"
)

// How long accepting pauses when the process has no descriptor left.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// ServeTLS accepts MQTT over TLS until the listener is closed; Stop closes it.
func (s *Server) ServeTLS(l net.Listener, config *tls.Config) error {
	config = config.Clone()
	config.DynamicRecordSizingDisabled = true // a flush is whole packets: small first records would only split them
	return s.accept(l, func(tcp *net.TCPConn, a *caller) {
		a.wire = &wire{TCPConn: tcp}
		a.tls = tls.Server(a.wire, config)
		a.stream, a.hello.Via, a.hello.Secure = a.tls, viaMQTTS, true
	})
}

// ServePlain accepts MQTT without TLS until the listener is closed. Unless open, every client is refused with the way
// to TLS, but for those that Options.AllowPlain lets in.
func (s *Server) ServePlain(l net.Listener, open bool) error {
	return s.accept(l, func(tcp *net.TCPConn, a *caller) {
		a.stream, a.hello.Via, a.refuse = tcp, viaMQTT, !open
	})
}

// accept takes connections in until the listener is closed.
func (s *Server) accept(l net.Listener, prepare func(*net.TCPConn, *caller)) error {
	if !s.addListener(l) {
		return l.Close()
	}
	tune(l)
	var pause time.Duration
	for {
		nc, err := l.Accept()
		if err != nil {
			if s.stopping() || errors.Is(err, net.ErrClosed) {
				return nil
			}
			if !outOfFiles(err) && !temporary(err) {
				return err
			}
			if pause == 0 {
				s.log.Error("no connection can be accepted for now: raise the limit of open files (ulimit -n)", "err", err)
			}
			pause = min(max(2*pause, firstPause), lastPause)
			if !s.wait(pause) {
				return nil
			}
			continue
		}
		pause = 0
		if tcp, ok := nc.(*net.TCPConn); ok {
			s.welcome(tcp, prepare)
		} else {
			_ = nc.Close() // no listener of ours gives anything else
		}
	}
}

// temporary says whether an accepted connection had gone again before it was accepted.
func temporary(err error) bool {
	var ne net.Error
	//lint:ignore SA1019 the errors of accept(2) that pass have no other sign
	return errors.As(err, &ne) && ne.Temporary() //nolint:staticcheck // the errors of accept(2) that pass have no other sign
}

// welcome starts a caller, if there is room for one.
func (s *Server) welcome(tcp *net.TCPConn, prepare func(*net.TCPConn, *caller)) {
	a := &caller{srv: s, tcp: tcp}
	from := addrPort(tcp.RemoteAddr())
	a.hello.Remote = from.String()
	if a.behind = s.proxied(tcp.RemoteAddr()); !a.behind {
		a.peer = origin(from.Addr())
	}
	prepare(tcp, a)
	if err := s.begin(a); err != nil {
		s.crowded(a.hello.Remote, err)
		_ = tcp.Close()
		return
	}
	s.workers.start(&s.wg, func() { a.serve(s.launch) }) // ends by the deadline of begin, or with the login
}

// launch runs a connection in a goroutine whose stack is still small.
func (s *Server) launch(c *conn, early []byte) {
	s.wg.Go(func() { c.run(early) })
}

// begin counts a caller and starts its time.
func (s *Server) begin(a *caller) error {
	if err := s.admission.enter(a.peer); err != nil {
		return err
	}
	s.mu.Lock()
	stopping := s.stopped || s.recalled && a.lent
	if !stopping {
		s.callers[a] = struct{}{}
	}
	s.mu.Unlock()
	if stopping {
		s.admission.known(a.peer)
		s.admission.leave()
		return errStopping
	}
	boundSending(a.tcp)
	_ = a.tcp.SetDeadline(time.Now().Add(s.opts.Patience)) // a closed socket shows at the first read
	return nil
}

// settled says that a caller waits no more.
func (s *Server) settled(a *caller) {
	s.mu.Lock()
	delete(s.callers, a)
	s.mu.Unlock()
	s.admission.known(a.peer)
}

// crowded logs a connection that was too many, at most once a second for all.
func (s *Server) crowded(remote string, err error) {
	if errors.Is(err, errStopping) {
		return
	}
	s.refusals.Add(1)
	s.seldom.Do(func() {
		s.log.Warn("connections are refused", "cause", err, "last", remote, "refused", s.refusals.Load())
	})
}

// addrPort is a socket's address; the zero value for what is none.
func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// remoteAddr parses what net/http calls RemoteAddr.
func remoteAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return origin(ap.Addr())
	}
	return netip.Addr{}
}
