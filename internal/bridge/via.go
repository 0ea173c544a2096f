package bridge

import (
	"slices"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

// ViaProperty is the user property that names a broker which a message has been at, once for each.
const ViaProperty = "tsunagi-via"

const brokerBridge = broker.BridgeProperty

// maxVia is how many bridges a message may cross.
const maxVia = 16

// hasBeen says whether a message has been at one of the brokers, or at too many.
func hasBeen(p *mqtt.PublishProps, origins ...string) bool {
	if p.User == nil {
		return false
	}
	n := 0
	for k, v := range p.UserPairs() {
		if k != ViaProperty {
			continue
		}
		if n++; n >= maxVia || v != "" && slices.Contains(origins, v) {
			return true
		}
	}
	return false
}

// through notes that a message comes from a broker.
func through(p *mqtt.PublishProps, origin string) {
	if origin != "" {
		p.User = mqtt.AppendUserProperty(slices.Clip(p.User), ViaProperty, origin)
	}
}

// originOf is who the remote broker is, if it says so.
func originOf(a *mqtt.Connack) string {
	for _, u := range a.UserProps {
		if u.Key == broker.BrokerProperty {
			return u.Value
		}
	}
	return ""
}
