package bridge

import (
	"testing"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

// TestRemap carries messages both ways between two of our brokers, under other names and with their properties.
func TestRemap(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V5, mqtt.V311} {
		home, cloud := newSite(t, "home", broker.Limits{}), newSite(t, "cloud", broker.Limits{})
		c := home.bridge("mqtt://"+cloud.addr,
			Topic{Out, "#", "sensors/", "site1/sensors/", 2},
			Topic{In, "#", "orders/", "site1/orders/", 2},
			Topic{In, "", "exact/local", "exact/remote", 1})
		c.Version = v
		home.link(c)
		there := newDevice(t, "mqtt://"+cloud.addr, "there", mqtt.V5, "site1/#")
		here := newDevice(t, "mqtt://"+home.addr, "here", mqtt.V5, "orders/#", "exact/#")
		for qos := range byte(3) {
			here.publish("sensors/a/b", "21", qos, false)
			if m := there.want("site1/sensors/a/b", "21"); m.QoS != qos {
				t.Errorf("QoS %d became %d", qos, m.QoS)
			}
			there.publish("site1/orders/x", "on", qos, false)
			if m := here.want("orders/x", "on"); m.QoS != qos {
				t.Errorf("QoS %d became %d", qos, m.QoS)
			}
			there.want("site1/orders/x", "on") // its own subscription
		}
		there.publish("exact/remote", "e", 2, false)
		if m := here.want("exact/local", "e"); m.QoS != 1 {
			t.Errorf("QoS %d where the line says 1", m.QoS)
		}
		here.publish("sensors", "parent", 1, false) // matched by sensors/#, too
		there.want("site1/sensors", "parent")
		here.publish("sensors/kept", "r", 1, true)
		if m := there.want("site1/sensors/kept", "r"); !m.Retain {
			t.Error("not retained on the other side")
		}
	}
}
