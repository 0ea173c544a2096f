package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"time"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// Connect makes a client of a CONNECT whose credentials are good. It blocks until the session is durable where it must
// be. When it returns the CONNACK waits in the client's outbox, followed by what a resumed session was owed; the gate
// flushes it and goes on with Handle. A refusal is a *Refusal with its mqtt.Reason; the gate writes the CONNACK for it.
func (b *Broker) Connect(ctx context.Context, req *ConnectRequest) (*Client, error) {
	p := req.Packet
	if err := b.vet(req); err != nil {
		b.refused(req, string(p.ClientID), err)
		return nil, err
	}
	id, assigned := string(p.ClientID), ""
	if id == "" { // [MQTT-3.1.3-6] [MQTT-3.1.3-7]
		id = "auto-" + rand.Text()
		assigned = id
	}
	unlock, err := b.lockID(ctx, id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	c := b.newClient(req)
	ack := b.connack(c, assigned, req.Packet)
	if len(ack.Append(nil, c.version)) > int(c.maxOut) { // [MQTT-3.1.2-24]
		err := &Refusal{mqtt.PacketTooLarge, "the client's Maximum Packet Size has no room for CONNACK"}
		b.refused(req, id, err)
		return nil, err
	}
	if err := b.admitClient(c, id, req); err != nil {
		b.refused(req, id, err)
		return nil, err
	}
	present, err := b.attachSession(ctx, c, id, req)
	if err != nil {
		b.release(c)
		b.refused(req, id, err)
		return nil, err
	}
	ack.SessionPresent = present
	b.welcome(c, ack, req)
	b.total.connects.Add(1)
	if b.isStopped() { // Stop has not seen this one
		c.Expel(mqtt.ServerShuttingDown, ErrStopped.Error())
	}
	c.event(Event{Kind: "connected", Gate: "listener", Rule: req.Via})
	if again := req.Identity.Again; again != nil {
		c.evict(again())
	}
	return c, nil
}

func (b *Broker) isStopped() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stopped
}

// refused reports a CONNECT that was turned down.
func (b *Broker) refused(req *ConnectRequest, id string, err error) {
	e := Event{Kind: "refused", Client: id, User: req.Identity.User, Remote: req.Remote, Gate: "packet",
		Reason: mqtt.ReasonOf(err), Cause: err.Error()}
	if l, ok := errors.AsType[*limitRefusal](err); ok {
		e.Gate, e.Rule, e.Cause = "limits", l.limit, l.cause
	}
	if clash, ok := errors.AsType[*clashRefusal](err); ok {
		b.total.clashes.Add(1)
		if clash.count == 0 {
			return
		}
		e.Gate, e.Rule, e.Cause, e.Count = "session", "client_id", clash.cause, clash.count
	}
	if e.Reason == mqtt.NotAuthorized {
		e.Gate = "acl"
	}
	b.event(e)
}

// limitRefusal is a refusal because of a bound of the plan; cause is for the instance's owner.
type limitRefusal struct {
	Refusal
	limit string
	cause string
}

func (r *limitRefusal) Unwrap() error { return &r.Refusal }

// vet checks what can be judged of a CONNECT alone.
func (b *Broker) vet(req *ConnectRequest) error {
	p := req.Packet
	switch {
	case p.AuthMethod != "": // [MQTT-4.12.0-1]
		return &Refusal{mqtt.BadAuthenticationMethod, "enhanced authentication is not available; connect with user name and password"}
	case len(p.ClientID) > maxClientID:
		return &Refusal{mqtt.ClientIdentifierNotValid, fmt.Sprintf("the client identifier is longer than %d bytes", maxClientID)}
	case len(p.ClientID) == 0 && p.Version != mqtt.V5 && (!p.Clean || p.Version == mqtt.V31): // [v3.1.1 MQTT-3.1.3-8]
		return &Refusal{mqtt.ClientIdentifierNotValid, "a client without an identifier needs a clean session"}
	case req.Identity.Rights == nil:
		return &Refusal{mqtt.NotAuthorized, "the user has no rights on this instance"}
	}
	if w := p.Will; w != nil {
		name := string(w.Topic)
		if len(w.Topic) > maxTopic || !topic.ValidName(w.Topic) {
			return &Refusal{mqtt.TopicNameInvalid, "the will's topic is not valid: " + errTopicName.Words}
		}
		if systemTopic(name) {
			return &Refusal{mqtt.NotAuthorized, "the will's topic belongs to the server"}
		}
		if v := req.Identity.Rights.MayPublish(name, string(p.ClientID), w.QoS, w.Retain); !v.Allowed {
			return &Refusal{mqtt.NotAuthorized, "the user may not publish to the will's topic (" + v.Rule + ")"}
		}
	}
	return nil
}

// lockID keeps the CONNECTs of one client id apart: takeover, session and store are one step.
func (b *Broker) lockID(ctx context.Context, id string) (unlock func(), err error) {
	for {
		b.mu.Lock()
		busy, taken := b.connecting[id]
		if !taken {
			b.connecting[id] = nil
			b.mu.Unlock()
			return func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				if waited := b.connecting[id]; waited != nil {
					close(waited)
				}
				delete(b.connecting, id)
			}, nil
		}
		if busy == nil {
			busy = make(chan struct{})
			b.connecting[id] = busy
		}
		b.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, &Refusal{mqtt.ServerBusy, "another connection with the same client identifier is still being accepted"}
		}
	}
}

func (b *Broker) newClient(req *ConnectRequest) *Client {
	p, l := req.Packet, b.limits.Load()
	c := &Client{
		b: b, link: req.Link, user: req.Identity.User, remote: req.Remote, via: req.Via, tls: req.TLS, since: b.clock.now().UnixMilli(),
		version: p.Version, wire: wireOf(p.Version), web: req.Identity.Web, inner: req.Identity.Inner, bridge: p.Bridge,
		maxIn: int32(min(l.MaxPacket, math.MaxInt32)), maxOut: math.MaxInt32, window: windowMax,
		keepAlive: time.Duration(p.KeepAlive) * time.Second,
	}
	if c.wire == wire5 {
		c.problem = p.RequestProblem
		c.window = min(windowMax, max(1, int32(p.ReceiveMaximum)))
		c.recvMax, c.aliasMax = uint16(l.ReceiveMaximum), uint16(l.TopicAliasMax) // withDefaults has seen to that
		if p.MaxPacket > 0 {
			c.maxOut = int32(min(p.MaxPacket, math.MaxInt32))
		}
		if top := l.KeepAliveMax; top > 0 && (c.keepAlive == 0 || c.keepAlive > top) { // [MQTT-3.1.2-21]
			c.keepAlive = top.Round(time.Second)
		}
	}
	rights := req.Identity.Rights
	c.rights.Store(&rights)
	c.outbox.client, c.outbox.limit, c.outbox.aliases = c, l.OutboxBytes, newAliasTable(p)
	return c
}

// sessionExpiry is how long the session outlives the connection, in seconds.
func (b *Broker) sessionExpiry(p *mqtt.Connect) uint32 {
	expiry := p.SessionExpiry
	if p.Version != mqtt.V5 && p.Clean {
		expiry = 0
	}
	return b.capExpiry(expiry)
}

// capExpiry holds a session expiry to the plan's bound.
func (b *Broker) capExpiry(expiry uint32) uint32 {
	if top := b.limits.Load().SessionExpiryMax; top > 0 && time.Duration(expiry)*time.Second > top {
		return uint32(top / time.Second)
	}
	return expiry
}

// connack is the answer to a CONNECT that is accepted, but for whether there is a session.
func (b *Broker) connack(c *Client, assigned string, p *mqtt.Connect) *mqtt.Connack {
	ack := &mqtt.Connack{MaxQoS: 2}
	if c.wire == wire5 {
		ack.AssignedID = assigned
		ack.ReceiveMaximum = c.recvMax
		ack.TopicAliasMax = c.aliasMax
		ack.MaxPacket = uint32(c.maxIn)
		if told := uint16(c.keepAlive / time.Second); told != p.KeepAlive {
			ack.ServerKeepAlive, ack.HasServerKeepAlive = told, true
		}
		if expiry := b.sessionExpiry(p); expiry != p.SessionExpiry {
			ack.SessionExpiry, ack.HasSessionExpiry = expiry, true
		}
		b.introduce(p, ack)
	}
	return ack
}

// welcome puts the CONNACK into the outbox and gives the session its client: from now on it is delivered to.
func (b *Broker) welcome(c *Client, ack *mqtt.Connack, req *ConnectRequest) {
	s := c.s
	var t Turn // its list is left: the gate flushes this outbox first of all
	s.mu.Lock()
	defer s.mu.Unlock()
	c.answer(ack.Append(nil, c.version), &t)
	s.client.Store(c)
	s.resume(c, &t)
	c.outbox.mu.Lock()
	c.outbox.marked = false
	c.outbox.mu.Unlock()
	if until := req.Identity.Until; !until.IsZero() {
		c.seldom().until = time.AfterFunc(until.Sub(b.clock.now()), func() {
			c.Expel(mqtt.MaximumConnectTime, "the token of this connection has expired; connect again")
		})
	}
}
