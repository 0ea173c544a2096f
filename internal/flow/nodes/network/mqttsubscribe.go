package network

import (
	"regexp"
	"slices"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// subscription is what one node wants of a broker.
type subscription struct {
	filter string
	match  string // the filter without $share
	node   *flow.Base
	o      mqttclient.Subscription
	handle func(*mqttclient.Message) // nil: its node is away for the moment
}

// validFilter is what Node-RED takes for a subscription.
var validFilter = regexp.MustCompile(`^(#$|(\+|[^+#]*)(/(\+|[^+#]*))*(/(\+|#|[^+#]*))?$)`)

// subscribe adds a subscription of a node, in the place of the same filter before.
func (n *broker) subscribe(node *flow.Base, o mqttclient.Subscription, handle func(*mqttclient.Message)) {
	n.dropKept(node.ID(), o.Filter)
	if n.ids[o.Filter] == 0 {
		n.ids[o.Filter] = uint32(len(n.ids)) + 1
	}
	s := &subscription{filter: o.Filter, match: withoutShare(o.Filter), node: node, o: o, handle: handle}
	if i := n.find(o.Filter, node.ID()); i >= 0 {
		n.subs[i] = s
	} else {
		n.subs = append(n.subs, s)
	}
	if n.state == connected {
		n.request(s)
	}
}

// dropKept ends subscriptions that the node left behind, on any broker, but for filter here.
func (n *broker) dropKept(node, filter string) {
	for _, b := range n.b.All("mqtt-broker") {
		other, ok := b.Node().(*broker)
		if !ok {
			continue
		}
		for _, f := range other.kept[node] {
			if other != n || f != filter {
				other.unsubscribe(f, node, true)
			}
		}
		delete(other.kept, node)
	}
	delete(n.kept, node)
}

func (n *broker) find(filter, node string) int {
	return slices.IndexFunc(n.subs, func(s *subscription) bool { return s.filter == filter && s.node.ID() == node })
}

// request sends the subscription to the broker.
func (n *broker) request(s *subscription) {
	if n.conn == nil || s.handle == nil {
		return
	}
	o := s.o
	if n.subscriptionIDs() {
		o.ID = n.ids[s.filter]
	}
	conn := n.conn
	err := conn.client.SubscribeAsync(func(reasons []mqtt.Reason, err error) {
		if err != nil {
			n.current(conn, func() { n.tellRefused(s, err) })
		}
	}, o)
	if err != nil {
		n.tellRefused(s, err)
	}
}

func (n *broker) tellRefused(s *subscription, err error) {
	if n.closing || n.find(s.filter, s.node.ID()) < 0 {
		return
	}
	s.node.Error(flow.Text("subscription "+s.filter+": "+err.Error()), nil)
}

// refused hears of a subscription that a broker did not take again after a reconnect.
func (n *broker) refused(filter string, why mqtt.Reason) {
	for _, s := range n.subs {
		if s.filter == filter {
			n.tellRefused(s, why)
		}
	}
}

// unsubscribe takes a subscription out. Unless it is to be removed for good, or the broker
// node unsubscribes always, the broker keeps it, for the node to come back to.
func (n *broker) unsubscribe(filter, node string, remove bool) {
	i := n.find(filter, node)
	if !remove && !n.settings.autoUnsubscribe() {
		if i >= 0 {
			n.subs[i].handle = nil
			n.kept[node] = append(n.kept[node], filter)
		}
		return
	}
	if i < 0 {
		return
	}
	n.subs = slices.Delete(n.subs, i, i+1)
	if slices.ContainsFunc(n.subs, func(s *subscription) bool { return s.filter == filter }) {
		return
	}
	if n.conn != nil && !n.closing {
		_ = n.conn.client.UnsubscribeAsync(nil, filter) // fails when the client has ended, and the subscription with it
	}
}

// dispatch gives messages to every subscription that they match. They are the client's again afterwards.
func (n *broker) dispatch(conn *connection, all []*mqttclient.Message) {
	defer conn.client.Reuse(all)
	ids := n.subscriptionIDs()
	subs := slices.Clone(n.subs)
	for _, m := range all {
		for _, s := range subs {
			if s.handle == nil {
				continue
			}
			if ids && len(m.SubscriptionIDs) > 0 && !slices.Contains(m.SubscriptionIDs, n.ids[s.filter]) {
				continue
			}
			if matches(s.match, m.Topic) {
				s.handle(m)
			}
		}
	}
}

func withoutShare(filter string) string {
	if rest, ok := strings.CutPrefix(filter, "$share/"); ok {
		if _, real, ok := strings.Cut(rest, "/"); ok {
			return real
		}
	}
	return filter
}

// matches says whether a filter matches a topic, as Node-RED does: "+" needs at least one
// character, and topics with "$" at the front are not set apart, since the broker did that.
func matches(filter, topic string) bool {
	if filter == "#" || filter == topic {
		return true
	}
	for {
		f, frest, fmore := strings.Cut(filter, "/")
		t, trest, tmore := strings.Cut(topic, "/")
		switch {
		case f == "#" && !fmore:
			return true
		case f == "+" && t == "" || f != "+" && f != t:
			return false
		case !fmore:
			return !tmore
		case !tmore:
			return frest == "#"
		}
		filter, topic = frest, trest
	}
}
