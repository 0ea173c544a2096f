package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

const (
	maxConnect  = 64 << 10 // bytes of a CONNECT, which has room for a will
	firstRead   = 512      // bytes of the buffer that a CONNECT begins with
	admitTime   = 30 * time.Second
	refuseWrite = 2 * time.Second
)

// caller is a connection that has not logged in yet. Its goroutine waits for bytes in the ordinary way, under one
// deadline that bytes do not extend.
type caller struct {
	srv    *Server
	tcp    *net.TCPConn
	stream net.Conn  // what bytes are read from: tcp, or TLS over it
	tls    *tls.Conn // nil: plain
	tight  *tight    // for the connection
	wire   *wire     // under tls
	ws     *frames   // nil: no WebSocket
	early  []byte    // bytes that were read before, by an HTTP server
	peer   netip.Addr
	refuse bool // plain MQTT is not spoken here
	lent   bool // by an HTTP server, through NextProto
	behind bool // a PROXY header must come first
	hello  Hello
}

// serve leads the caller to its session, or turns it away. It ends when either has been done; the connection then has
// a goroutine of its own, whose stack has not seen a TLS handshake.
func (a *caller) serve(run func(c *conn, early []byte)) {
	c, early, packet, err := a.connect()
	a.srv.settled(a)
	if err != nil {
		a.turnAway(packet, err)
		a.srv.admission.leave()
		return
	}
	run(c, early)
}

// connect reads CONNECT and gives it to the door and the broker.
func (a *caller) connect() (*conn, []byte, *mqtt.Connect, error) {
	if a.behind {
		if err := a.unproxy(); err != nil {
			return nil, nil, nil, err
		}
	}
	if a.tls != nil {
		if err := a.shake(); err != nil {
			return nil, nil, nil, err
		}
	}
	frame, early, err := a.readConnect()
	if err != nil {
		return nil, nil, nil, err
	}
	packet, err := mqtt.DecodeConnect(frame)
	if err != nil {
		a.report("packet", "", err)
		return nil, nil, packet, err
	}
	a.hello.ClientID, a.hello.User, a.hello.HasUser = string(packet.ClientID), string(packet.User), packet.HasUser
	a.hello.Password, a.hello.HasPass = packet.Password, packet.HasPassword
	if packet.AuthMethod != "" { // [MQTT-4.12.0-1]; before the login, which it would stand for
		err := &broker.Refusal{Reason: mqtt.BadAuthenticationMethod, Words: "enhanced authentication is not available; connect with user name and password"}
		a.report("packet", "authentication method", err)
		return nil, nil, packet, err
	}
	if a.refuse && !a.srv.opts.AllowPlain(a.hello) {
		return nil, nil, packet, a.sendElsewhere()
	}
	c, err := a.admit(packet)
	return c, early, packet, err
}

// admit asks the door, then the broker.
func (a *caller) admit(packet *mqtt.Connect) (*conn, error) {
	ctx, cancel := context.WithTimeout(a.srv.ctx, admitTime)
	defer cancel()
	b, who, err := a.srv.opts.Door.Admit(ctx, a.hello)
	a.hello.Password = nil
	if err != nil {
		return nil, err
	}
	c, err := newConn(a.srv, a.tcp, a.tls, a.wire, a.ws)
	if err != nil {
		return nil, err
	}
	c.lent, c.tight = a.lent, a.tight
	req := &broker.ConnectRequest{Packet: packet, Identity: who, Remote: a.hello.Remote, Via: a.hello.Via, TLS: minorTLS(a.hello.TLS), Link: c}
	if c.sess, err = a.srv.attach(ctx, b, req); err != nil {
		return nil, err
	}
	return c, nil
}

// minorTLS is the second number of a version's name: 3 of TLS 1.3.
func minorTLS(version uint16) uint8 {
	if version < tls.VersionTLS10 {
		return 0
	}
	return uint8(version - tls.VersionTLS10)
}

// shake does the TLS handshake. Every packet that comes after it is the peer's, so its name is known here.
func (a *caller) shake() error {
	err := a.tls.Handshake() // under the deadline of begin, which Stop brings forward
	if err == nil {
		state := a.tls.ConnectionState()
		a.hello.Host, a.hello.Certificates, a.hello.TLS = state.ServerName, state.PeerCertificates, state.Version
		return nil
	}
	if bad, ok := errors.AsType[tls.RecordHeaderError](err); ok && bad.Conn != nil {
		a.report("listener", "tls", fmt.Errorf("no TLS on a TLS port, but %s", protocolOf(bad.RecordHeader[:])))
	} else if !timedOut(err) && !errors.Is(err, io.EOF) {
		a.report("listener", "tls", fmt.Errorf("TLS handshake: %w", err))
	} else if timedOut(err) {
		a.report("listener", "patience", errPatience)
	}
	return err
}

var errPatience = fmt.Errorf("no complete CONNECT in time")

// readConnect reads until CONNECT is whole. The buffer grows with the bytes that have come, not with the length that
// is announced.
func (a *caller) readConnect() (f mqtt.Frame, early []byte, err error) {
	buf := make([]byte, 0, firstRead)
	for {
		if buf, err = a.readSome(buf); err != nil {
			if timedOut(err) {
				a.report("listener", "patience", errPatience)
			} else if _, ok := errors.AsType[*wsError](err); ok {
				a.report("packet", "websocket", err)
			}
			return f, nil, err
		}
		if len(buf) == 0 {
			continue
		}
		if buf[0] != byte(mqtt.CONNECT)<<4 { // [MQTT-3.1.0-1] [MQTT-2.1.3-1]
			err := fmt.Errorf("the first bytes are not CONNECT, but %s", protocolOf(buf))
			a.report("listener", "connect first", err)
			return f, nil, err
		}
		f, err = mqtt.Cut(buf, maxConnect)
		switch {
		case err == nil:
			early, err = a.after(buf[f.Size:])
			return f, early, err
		case !errors.Is(err, mqtt.ErrShort):
			a.report("packet", fmt.Sprintf("CONNECT of at most %d bytes", maxConnect), err)
			return f, nil, err
		}
	}
}

// after is what has been read after CONNECT, in memory of its own.
func (a *caller) after(rest []byte) ([]byte, error) {
	data := a.early
	a.early = nil
	var err error
	if a.ws != nil {
		data, err = a.ws.next(data)
	}
	return append(append([]byte(nil), rest...), data...), err
}

// readSome appends what comes next, without the frames of a WebSocket.
func (a *caller) readSome(buf []byte) ([]byte, error) {
	if len(buf) == cap(buf) {
		buf = append(make([]byte, 0, 2*cap(buf)), buf...)
	}
	if len(a.early) > 0 {
		room := buf[len(buf):cap(buf)]
		n := copy(room, a.early)
		a.early = a.early[n:]
		return a.unframe(buf, n)
	}
	n, err := a.stream.Read(buf[len(buf):cap(buf)])
	if n > 0 {
		return a.unframe(buf, n)
	}
	return buf, err
}

// unframe adds the n bytes behind buf to it.
func (a *caller) unframe(buf []byte, n int) ([]byte, error) {
	fresh := buf[len(buf) : len(buf)+n]
	if a.ws == nil {
		return buf[:len(buf)+n], nil
	}
	data, err := a.ws.next(fresh)
	if err == nil && len(a.ws.pong) > 0 {
		_, err = a.stream.Write(a.ws.pong)
		a.ws.pong = nil
	}
	return buf[:len(buf)+len(data)], err
}

// sendElsewhere records a login that came in clear and says where it belongs.
func (a *caller) sendElsewhere() error {
	words := "MQTT without TLS is not accepted here: connect with TLS to " + a.srv.opts.Reference
	cause := words
	if a.hello.HasPass {
		cause += "; the password has just crossed the network in clear, so change it"
	}
	a.srv.opts.Refused(a.hello, broker.Event{Time: time.Now(), Kind: "refused", Client: a.hello.ClientID, User: a.hello.User,
		Remote: a.hello.Remote, Gate: "listener", Rule: "TLS required", Cause: cause, Reason: mqtt.UseAnotherServer})
	return &moved{a.srv.opts.Reference, cause}
}

// report tells the log of a connection that was not understood.
func (a *caller) report(gate, rule string, err error) {
	a.srv.opts.Refused(a.hello, broker.Event{Time: time.Now(), Kind: "refused", Client: a.hello.ClientID, User: a.hello.User,
		Remote: a.hello.Remote, Gate: gate, Rule: rule, Cause: err.Error(), Reason: mqtt.ReasonOf(err)})
}
