package broker

import (
	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// maxFilter is the longest topic filter in bytes; the standard would allow 65,535.
const maxFilter = 4096

// subscribe carries out a SUBSCRIBE. For a persistent session the SUBACK waits until the subscriptions are durable;
// behind operations of the same client that wait, it waits, too.
func (c *Client) subscribe(p *mqtt.Subscribe, t *Turn) error {
	op := &subscribeOp{c: c, id: p.PacketID, list: make([]wish, len(p.Filters)), reasons: make([]mqtt.Reason, len(p.Filters))}
	told := 0
	for i := range p.Filters {
		w, no := c.examine(&p.Filters[i], p.SubscriptionID)
		if no == nil {
			op.list[i], op.reasons[i] = w, mqtt.Reason(w.sub.qos)
			continue
		}
		op.reasons[i] = no.Reason
		if told++; told <= maxTold { // a packet may hold many thousands
			c.event(*no)
		}
	}
	return c.settleOp(op, t)
}

// settleOp carries an operation on the session out at once, if nothing has to be durable and nothing waits in front.
func (c *Client) settleOp(op operation, t *Turn) error {
	if !c.s.persistent.Load() && c.pending.Load() == 0 {
		op.done(t, nil)
		return nil
	}
	c.pending.Add(1)
	return c.b.commit.submit(&waiting{op, c}, t)
}

// waiting is an operation that later ones of the same client must not overtake.
type waiting struct {
	operation
	c *Client
}

func (o *waiting) done(t *Turn, err error) {
	defer o.c.pending.Add(-1)
	o.operation.done(t, err)
}

// wish is one filter of a SUBSCRIBE that is granted.
type wish struct {
	sub      *subscription
	handling byte // of retained messages
	isNew    bool
}

// maxTold is how many refused filters of one SUBSCRIBE are told of.
const maxTold = 10

// examine judges one filter; the event says why it is refused. What is granted counts until subscribeOp is done.
func (c *Client) examine(f *mqtt.Subscription, id uint32) (wish, *Event) {
	refuse := func(r mqtt.Reason, gate, rule, cause string) (wish, *Event) {
		return wish{}, &Event{Kind: "denied", Topic: string(f.Filter[:min(len(f.Filter), 256)]), Gate: gate, Rule: rule, Reason: r, Cause: cause}
	}
	if !c.maySubscribeMore() {
		return refuse(mqtt.QuotaExceeded, "limits", "subscribe_rate", "the client subscribes more often than the plan allows; it should keep its subscriptions")
	}
	if len(f.Filter) > maxFilter {
		return refuse(mqtt.TopicFilterInvalid, "packet", "", "the topic filter is longer than 4096 bytes")
	}
	parsed, err := topic.ParseFilter(string(f.Filter))
	if err != nil {
		return refuse(mqtt.TopicFilterInvalid, "packet", "", err.Error())
	}
	by := *c.rights.Load()
	if v := by.MaySubscribe(parsed.Filter, c.s.id); !v.Allowed {
		return refuse(mqtt.NotAuthorized, "acl", v.Rule, "the user may not subscribe to this filter")
	}
	qos := f.QoS
	if bounded, ok := by.(interface {
		GrantQoS(filter, clientID string, qos byte) byte
	}); ok {
		qos = bounded.GrantQoS(parsed.Filter, c.s.id, qos)
	}
	if rule, cause := c.s.ask(parsed.Full); rule != "" {
		return refuse(mqtt.QuotaExceeded, "limits", rule, cause)
	}
	sub := &subscription{s: c.s, full: parsed.Full, filter: parsed.Filter, qos: qos, noLocal: f.NoLocal || c.bridge,
		rap: f.RetainAsPublished || c.bridge, id: id}
	w := wish{sub: sub, handling: f.RetainHandling}
	if parsed.Share != "" {
		sub.share()
		w.handling = 2 // 4.8.2: no retained messages
	}
	return w, nil
}

// subscribeOp makes subscriptions durable, then in force, then acknowledges them.
type subscribeOp struct {
	c       *Client
	id      uint16
	list    []wish // sub is nil where the filter is refused
	reasons []mqtt.Reason
	start   uint64
	waited  bool // for the committer
}

func (o *subscribeOp) size() int     { return 256 * (1 + len(o.list)) }
func (o *subscribeOp) grows() growth { return growsState }

// prepare notes the offset from which on the subscriptions hold: that of the first message behind them in the order of
// operations. One that replaces another keeps the old one's, so that what is queued stays matched.
func (o *subscribeOp) prepare(p *plan) {
	s := o.c.s
	o.waited = true
	if !s.live() {
		return
	}
	o.start = p.next
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range o.list {
		if w.sub == nil {
			continue
		}
		if w.sub.member != nil {
			p.group(s.b, w.sub.full)
		}
		if w.sub != nil {
			p.subscription(s, w.sub.full, w.sub.encode(s.startOf(w.sub.full, o.start)))
		}
	}
}

func (s *Session) startOf(filter string, start uint64) uint64 {
	if old := s.subs.get(filter); old != nil {
		return old.start
	}
	return start
}

func (o *subscribeOp) done(t *Turn, err error) {
	s := o.c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	defer o.settle()
	if s.ended {
		return
	}
	for i := range o.list {
		w := &o.list[i]
		switch {
		case w.sub == nil:
		case err != nil:
			o.reasons[i] = storeRefusal(err).Reason
		default:
			w.sub.start = s.startOf(w.sub.full, o.start)
			w.isNew = s.put(w.sub)
		}
	}
	if s.client.Load() != o.c {
		return
	}
	packet := (&mqtt.Suback{Type: mqtt.SUBACK, PacketID: o.id, Reasons: o.reasons}).Append(nil, o.c.version)
	o.c.answer(packet, t) // [MQTT-3.8.4-1] [MQTT-3.8.4-5]
	for i := range o.list {
		w := &o.list[i]
		if w.sub != nil && err == nil && (w.handling == 0 || w.handling == 1 && w.isNew) { // [MQTT-3.3.1-9] to [MQTT-3.3.1-11]
			s.startReplay(w.sub)
		}
	}
	if o.waited && s.replays != nil { // who the messages are of may have to be read: not in the committer
		go o.c.catchUp() // ends when the window or the outbox is full, or nothing is left
		return
	}
	s.pump(o.c, t)
}

// catchUp sends what waits.
func (c *Client) catchUp() {
	c.refill()
	c.flush()
}

// put brings a subscription into force in place of one with the same filter [MQTT-3.8.4-3], and says whether there was
// none. Callers hold s.mu.
func (s *Session) put(sub *subscription) (isNew bool) {
	old := s.subs.get(sub.full)
	s.subs.set(sub.full, sub)
	if m := sub.member; m != nil {
		m.group = s.b.join(sub, sub.filter)
		last := &s.shared
		for *last != nil {
			last = &(*last).next
		}
		*last = m
	} else {
		s.b.tree.Add(sub.filter, sub)
	}
	if old != nil {
		s.remove(old)
	}
	s.b.total.subscriptions.Add(1)
	s.b.gen.Add(1)
	s.b.system.count(sub, 1)
	return old == nil
}

// share makes it a shared subscription, before it is in force.
func (sub *subscription) share() {
	sub.member = &membership{sub: sub}
	if sub.id != 0 {
		sub.member.ids = []uint32{sub.id}
	}
}

// remove takes a subscription out of force. Callers hold s.mu.
func (s *Session) remove(old *subscription) {
	if m := old.member; m != nil {
		for at := &s.shared; *at != nil; at = &(*at).next {
			if *at == m {
				*at = m.next // m keeps its own next: pump may stand on it
				break
			}
		}
		s.b.leave(old)
	} else {
		s.b.tree.Remove(old.filter, old)
	}
	s.b.total.subscriptions.Add(-1)
	s.b.system.count(old, -1)
}

// drop ends a subscription and says whether there was one. Callers hold s.mu.
func (s *Session) drop(filter string) bool {
	old := s.subs.get(filter)
	if old == nil {
		return false
	}
	s.subs.drop(filter)
	s.remove(old)
	s.b.gen.Add(1)
	return true
}

// stored makes a subscription of a stored filter.
func (s *Session) stored(full string) (*subscription, error) {
	f, err := topic.ParseFilter(full)
	if err != nil {
		return nil, errState
	}
	sub := &subscription{s: s, full: full, filter: f.Filter}
	if f.Share != "" {
		sub.share()
	}
	return sub, nil
}
