package config

import (
	"strings"
	"testing"
)

func TestParseBrokerTopic(t *testing.T) {
	tests := []struct {
		text string
		want BrokerTopic
		ok   bool
	}{
		{"sensors/# out", BrokerTopic{"sensors/#", "out", 2}, true},
		{"  a b/# \t both 1 ", BrokerTopic{"a b/#", "both", 1}, true},
		{"# in 0", BrokerTopic{"#", "in", 0}, true},
		{"in in", BrokerTopic{"in", "in", 2}, true},
		{"in", BrokerTopic{}, false},
		{"a", BrokerTopic{}, false},
		{"", BrokerTopic{}, false},
		{"a out 3", BrokerTopic{}, false},
		{"a out 12", BrokerTopic{}, false},
		{"out 1", BrokerTopic{}, false},
	}
	for _, tt := range tests {
		got, err := ParseBrokerTopic(tt.text)
		if (err == nil) != tt.ok || tt.ok && got != tt.want {
			t.Errorf("%q: %+v, %v", tt.text, got, err)
		}
	}
}

func TestBrokerSettings(t *testing.T) {
	var f Flow
	if _, err := Load(&f, []string{"--broker", "--broker-topics", "a/# out, b in 1"}, nil); err != nil {
		t.Fatal(err)
	}
	lines, prefix, err := f.BrokerLines("pi")
	if err != nil || len(lines) != 2 || prefix != "pi/" || f.BrokerPlain != Off || !f.BrokerKeepQoS0 {
		t.Errorf("%+v %q %v %+v", lines, prefix, err, f)
	}
	_, err = Load(&Flow{}, []string{"--broker", "--broker-topics", "a", "--broker-listen", "off", "--broker-plain", "x", "--broker-outbox-mb", "0",
		"--broker-durability", "maybe", "--broker-prefix", "a/#"}, nil)
	for _, part := range []string{"broker_topics[0]", "broker_listen", "broker_plain", "broker_outbox_mb", "broker_durability", "broker_prefix"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s is not reported: %v", part, err)
		}
	}
}
