package app

import (
	"context"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/panel"
	"tsunagi/internal/parcel"
)

// retainedOf gives the retained messages of the brokers to parcels.
type retainedOf struct{ *brokers }

// Retained implements parcel.Messages.
func (b retainedOf) Retained(ctx context.Context, instance, after string, limit int) ([]parcel.Retained, error) {
	running, err := b.get(ctx, instance)
	if err != nil {
		return nil, err
	}
	found, err := running.Browse("#", "", after, limit)
	list := make([]parcel.Retained, 0, len(found))
	for _, m := range found {
		one := parcel.Retained{Topic: m.Topic, QoS: m.QoS, ExpiresIn: m.ExpiresIn}
		one.SetPayload(m.Payload)
		if p := m.Props; p != nil {
			one.UTF8, one.ContentType, one.ResponseTopic, one.Correlation = p.PayloadFormat == 1, string(p.ContentType), string(p.ResponseTopic), p.Correlation
			for k, v := range p.UserPairs() {
				one.User = append(one.User, [2]string{k, v})
			}
		}
		list = append(list, one)
	}
	return list, err
}

// Keep implements parcel.Messages.
func (b retainedOf) Keep(ctx context.Context, instance string, list []parcel.Retained) error {
	running, err := b.get(ctx, instance)
	if err != nil {
		return err
	}
	packets := make([]*mqtt.Publish, 0, len(list))
	for i := range list {
		m := &list[i]
		p := &mqtt.Publish{QoS: m.QoS, Topic: []byte(m.Topic), Payload: m.Bytes()}
		p.Props.HasExpiry, p.Props.Expiry = m.ExpiresIn > 0, m.ExpiresIn
		if m.UTF8 {
			p.Props.PayloadFormat = 1
		}
		p.Props.ContentType, p.Props.ResponseTopic = []byte(m.ContentType), []byte(m.ResponseTopic)
		p.Props.HasCorrelation, p.Props.Correlation = m.Correlation != nil, m.Correlation
		for _, kv := range m.User {
			p.Props.User = mqtt.AppendUserProperty(p.Props.User, kv[0], kv[1])
		}
		packets = append(packets, p)
	}
	return running.KeepRetained(ctx, packets)
}

// panelParcels shows the courier to the panel.
type panelParcels struct{ *parcel.Courier }

// Open implements panel.Parcels.
func (p panelParcels) Open(ctx context.Context, w parcel.Wish) (panel.Parcel, error) {
	return p.Courier.Open(ctx, w)
}
