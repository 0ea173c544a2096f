package broker

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
)

// EventTopics is the beginning of the topics on which a part of this server tells of connections; see Options.Events.
const EventTopics = "$SYS/events/"

// system publishes the numbers of the instance under $SYS while somebody subscribes to them: at once, and every ten
// seconds. Nobody's subscription costs anything otherwise.
type system struct {
	b       *Broker
	mu      sync.Mutex
	subs    int         // guarded by mu: subscriptions that begin with $SYS
	timer   *time.Timer // guarded by mu
	stopped bool        // guarded by mu
}

const systemEvery = 10 * time.Second

// count notes that subscriptions have come or gone. Callers may hold Session.mu.
func (y *system) count(sub *subscription, n int) {
	if !strings.HasPrefix(sub.filter, "$SYS") || strings.HasPrefix(sub.filter, EventTopics) {
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.subs += n
	switch {
	case n < 0 || y.stopped:
	case y.timer == nil:
		y.timer = time.AfterFunc(0, y.tick)
	default:
		y.timer.Reset(0)
	}
}

func (y *system) stop() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.stopped = true
	if y.timer != nil {
		y.timer.Stop()
	}
}

func (y *system) tick() {
	y.mu.Lock()
	on := y.subs > 0 && !y.stopped
	if on {
		y.timer.Reset(systemEvery)
	}
	y.mu.Unlock()
	if on {
		y.publish()
	}
}

func (y *system) publish() {
	b := y.b
	st := b.Stats()
	var t Turn
	say := func(name, value string) {
		o := &t.out
		o.reset()
		o.match = b.matchOf("$SYS/broker/"+name, &t.match)
		o.pub = mqtt.Publish{Topic: []byte(o.match.topic), Payload: []byte(value)}
		b.route(o, &t)
	}
	number := func(name string, n uint64) { say(name, strconv.FormatUint(n, 10)) }
	if b.node != "" {
		say("version", b.node)
	}
	say("uptime", strconv.FormatInt(int64(b.clock.now().Sub(st.Since)/time.Second), 10)+" seconds")
	number("clients/connected", uint64(st.Clients+st.WebClients))
	number("clients/disconnected", uint64(st.Away))
	number("clients/active", uint64(st.Clients+st.WebClients)) // mosquitto's older names of the two
	number("clients/inactive", uint64(st.Away))
	number("clients/total", uint64(st.Clients+st.WebClients+st.Away))
	number("subscriptions/count", uint64(st.Subscriptions))
	number("retained messages/count", uint64(st.Retained))
	number("messages/received", st.MessagesIn)
	number("messages/sent", st.MessagesOut)
	number("messages/waiting", uint64(st.Queued))
	number("publish/messages/received", st.MessagesIn)
	number("publish/messages/sent", st.MessagesOut)
	number("publish/messages/dropped", st.Dropped)
	number("bytes/received", st.BytesIn)
	number("bytes/sent", st.BytesOut)
	t.Flush()
}
