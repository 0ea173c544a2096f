package panel

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"tsunagi/internal/account"
	"tsunagi/internal/topic"
)

// OutgoingBody is a message to be published.
type OutgoingBody struct {
	Topic         string            `json:"topic" maxLength:"65535" example:"home/lamp"`
	Payload       string            `json:"payload" maxLength:"65536" example:"on"`
	Encoding      string            `json:"encoding,omitempty" enum:"text,base64" doc:"Of the payload; empty: text"`
	QoS           int               `json:"qos,omitempty" minimum:"0" maximum:"2"`
	Retain        bool              `json:"retain,omitempty"`
	Expiry        int64             `json:"expiry,omitempty" minimum:"0" maximum:"4294967295" doc:"Seconds after which nobody gets it any more; 0: never"`
	ContentType   string            `json:"content_type,omitempty" maxLength:"256" doc:"Of the payload, for clients of MQTT 5, as all below"`
	ResponseTopic string            `json:"response_topic,omitempty" maxLength:"65535"`
	Correlation   string            `json:"correlation,omitempty" maxLength:"1024" doc:"Correlation data, in base64"`
	Properties    map[string]string `json:"properties,omitempty" maxProperties:"64" doc:"User properties"`
}

type publishInput struct {
	WithID
	Body OutgoingBody
}

// PublishedBody is a message that was published.
type PublishedBody struct {
	Topic string `json:"topic"`
	Bytes int    `json:"bytes" doc:"Of the payload"`
}

// message judges what by has sent. The field at fault stands behind at, such as "messages[3].".
func (b OutgoingBody) message(by account.Actor, at string) (m Message, err error) {
	fault := func(field, key string) (Message, error) {
		return Message{}, &account.Error{Code: account.Invalid, Key: key, Field: at + field}
	}
	if topic.CheckName(b.Topic) != nil || b.Topic[0] == '$' {
		return fault("topic", "api.topic.name")
	}
	if !by.MayPublish(b.Topic) {
		return Message{}, &account.Error{Code: account.Forbidden, Key: "api.token.topic", Field: at + "topic"}
	}
	if b.ResponseTopic != "" && topic.CheckName(b.ResponseTopic) != nil {
		return fault("response_topic", "api.topic.name")
	}
	m = Message{Topic: b.Topic, Payload: []byte(b.Payload), QoS: byte(b.QoS), Retain: b.Retain, Expiry: uint32(b.Expiry),
		ContentType: b.ContentType, ResponseTopic: b.ResponseTopic, Properties: b.Properties}
	if b.Encoding == "base64" {
		if m.Payload, err = base64.StdEncoding.DecodeString(b.Payload); err != nil {
			return fault("payload", "api.topic.encoding")
		}
	}
	if m.Correlation, err = base64.StdEncoding.DecodeString(b.Correlation); err != nil {
		return fault("correlation", "api.topic.encoding")
	}
	if strings.ContainsRune(b.ContentType, 0) {
		return fault("content_type", "api.topic.property")
	}
	for name, value := range b.Properties { // [MQTT-1.5.4-2], and a property's length has two bytes
		if len(name) > 1024 || len(value) > 65535 || strings.ContainsRune(name+value, 0) {
			return fault("properties", "api.topic.property")
		}
	}
	return m, nil
}

// publish returns when the message is routed and, at QoS 1 and 2, on disk where somebody away is owed it.
func (p *Panel) publish(ctx context.Context, in *publishInput) (*answer[PublishedBody], error) {
	m, err := in.Body.message(actor(ctx), "")
	if err != nil {
		return nil, err
	}
	i, err := p.messagesOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return reply(PublishedBody{m.Topic, len(m.Payload)}), p.publishOne(ctx, i.ID, m)
}

// publishOne says in words why an instance takes no message.
func (p *Panel) publishOne(ctx context.Context, instance string, m Message) error {
	err := p.o.Brokers.Publish(ctx, instance, m)
	var refused *Refused
	if errors.As(err, &refused) {
		return &account.Error{Code: account.Limit, Key: "api.topic.refused", Args: []any{"cause", refused.Cause}}
	}
	return err
}

type publishBatchInput struct {
	WithID
	Body struct {
		Messages []OutgoingBody `json:"messages" minItems:"1" maxItems:"100" doc:"Published in this order"`
	}
}

type publishedBatchBody struct {
	Published int                 `json:"published" doc:"Messages that the instance took"`
	Items     []publishedItemBody `json:"items" doc:"One for each message, in their order"`
}

type publishedItemBody struct {
	PublishedBody
	Code   string `json:"code,omitempty" doc:"Of the problem, where the instance did not take it; as in problems"`
	Detail string `json:"detail,omitempty" doc:"What to do about it, in the language of the request"`
}

// publishBatch publishes nothing where one of the messages is none, or is on a topic that the token isn't for. What the instance doesn't take stands in the answer,
// beside what it took.
func (p *Panel) publishBatch(ctx context.Context, in *publishBatchInput) (*answer[publishedBatchBody], error) {
	list := make([]Message, 0, len(in.Body.Messages))
	for n, one := range in.Body.Messages {
		m, err := one.message(actor(ctx), fmt.Sprintf("messages[%d].", n))
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	i, err := p.messagesOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := publishedBatchBody{Items: make([]publishedItemBody, 0, len(list))}
	for _, m := range list {
		item := publishedItemBody{PublishedBody: PublishedBody{m.Topic, len(m.Payload)}}
		if err := p.publishOne(ctx, i.ID, m); err != nil {
			problem := p.problem(ctx, err)
			item.Code, item.Detail = problem.Code, problem.Detail
		} else {
			out.Published++
		}
		out.Items = append(out.Items, item)
	}
	return reply(out), nil
}
