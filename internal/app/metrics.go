package app

import (
	"errors"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/gate"
	"tsunagi/internal/metrics"
	"tsunagi/internal/panel"
	"tsunagi/internal/stats"
)

// operatorMetrics are those of the whole process: sums, so that nothing of a single tenant is told.
func operatorMetrics(p *metrics.Page, b *brokers, g *gate.Server, health func() panel.StoreHealth, started time.Time) {
	p.Gauge("tsunagi_build_info", "Version of Tsunagi.", 1, "version", Version)
	n := g.Numbers()
	p.Gauge("tsunagi_connections", "MQTT connections, those included that have not logged in.", float64(n.Connections))
	p.Gauge("tsunagi_connections_waiting", "MQTT connections that have not logged in.", float64(n.Waiting))
	p.Gauge("tsunagi_connections_max", "MQTT connections that there is room for.", float64(n.Room))
	p.Counter("tsunagi_connections_crowded_out_total", "Connections that were closed because there were too many.", float64(n.Refused))
	running, sum := b.sum()
	p.Gauge("tsunagi_instances_running", "Instances with a broker in memory.", float64(running))
	brokerMetrics(p, sum)
	h := health()
	p.Gauge("tsunagi_store_healthy", "1 while messages that need storage are taken.", truth(h.Healthy))
	p.Gauge("tsunagi_store_free_bytes", "Free space where the store lies.", float64(h.FreeBytes))
	metrics.Process(p, started)
}

// brokerMetrics are those of one instance, or of the sum of all.
func brokerMetrics(p *metrics.Page, s broker.Stats) {
	p.Gauge("tsunagi_clients", "Connected clients.", float64(s.Clients), "kind", "mqtt")
	p.Gauge("tsunagi_clients", "Connected clients.", float64(s.WebClients), "kind", "web")
	p.Gauge("tsunagi_sessions", "Sessions that outlive their connection.", float64(s.Sessions))
	p.Gauge("tsunagi_sessions_away", "Sessions whose client is not connected.", float64(s.Away))
	p.Gauge("tsunagi_subscriptions", "Subscriptions.", float64(s.Subscriptions))
	p.Gauge("tsunagi_retained_messages", "Retained messages.", float64(s.Retained))
	p.Gauge("tsunagi_retained_bytes", "Bytes of retained messages.", float64(s.RetainedBytes))
	p.Gauge("tsunagi_queued_messages", "Messages that wait for clients.", float64(s.Queued))
	p.Counter("tsunagi_connects_total", "Clients that logged in.", float64(s.Connects))
	p.Counter("tsunagi_connects_refused_client_id_total", "Clients refused because a connected one has their client identifier.", float64(s.Clashes))
	p.Counter("tsunagi_messages_received_total", "Messages from clients.", float64(s.MessagesIn))
	p.Counter("tsunagi_messages_sent_total", "Messages to clients.", float64(s.MessagesOut))
	p.Counter("tsunagi_messages_dropped_total", "Messages that were not delivered; the instance's log says why.", float64(s.Dropped))
	for cause, n := range s.Lost {
		p.Counter("tsunagi_messages_lost_total", "Messages that a session missed, by cause; the loss meter says which and what would have kept them.", float64(n), "cause", stats.Causes[cause])
	}
	p.Counter("tsunagi_received_bytes_total", "Bytes of messages from clients.", float64(s.BytesIn))
	p.Counter("tsunagi_sent_bytes_total", "Bytes of messages to clients.", float64(s.BytesOut))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// sum adds the numbers of all running brokers up.
func (b *brokers) sum() (running int, sum broker.Stats) {
	for _, one := range b.running() {
		s := one.Stats()
		running++
		sum.Clients += s.Clients
		sum.WebClients += s.WebClients
		sum.Sessions += s.Sessions
		sum.Away += s.Away
		sum.Subscriptions += s.Subscriptions
		sum.Retained += s.Retained
		sum.RetainedBytes += s.RetainedBytes
		sum.Queued += s.Queued
		sum.Connects += s.Connects
		sum.Clashes += s.Clashes
		sum.MessagesIn += s.MessagesIn
		sum.MessagesOut += s.MessagesOut
		sum.Dropped += s.Dropped
		for cause, n := range s.Lost {
			sum.Lost[cause] += n
		}
		sum.BytesIn += s.BytesIn
		sum.BytesOut += s.BytesOut
	}
	return running, sum
}

// instanceMetrics is the page of one instance.
func (b *brokers) instanceMetrics(instance string) *metrics.Page {
	p := &metrics.Page{}
	var s broker.Stats
	if running := b.find(instance); running != nil {
		s = running.Stats()
	}
	brokerMetrics(p, s)
	return p
}

// ready says whether messages are taken.
func ready(health func() panel.StoreHealth) func() error {
	return func() error {
		if h := health(); !h.Healthy {
			return errors.New(h.Cause)
		}
		return nil
	}
}
