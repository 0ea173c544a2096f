package app

import (
	"strings"
	"testing"

	"tsunagi/internal/broker"
	"tsunagi/internal/metrics"
)

// TestMetricsTellLossesByCause wants a counter for each cause, those included that the log doesn't count.
func TestMetricsTellLossesByCause(t *testing.T) {
	var s broker.Stats
	s.Lost[broker.LossAway], s.Lost[broker.LossQueue] = 3, 2
	p := &metrics.Page{}
	brokerMetrics(p, s)
	var text strings.Builder
	if _, err := p.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`tsunagi_messages_lost_total{cause="away"} 3`, `tsunagi_messages_lost_total{cause="queue_messages"} 2`, `tsunagi_messages_lost_total{cause="expired"} 0`} {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("no line %s in\n%s", line, text.String())
		}
	}
}
