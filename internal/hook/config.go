package hook

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/filling"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/timetable"
)

// Config is a stored hook with its secrets opened.
type Config struct {
	account.Hook
	Secrets account.HookSecrets
}

// Options of New. Broker, Find, Rights, Dial, DialPlain, Mail and Keep must be set.
type Options struct {
	// Broker returns the broker of an instance, Find only one that is there; Rights are a hook's there.
	Broker func(ctx context.Context, instance string) (*broker.Broker, error)
	Find   func(instance string) *broker.Broker
	Rights func(ctx context.Context, instance string) (broker.Rights, error)
	// Dial connects to what an instance's people named, and judges the address; DialPlain does so for http.
	Dial, DialPlain func(ctx context.Context, network, addr string) (net.Conn, error)
	Roots           *x509.CertPool // of the receivers' certificates; nil: the system's
	// Mail writes to a hook's readers about some of its messages; more came and aren't listed.
	Mail func(ctx context.Context, h account.Hook, list []*filling.Message, more int) error
	// Keep keeps what a hook gave up. account.ErrDeadLettersFull makes the hook wait.
	Keep   func(ctx context.Context, d account.DeadLetter) error
	Calls  func(instance string) int             // that the plan allows a minute; 0: no limit; nil: none has one
	Events func(instance string, e broker.Event) // for the instance's log; must not block
	Now    func() time.Time
	Log    *slog.Logger

	Timeout   time.Duration // of one attempt [10s]
	RetryMin  time.Duration // first pause before a new attempt [1s]
	RetryMax  time.Duration // longest pause, but for what a receiver asks for [60s]
	Attempts  int           // after so many, an event becomes a dead letter [10]
	MailEvery time.Duration // between two mails of one hook [5m]
	Gather    time.Duration // before a mail, so that a burst is one [2s]
}

func (o *Options) defaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Events == nil {
		o.Events = func(string, broker.Event) {}
	}
	if o.Attempts == 0 {
		o.Attempts = 10
	}
	for d, v := range map[*time.Duration]time.Duration{&o.Timeout: 10 * time.Second, &o.RetryMin: time.Second, &o.RetryMax: time.Minute,
		&o.MailEvery: 5 * time.Minute, &o.Gather: 2 * time.Second} {
		if *d == 0 {
			*d = v
		}
	}
}

// Bounds of one hook.
const (
	window     = 8       // events that are on their way at a time
	mailWindow = 500     // events that wait for one mail
	maxBody    = 2 << 20 // bytes of what a template makes
)

// User is the name under which hooks work on their instance.
const User = account.HookUser

// LocalID is the client identifier of a hook's session.
func LocalID(id string) string { return "hook-" + id }

// rule is a Config made ready.
type rule struct {
	Config
	topic, template *filling.Template
	condition       *filling.Condition
	rearm           *filling.Condition
	table           *timetable.Table // nil: there is no schedule
	secret          []byte           // of the signature
	own             string           // topic of what is for this hook alone
}

func compile(c Config) (*rule, error) {
	r := &rule{Config: c, own: ownTopic(c.ID)}
	var err error
	if r.topic, err = filling.Parse(c.Topic); err != nil {
		return nil, fmt.Errorf("topic: %w", err)
	}
	if r.template, err = filling.Parse(c.Template); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	if r.condition, err = filling.ParseCondition(c.Condition); err != nil {
		return nil, fmt.Errorf("condition: %w", err)
	}
	if r.rearm, err = filling.ParseCondition(c.Rearm); err != nil {
		return nil, fmt.Errorf("rearm: %w", err)
	}
	if slices.Contains(c.Events, account.HookSchedule) {
		if r.table, err = timetable.Parse(c.Schedule, c.Zone); err != nil {
			return nil, fmt.Errorf("schedule: %w", err)
		}
	}
	if r.secret, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(c.Secrets.Signing, "whsec_")); err != nil {
		return nil, fmt.Errorf("signing secret: %w", err)
	}
	return r, nil
}

// filters are the subscriptions of a hook's session.
func (r *rule) filters() []mqtt.Subscription {
	var list []mqtt.Subscription
	add := func(filter string, qos byte) {
		list = append(list, mqtt.Subscription{Filter: []byte(filter), QoS: qos, RetainHandling: 2})
	}
	own := false
	for _, e := range r.Events {
		switch {
		case e == account.HookMessage:
			add(r.Filter, 1)
		case !isOwn(e):
			add(eventTopics[e], 1)
		default:
			if own = true; e == account.HookSilence {
				add(r.Filter, 0) // that there is one is all that matters: none has to wait
			}
		}
	}
	if own {
		add(r.own, 1)
	}
	return list
}

// concerns says whether an event is of the hook's kind, whatever its condition says.
func (r *rule) concerns(m *filling.Message) bool {
	if e := account.HookEvent(m.Type); e == account.HookConnect || e == account.HookDisconnect {
		prefix, open := strings.CutSuffix(r.Client, "*")
		if r.Client != "" && m.Client != r.Client && !(open && strings.HasPrefix(m.Client, prefix)) {
			return false
		}
	}
	return slices.Contains(r.Events, account.HookEvent(m.Type))
}

func (r *rule) window() int {
	if r.Action == account.HookMail {
		return mailWindow
	}
	return window
}
