package app

import (
	"context"
	"errors"
	"maps"
	"slices"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/panel"
)

// panelBrokers shows the running brokers to the panel.
type panelBrokers struct{ *brokers }

func (p panelBrokers) Stats(instance string) panel.Stats {
	b := p.find(instance)
	if b == nil {
		return panel.Stats{}
	}
	s := b.Stats()
	return panel.Stats{
		Connections: s.Clients, WebConnections: s.WebClients, Sessions: s.Sessions, Subscriptions: s.Subscriptions,
		Retained: s.Retained, MessagesIn: s.MessagesIn, MessagesOut: s.MessagesOut, BytesIn: s.BytesIn, BytesOut: s.BytesOut,
		Queued: s.Queued, Dropped: s.Dropped,
	}
}

func (p panelBrokers) Connected(instance string) int {
	b := p.find(instance)
	if b == nil {
		return 0
	}
	return b.Connected()
}

func (p panelBrokers) Kick(instance, clientID string) bool {
	b := p.find(instance)
	return b != nil && b.Kick(clientID, "disconnected by the instance's people in the panel")
}

// lossesShown bounds the report of lost messages.
const lossesShown = 10_000

func (p panelBrokers) Losses(instance string) (list []panel.Loss) {
	b := p.find(instance)
	if b == nil {
		return nil
	}
	for _, l := range b.LossReport(lossesShown) {
		one := panel.Loss{ClientID: l.Client, User: l.User, Gone: l.Gone}
		for _, c := range l.Causes {
			one.Causes = append(one.Causes, panel.LossCause{Cause: c.Cause.String(), Count: c.Count, Last: c.Last})
		}
		list = append(list, one)
	}
	return list
}

func (p panelBrokers) Fights(instance string) (list []panel.Fight) {
	b := p.find(instance)
	if b == nil {
		return nil
	}
	for _, f := range b.Fights() {
		list = append(list, panel.Fight{ClientID: f.Client, Users: f.Users, Addresses: f.Addresses, Takeovers: f.Takeovers, Since: f.Since.UTC(), Last: f.Last.UTC()})
	}
	return list
}

// watching is a watch that ends with its broker.
type watching struct {
	*broker.Watch
	alive func() bool
}

func (w watching) Take() ([]panel.Watched, uint64, bool, error) {
	if !w.alive() {
		return nil, 0, false, broker.ErrStopped
	}
	list, over, more := w.Watch.Take()
	out := make([]panel.Watched, 0, len(list))
	for _, t := range list {
		out = append(out, panel.Watched{Topic: t.Topic, Payload: t.Payload, Size: t.Size, Messages: t.Messages, At: t.At, QoS: t.QoS, Kept: t.Kept,
			Publisher: t.Publisher, User: t.User})
	}
	return out, over, more, nil
}

func (p panelBrokers) Watch(ctx context.Context, instance, filter string) (panel.Watching, error) {
	b, err := p.get(ctx, instance)
	if err != nil {
		return nil, err
	}
	w, err := b.Watch(filter)
	if errors.Is(err, broker.ErrWatched) {
		return nil, panel.ErrWatched
	}
	if err != nil {
		return nil, err
	}
	return watching{w, func() bool { return p.find(instance) == b }}, nil
}

func (p panelBrokers) Forget(instance, clientID string) bool {
	b := p.find(instance)
	return b != nil && b.Forget(clientID, "session ended by the instance's people in the panel")
}

func (p panelBrokers) Retained(instance string, q panel.RetainedQuery) ([]panel.Retained, error) {
	b := p.find(instance)
	if b == nil {
		return nil, nil
	}
	found, err := b.Browse(q.Filter, q.Contains, q.After, q.Limit)
	list := make([]panel.Retained, 0, len(found))
	for _, m := range found {
		list = append(list, panel.Retained{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Publisher: m.Publisher, User: m.User, ExpiresIn: m.ExpiresIn})
	}
	return list, err
}

func (p panelBrokers) CountRetained(instance, filter string) (int, error) {
	b := p.find(instance)
	if b == nil {
		return 0, nil
	}
	return b.CountRetained(filter, 1_000_000)
}

func (p panelBrokers) ClearRetained(ctx context.Context, instance, filter string) (int, error) {
	b := p.find(instance)
	if b == nil {
		return 0, nil
	}
	return b.ClearRetained(ctx, filter, 10_000)
}

func (p panelBrokers) Publish(ctx context.Context, instance string, m panel.Message) error {
	b, err := p.get(ctx, instance)
	if err != nil {
		return err
	}
	packet := &mqtt.Publish{QoS: m.QoS, Retain: m.Retain, Topic: []byte(m.Topic), Payload: m.Payload}
	props := &packet.Props
	props.HasExpiry, props.Expiry = m.Expiry > 0, m.Expiry
	props.HasCorrelation, props.Correlation = len(m.Correlation) > 0, m.Correlation
	if m.ContentType != "" {
		props.ContentType = []byte(m.ContentType)
	}
	if m.ResponseTopic != "" {
		props.ResponseTopic = []byte(m.ResponseTopic)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Properties)) {
		props.User = mqtt.AppendUserProperty(props.User, name, m.Properties[name])
	}
	err = b.PublishPacket(ctx, packet)
	if refused, ok := errors.AsType[*broker.Refusal](err); ok {
		return &panel.Refused{Cause: refused.Words}
	}
	return err
}

func (p panelBrokers) Restart(ctx context.Context, instance string) error {
	return p.restart(ctx, instance, false)
}

func (p panelBrokers) Reset(ctx context.Context, instance string) error {
	return p.restart(ctx, instance, true)
}

func versionName(v mqtt.Version) string {
	switch v {
	case mqtt.V31:
		return "3.1"
	case mqtt.V311:
		return "3.1.1"
	default:
		return "5.0"
	}
}
