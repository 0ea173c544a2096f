package broker

import (
	"errors"

	"tsunagi/internal/mqtt"
)

// memo is the last topic that a connection has published to, with what its rights say about it.
type memo struct {
	m       *match
	by      *Rights
	gen     uint64 // of the rights
	known   byte   // a bit for each QoS and retain flag whose verdict is known
	allowed byte
}

// find is the match of a topic name: that of the last message when it is the same, else from the broker's cache.
func (c *Client) find(name []byte, t *Turn) (*match, error) {
	if m := c.memo.m; m != nil && string(name) == m.topic {
		if m.gen != c.b.gen.Load() {
			c.memo.m = c.b.matchOf(m.topic, &t.match)
		}
		return c.memo.m, nil
	}
	m, err := c.b.lookup(name, t)
	if err != nil {
		return nil, err
	}
	c.memo = memo{m: m}
	return m, nil
}

// mayPublish asks the rights once for a topic, until they change. m is the memo's.
func (c *Client) mayPublish(m *match, qos byte, retain bool) bool {
	k := &c.memo
	by := c.rights.Load()
	if gen := (*by).Generation(); k.by != by || k.gen != gen {
		k.by, k.gen, k.known, k.allowed = by, gen, 0, 0
	}
	bit := byte(1) << (2 * qos)
	if retain {
		bit <<= 1
	}
	if k.known&bit == 0 {
		k.known |= bit
		if !m.system && (*by).MayPublish(m.topic, c.s.id, qos, retain).Allowed {
			k.allowed |= bit
		}
	}
	return k.allowed&bit != 0
}

// denied reports messages that the access list refused.
func (c *Client) denied(m *match, qos byte, retain bool, count int) {
	e := Event{Kind: "denied", Topic: m.topic, Gate: "acl", Reason: mqtt.NotAuthorized, Count: count,
		Cause: "the user may not publish to this topic"}
	if m.system {
		e.Rule, e.Cause = "$SYS", "only the server publishes to this topic"
	} else {
		e.Rule = (*c.rights.Load()).MayPublish(m.topic, c.s.id, qos, retain).Rule
	}
	rare := c.seldom()
	if k := rare.denials.hit(count, c.b.clock.ms()); k > 0 || rare.lastDenied != m.topic {
		rare.lastDenied = m.topic
		e.Count = max(int(k), count)
		c.event(e)
	}
}

// publish decodes a PUBLISH and hands it to admit.
func (c *Client) publish(f mqtt.Frame, raw []byte, t *Turn) error {
	p := &t.pub
	if err := mqtt.DecodePublish(p, f, c.version); err != nil {
		return err
	}
	c.messagesIn.Add(1)
	return c.admit(p, raw, t)
}

// admit checks one message: room 3. The order is security: the alias is resolved first, so that the access list sees
// the real topic; what is refused leaves no trace in the QoS state. Then the message is accepted.
func (c *Client) admit(p *mqtt.Publish, raw []byte, t *Turn) error {
	if len(p.Props.SubscriptionIDs) > 0 { // [MQTT-3.3.4-6]
		return &Refusal{mqtt.ProtocolError, "a client sends no subscription identifiers in PUBLISH"}
	}
	aliased := p.Props.TopicAlias != 0
	if aliased {
		if err := c.resolve(p); err != nil {
			return err
		}
	}
	m, err := c.find(p.Topic, t)
	if err != nil {
		return err
	}
	if p.Retain && len(p.Payload) > 0 {
		if r := c.b.retainRoom(m.topic, c.s.id, c.user, p); r != nil {
			return c.refuse(p, m, r, "limits", "", t)
		}
	}
	if !c.mayPublish(m, p.QoS, p.Retain) {
		c.denied(m, p.QoS, p.Retain, 1)
		return c.refuse(p, m, &Refusal{mqtt.NotAuthorized, "not allowed to publish to this topic"}, "", "", t)
	}
	if p.QoS > 0 {
		if m.stored && c.b.keep != "" {
			if r := c.keepRoom(p, m); r != nil {
				return c.refuseFull(p, m, r, t)
			}
		}
		known, err := c.receive(p, t)
		if known || err != nil {
			return err
		}
	}
	if p.QoS == 0 && c.b.lift && c.b.lifts(m, c.s) {
		return c.submit(p, m, 0, t)
	}
	return c.accept(p, raw, m, aliased, t)
}

// resolve sets and reads topic aliases [MQTT-3.3.2-8] [MQTT-3.3.2-10]. They live as long as the connection.
func (c *Client) resolve(p *mqtt.Publish) error {
	n := int(p.Props.TopicAlias)
	if n > int(c.aliasMax) { // [MQTT-3.3.2-9]
		return &Refusal{mqtt.TopicAliasInvalid, "the topic alias is over the Topic Alias Maximum"}
	}
	rare := c.seldom()
	if len(p.Topic) > 0 {
		if rare.aliases == nil {
			rare.aliases = make([]string, c.aliasMax+1)
		}
		if rare.aliases[n] != string(p.Topic) {
			rare.aliases[n] = string(p.Topic)
		}
		return nil
	}
	if rare.aliases == nil || rare.aliases[n] == "" {
		return &Refusal{mqtt.ProtocolError, "the topic alias was never set on this connection"}
	}
	p.Topic = viewString(rare.aliases[n])
	return nil
}

// refuse answers a message that is not accepted: by a reason code in 5.0, by the end of the connection in older versions
// that know none [v3.1.1 MQTT-3.3.5-2]; at QoS 0 the message is just dropped. gate is for the event, empty when there
// was one.
func (c *Client) refuse(p *mqtt.Publish, m *match, r *Refusal, gate, rule string, t *Turn) error {
	if gate != "" {
		c.event(Event{Kind: "refused", Topic: m.topic, Gate: gate, Rule: rule, Reason: r.Reason, Cause: r.Words})
	}
	if p.QoS == 0 {
		return nil
	}
	return c.refuseID(p.QoS, p.PacketID, r, t)
}

func (c *Client) refuseID(qos byte, id uint16, r *Refusal, t *Turn) error {
	if c.wire == wire3 {
		return &Refusal{r.Reason, "a message was refused (" + r.Words + "), which MQTT 3 can only tell by closing the connection"}
	}
	kind := mqtt.PUBACK
	if qos == 2 {
		kind = mqtt.PUBREC
	}
	c.refuseAck(kind, id, r.Reason, r.Words, t)
	return nil
}

// accept routes a message at once, or has it wait for the committer: when it is owed to somebody who may be away, when
// it is to be retained, and when earlier messages of the same publisher wait.
func (c *Client) accept(p *mqtt.Publish, raw []byte, m *match, aliased bool, t *Turn) error {
	waits := p.Retain || p.QoS > 0 && (m.stored || c.pending.Load() > 0 || p.QoS == 2 && c.s.persistent.Load())
	if waits && p.QoS > 0 {
		return c.submit(p, m, 0, t)
	}
	o := &t.out
	o.reset()
	o.match, o.from, o.user, o.pub = m, c.s, c.user, *p
	o.pub.Props.TopicAlias = 0
	if !aliased && !p.Dup { // else it must not be forwarded as it came
		o.raw, o.rawWire = raw, c.wire
	}
	if p.Props.HasExpiry {
		o.expires = c.b.clock.ms() + int64(p.Props.Expiry)*1000
	}
	kept := uint64(0)
	if waits {
		kept = c.b.retOrder.Add(1) // as in publishOp.done, and looked up after it as there
		o.match = c.b.matchOf(m.topic, &t.match)
	}
	c.b.route(o, t)
	switch {
	case waits:
		return c.submit(p, m, kept, t)
	case p.QoS == 1:
		c.sendAck(mqtt.PUBACK, p.PacketID, reached(m), t)
	case p.QoS == 2:
		c.sendAck(mqtt.PUBREC, p.PacketID, reached(m), t)
	}
	return nil
}

// reached is the reason code of an acknowledgement.
func reached(m *match) mqtt.Reason {
	if len(m.receivers)+len(m.groups) == 0 {
		return mqtt.NoMatchingSubscribers
	}
	return mqtt.Success
}

// storeRefusal is what a publisher is told when its message can't be kept.
func storeRefusal(err error) *Refusal {
	if errors.Is(err, ErrStoreFull) {
		return &Refusal{mqtt.QuotaExceeded, "the server's storage is full; try again later"}
	}
	return &Refusal{mqtt.UnspecifiedError, "the server can't store the message"}
}
