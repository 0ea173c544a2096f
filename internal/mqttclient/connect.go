package mqttclient

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
)

// connection makes one connection, serves it until it ends and says how long it held.
func (c *Client) connection(ctx context.Context) (lived time.Duration, err error) {
	l, err := c.open(ctx)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	err = l.serve(ctx)
	return time.Since(began), err
}

// open dials and shakes hands, within ConnectTimeout and for as long as the client shall live.
func (c *Client) open(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.ConnectTimeout)
	defer cancel()
	go func() { // ends with this attempt
		select {
		case <-c.left:
			cancel()
		case <-ctx.Done():
		}
	}()
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	l, err := c.shakeHands(conn)
	if err == nil && !stop() || ctx.Err() != nil { // closed under us
		err = fmt.Errorf("%s has not answered CONNECT within %v: %w", c.to.host, c.o.ConnectTimeout, context.Cause(ctx))
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return l, nil
}

// shakeHands sends CONNECT and waits for CONNACK.
func (c *Client) shakeHands(conn net.Conn) (*link, error) {
	packet := c.connectPacket()
	if _, err := conn.Write(packet.Append(nil)); err != nil {
		return nil, fmt.Errorf("writing to %s: %w", c.to.host, err)
	}
	in := &packetReader{conn: conn, max: c.o.MaxPacket}
	for {
		kind, err := in.peek()
		if err == nil && kind != mqtt.CONNACK && (kind != mqtt.AUTH || c.o.OnAuth == nil) {
			return nil, fmt.Errorf("%w: %s did not answer with CONNACK; is it an MQTT broker?", mqtt.ProtocolError, c.to.host)
		}
		f, err := in.next()
		if err != nil {
			return nil, fmt.Errorf("waiting for CONNACK of %s: %w", c.to.host, err)
		}
		if kind == mqtt.CONNACK {
			return c.welcome(conn, in, packet, f)
		}
		if err := c.challenge(conn, f); err != nil {
			return nil, err
		}
	}
}

// connectPacket is the CONNECT of this attempt. After the first connection a session that lasts is taken up again.
func (c *Client) connectPacket() *mqtt.Connect {
	o := &c.o
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &mqtt.Connect{Version: o.Version, Bridge: o.Bridge && o.Version != mqtt.V5, Clean: o.Clean, KeepAlive: o.keepAliveSeconds(), ClientID: []byte(c.id),
		HasUser: o.HasUser, User: []byte(o.User), HasPassword: o.Password != nil, Password: o.Password,
		RequestProblem: true}
	if w := o.Will; w != nil {
		m := w.packet()
		m.Props.TopicAlias = 0
		p.Will = &mqtt.Will{QoS: m.QoS, Retain: m.Retain, Delay: o.WillDelay, Topic: m.Topic, Props: m.Props, Payload: m.Payload}
	}
	if o.Version != mqtt.V5 {
		return p
	}
	p.Clean = o.Clean && (!c.met || o.SessionExpiry == 0)
	p.SessionExpiry, p.HasSessionExpiry = o.SessionExpiry, o.SessionExpiry != 0
	p.ReceiveMaximum = o.ReceiveMaximum
	p.MaxPacket = uint32(o.MaxPacket)
	p.TopicAliasMax = o.TopicAliasMax
	p.RequestResponse = o.RequestResponse
	p.RequestProblem = !o.NoProblemInfo
	p.UserProps = o.UserProps
	p.AuthMethod, p.AuthData = o.AuthMethod, o.AuthData
	return p
}

// challenge answers an AUTH of the server [MQTT-4.12.0-3].
func (c *Client) challenge(conn net.Conn, f mqtt.Frame) error {
	a, err := mqtt.DecodeAuth(f)
	if err != nil {
		return err
	}
	answer, err := c.o.OnAuth(a)
	if err != nil {
		return fmt.Errorf("authentication method %q: %w", c.o.AuthMethod, err)
	}
	_, err = conn.Write(answer.Append(nil))
	return err
}

// welcome reads CONNACK: what the server grants, or why it refuses.
func (c *Client) welcome(conn net.Conn, in *packetReader, asked *mqtt.Connect, f mqtt.Frame) (*link, error) {
	a, err := mqtt.DecodeConnack(f, asked.Version)
	if err != nil {
		return nil, err
	}
	if a.Reason != mqtt.Success {
		return nil, &ServerError{Packet: mqtt.CONNACK, Reason: a.Reason, ReasonString: a.ReasonString,
			ServerReference: a.ServerReference, UserProps: a.UserProps}
	}
	if a.SessionPresent && asked.Clean { // [MQTT-3.2.2-2]
		return nil, fmt.Errorf("%w: %s has a session although a new one was asked for", mqtt.ProtocolError, c.to.host)
	}
	l := &link{c: c, conn: conn, in: in, version: asked.Version, connack: a, maxPacket: int(a.MaxPacket),
		window: c.o.Inflight, aliasesIn: make([]string, asked.TopicAliasMax), aliasesOut: map[uint16]string{},
		keepAlive: time.Duration(asked.KeepAlive) * time.Second, room: sync.NewCond(&c.mu),
		work: make(chan struct{}, 1), over: make(chan struct{}), direct: directly(conn), pace: pacer{pause: c.o.Gather}}
	if a.ReceiveMaximum != 0 { // [MQTT-3.3.4-7]
		l.window = min(l.window, int(a.ReceiveMaximum))
	}
	if a.HasServerKeepAlive { // [MQTT-3.1.2-21]
		l.keepAlive = time.Duration(a.ServerKeepAlive) * time.Second
	}
	return l, nil
}

// attach makes l the connection in use and prepares what has to be repeated on it.
func (c *Client) attach(l *link) {
	c.mu.Lock()
	if l.connack.AssignedID != "" {
		c.id = l.connack.AssignedID
	}
	c.link, c.met = l, true
	c.waiting = append(c.takeRequestsSent(), c.waiting...)
	var done []*outgoing
	if l.connack.SessionPresent {
		for _, id := range c.out.resume() {
			rel := mqtt.Ack{Type: mqtt.PUBREL, PacketID: id}
			l.answers = rel.Append(l.answers, l.version)
		}
	} else { // [MQTT-3.2.2-5]
		done = c.out.restart()
		clear(c.received)
		c.waiting = append(c.restoring(), c.waiting...)
	}
	c.settle()
	c.mu.Unlock()
	for _, m := range done {
		m.finish(nil)
	}
}

// detach is the end of l.
func (c *Client) detach(l *link) {
	c.mu.Lock()
	c.link = nil
	var unwritten batch
	l.ready.moveTo(&unwritten)
	c.out.writing -= len(unwritten.waiters)
	c.out.bytes -= unwritten.bytes
	c.settle()
	var lost []*outgoing
	if c.out.online {
		lost = c.out.takeWaiting()
		c.settle()
	}
	c.mu.Unlock()
	for _, w := range unwritten.waiters {
		w.Finish(ErrConnectionLost)
	}
	for _, m := range lost {
		m.finish(ErrConnectionLost)
	}
}
