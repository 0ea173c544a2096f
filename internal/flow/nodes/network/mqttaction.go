package network

import (
	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
	"tsunagi/internal/mqttclient"
)

// The errors of messages with an action, in Node-RED's words.
var (
	errAction       = "Invalid action specified"
	errAlready      = "Disconnect from broker before connecting"
	errSubscription = "msg.topic is missing or invalid"
	errTopic        = "Invalid topic specified"
)

// connectAction connects as a message asks, perhaps to another broker.
func (n *broker) connectAction(m *flow.Msg, done func(error)) {
	var change *value.Map
	if o := m.Get("broker").Map(); o != nil {
		change = o
	}
	begin := func() {
		if change != nil {
			n.settings.override(change)
			if n.settings.checkClean() {
				n.b.Warn("No client ID set, using clean session")
			}
		}
		n.connect(func() { done(nil) })
	}
	switch {
	case n.state == disconnected && n.conn == nil:
		begin()
	case n.state == disconnected: // between two attempts
		n.disconnect(begin)
	case change == nil:
		done(nil)
	case change.Get("force").Truthy():
		n.disconnect(begin)
	default:
		done(flow.NewError("%s", errAlready))
	}
}

// dynamicSub is a subscription that a message asked for.
type dynamicSub struct {
	topic string
	o     *value.Map // as getSubscriptions shows it
}

// Receive handles messages to an mqtt in node with dynamic subscriptions: they control it.
func (n *mqttIn) Receive(m *flow.Msg) {
	done := func(err error) { n.b.Done(m, err) }
	if n.broker == nil {
		done(flow.Text("missing broker configuration"))
		return
	}
	switch m.Get("action").Str() {
	case "connect":
		n.broker.connectAction(m, done)
	case "disconnect":
		n.broker.disconnect(func() { done(nil) })
	case "subscribe", "unsubscribe":
		n.changeSubscriptions(m, done)
	case "getSubscriptions":
		m.Set("topic", value.Str("subscriptions"))
		m.Set("payload", n.subscriptions())
		n.b.Send(m)
		done(nil)
	default:
		done(flow.NewError("%s", errAction))
	}
}

// subscriptions lists the dynamic subscriptions.
func (n *mqttIn) subscriptions() value.Value {
	l := value.NewList()
	for _, s := range n.dynamics {
		l.Append(s.o.Clone().Value())
	}
	return l.Value()
}

func (n *mqttIn) changeSubscriptions(m *flow.Msg, done func(error)) {
	remove := m.Get("action").Str() == "unsubscribe"
	topic := m.Get("topic")
	var wanted []value.Value
	switch {
	case remove && topic.Bool():
		for _, s := range n.dynamics {
			wanted = append(wanted, s.o.Clone().Value())
		}
	case topic.Is(value.Array):
		for _, e := range topic.List().All() {
			wanted = append(wanted, e)
		}
	case topic.Is(value.String) || topic.Is(value.Object):
		wanted = []value.Value{topic}
	default:
		done(flow.NewError("%s", errSubscription))
		return
	}
	var subs []*value.Map
	for _, w := range wanted {
		o := w.Map()
		if w.Is(value.String) {
			o = value.NewMap(4).Set("topic", w)
		}
		if o == nil || o.Get("topic").Str() == "" || !validFilter.MatchString(o.Get("topic").Str()) {
			done(flow.NewError("%s", errTopic))
			return
		}
		subs = append(subs, o)
	}
	for _, o := range subs {
		n.drop(o.Get("topic").Str())
		if !remove {
			n.add(o.Clone().Own())
		}
	}
	m.Set("subscriptions", n.subscriptions())
	done(nil)
}

func (n *mqttIn) drop(topic string) {
	for i, s := range n.dynamics {
		if s.topic == topic {
			n.broker.unsubscribe(topic, n.b.ID(), true)
			n.dynamics = append(n.dynamics[:i:i], n.dynamics[i+1:]...)
			return
		}
	}
	if n.find(topic) {
		n.broker.unsubscribe(topic, n.b.ID(), true)
	}
}

func (n *mqttIn) find(topic string) bool { return n.broker.find(topic, n.b.ID()) >= 0 }

// add subscribes with the options of o, and writes the defaults into it.
func (n *mqttIn) add(o *value.Map) {
	sub := mqttclient.Subscription{Filter: o.Get("topic").Str(), QoS: 2}
	if q, ok := small(o.Get("qos")); ok {
		sub.QoS = q
	}
	o.Set("qos", value.Int(int(sub.QoS)))
	if n.broker.v5() {
		sub.RetainHandling, _ = small(o.Get("rh"))
		o.Set("rh", value.Int(int(sub.RetainHandling)))
		rap := o.Get("rap")
		sub.RetainAsPublished = !rap.Defined() || rap.Bool() || rap.Str() == "true"
		o.Set("rap", value.Of(sub.RetainAsPublished))
		nl := o.Get("nl")
		sub.NoLocal = nl.Bool() || nl.Str() == "true"
		if sub.NoLocal || nl.Is(value.Bool) || nl.Str() == "false" {
			o.Set("nl", value.Of(sub.NoLocal))
		} else {
			o.Delete("nl")
		}
	}
	datatype := n.datatype
	if d := o.Get("datatype").Str(); d != "" {
		datatype = d
	}
	n.broker.subscribe(n.b, sub, func(m *mqttclient.Message) { n.deliver(m, datatype) })
	n.dynamics = append(n.dynamics, &dynamicSub{topic: sub.Filter, o: o})
}

// small reads a number from 0 to 2.
func small(v value.Value) (byte, bool) {
	if v.Nullish() {
		return 0, false
	}
	f, ok := value.ParseInt(v.Text())
	if !ok || f < 0 || f > 2 {
		return 0, false
	}
	return byte(f), true
}
