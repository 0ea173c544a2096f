package hook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/filling"
	"tsunagi/internal/mqtt"
)

// eventTopics are the topics on which the server tells that clients come and go, and that limits are near.
var eventTopics = map[account.HookEvent]string{
	account.HookConnect:    broker.EventTopics + "connected",
	account.HookDisconnect: broker.EventTopics + "disconnected",
	account.HookQuota:      broker.EventTopics + "quota",
}

// coming is what is published there.
type coming struct {
	Client string    `json:"client"`
	User   string    `json:"user"`
	Remote string    `json:"remote,omitempty"`
	Cause  string    `json:"cause,omitempty"`
	Time   time.Time `json:"time"`
}

// Bounds of what waits to be published, of all instances together.
const (
	tellers = 8
	telling = 4096 // of each teller
)

// teller publishes what the brokers say of their clients; the news of one client go through one line, in order.
type teller struct {
	o     *Options
	lines [tellers]chan told
	wants atomic.Pointer[map[string]bool] // instances with hooks of these events; the map is never changed

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	lost   atomic.Uint64
}

type told struct {
	instance string
	event    broker.Event
}

func newTeller(o *Options) *teller {
	t := &teller{o: o}
	t.wants.Store(&map[string]bool{})
	t.ctx, t.cancel = context.WithCancel(context.Background())
	for i := range t.lines {
		t.lines[i] = make(chan told, telling)
		t.wg.Go(func() { t.run(t.lines[i]) }) // ends with t.ctx
	}
	return t
}

// tell takes an event of a broker's log. It doesn't block: what there is no room for is left out, and the instance's log
// says so.
func (t *teller) tell(instance string, e broker.Event) {
	if e.Kind != "connected" && e.Kind != "disconnected" || !(*t.wants.Load())[instance] || e.Reason == mqtt.ServerShuttingDown {
		return
	}
	switch e.User {
	case account.HookUser, account.BridgeUser, account.WebUser:
		return // parts of this server, and the panel
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(instance + "\x00" + e.Client)) // never fails
	select {
	case t.lines[h.Sum32()%tellers] <- told{instance, e}:
	default:
		if t.lost.Add(1)%1000 == 1 {
			t.o.Events(instance, broker.Event{Kind: "dropped", Client: e.Client, User: e.User, Gate: "hook", Rule: "events",
				Cause: "more clients come and go than hooks can be told of"})
		}
	}
}

func (t *teller) run(line <-chan told) {
	for {
		select {
		case x := <-line:
			t.publish(x)
		case <-t.ctx.Done():
			return
		}
	}
}

// publish tries until the broker has taken it or is gone.
func (t *teller) publish(x told) {
	e := x.event
	if e.Time.IsZero() {
		e.Time = t.o.Now()
	}
	which := account.HookConnect
	if e.Kind == "disconnected" {
		which = account.HookDisconnect
	}
	body, err := json.Marshal(coming{Client: e.Client, User: e.User, Remote: e.Remote, Cause: e.Cause, Time: e.Time.UTC()})
	for pause := 10 * time.Millisecond; err == nil && t.ctx.Err() == nil; pause = min(2*pause, t.o.RetryMax) {
		b := t.o.Find(x.instance)
		if b == nil {
			return
		}
		if b.PublishPacket(t.ctx, &mqtt.Publish{QoS: 1, Topic: []byte(eventTopics[which]), Payload: body}) == nil {
			return
		}
		sleep(t.ctx, pause) // a disk that is full, a broker that restarts
	}
}

func (t *teller) stop() {
	t.cancel()
	t.wg.Wait()
}

// sleep waits, and says whether ctx still goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Event is a message as it is told to receivers, and kept as a dead letter.
type Event struct {
	ID       string     `json:"id"`
	Type     string     `json:"type"`
	Time     time.Time  `json:"time"`
	Instance string     `json:"instance"`
	Hook     string     `json:"hook"`
	Topic    string     `json:"topic,omitempty"`
	Payload  string     `json:"payload,omitempty"`
	Encoding string     `json:"encoding,omitempty"` // of the payload: text or base64
	QoS      *byte      `json:"qos,omitempty"`
	Retain   *bool      `json:"retain,omitempty"`
	Client   string     `json:"client,omitempty"`
	User     string     `json:"user,omitempty"`
	Remote   string     `json:"remote,omitempty"`
	Cause    string     `json:"cause,omitempty"`
	Quota    string     `json:"quota,omitempty"` // these four of a limit
	Level    int        `json:"level,omitempty"` // percent of it
	Used     *int64     `json:"used,omitempty"`
	Limit    int64      `json:"limit,omitempty"`
	Local    string     `json:"local,omitempty"` // of a schedule: the time on the clock of its zone
	Zone     string     `json:"zone,omitempty"`
	Count    uint64     `json:"count,omitempty"`   // of a schedule: how often it has fired
	Since    *time.Time `json:"since,omitempty"`   // of a silence: the last message before it
	Seconds  int64      `json:"seconds,omitempty"` // that it has lasted
}

// eventOf is a message for a hook.
func eventOf(m *filling.Message, hook string) Event {
	e := Event{ID: m.ID, Type: m.Type, Time: m.Time.UTC(), Instance: m.Instance, Hook: hook, Client: m.Client, User: m.User, Remote: m.Remote, Cause: m.Cause}
	if m.Type == string(account.HookQuota) {
		var q Quota
		_ = json.Unmarshal(m.Payload, &q) // a test's may be anything
		e.Quota, e.Level, e.Used, e.Limit = q.Quota, q.Level, &q.Used, q.Limit
	}
	if isOwn(account.HookEvent(m.Type)) {
		var o own
		_ = json.Unmarshal(m.Payload, &o) // a test's may be anything
		e.Topic, e.Local, e.Zone, e.Count, e.Since, e.Seconds = m.Topic, o.Local, o.Zone, o.Count, o.Since, o.Seconds
	}
	if m.Type != string(account.HookMessage) {
		return e
	}
	e.Topic, e.QoS, e.Retain = m.Topic, &m.QoS, &m.Retain
	var text bool
	if e.Payload, text = filling.Text(m.Payload); text {
		e.Encoding = "text"
	} else {
		e.Payload, e.Encoding = base64.StdEncoding.EncodeToString(m.Payload), "base64"
	}
	return e
}

// message is the way back.
func (e *Event) message() (*filling.Message, error) {
	m := &filling.Message{ID: e.ID, Type: e.Type, Time: e.Time, Instance: e.Instance, Topic: e.Topic, Payload: []byte(e.Payload), Client: e.Client,
		User: e.User, Remote: e.Remote, Cause: e.Cause}
	if e.QoS != nil {
		m.QoS = *e.QoS
	}
	if e.Retain != nil {
		m.Retain = *e.Retain
	}
	if e.Encoding == "base64" {
		var err error
		if m.Payload, err = base64.StdEncoding.DecodeString(e.Payload); err != nil {
			return nil, err
		}
	}
	if m.Type == string(account.HookQuota) {
		q := Quota{Quota: e.Quota, Level: e.Level, Limit: e.Limit, Client: e.Client, Time: e.Time}
		if e.Used != nil {
			q.Used = *e.Used
		}
		m.Payload, _ = json.Marshal(q) // never fails
		m.Topic = eventTopics[account.HookQuota]
	} else if t := account.HookEvent(m.Type); isOwn(t) {
		o := own{Type: t, Time: e.Time, Local: e.Local, Zone: e.Zone, Count: e.Count, Topic: e.Topic, Since: e.Since, Seconds: e.Seconds}
		o.into(m)
	} else if m.Type != string(account.HookMessage) {
		m.Payload, _ = json.Marshal(coming{e.Client, e.User, e.Remote, e.Cause, e.Time}) // never fails
		m.Topic = eventTopics[account.HookEvent(m.Type)]
	}
	return m, nil
}
