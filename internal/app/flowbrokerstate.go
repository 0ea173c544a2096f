package app

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/home"
)

// status is how the local broker is, for the panel and for `tsunagi flow broker status`; nil: there is none.
func (b *lanBroker) status() *home.Broker {
	if b == nil {
		return nil
	}
	out := &home.Broker{Address: lanAddress(b.mqtts), MostWaiting: b.most, MostBytes: int64(b.cfg.BrokerOutboxMB) << 20}
	if b.mqtt != nil {
		out.Plain = lanAddress(b.mqtt)
	}
	_ = b.store.Accounts.View(context.Background(), func(r account.Reader) (err error) { // else it is 0
		out.Users, err = r.CountUsers(account.UserQuery{Instance: lanInstance})
		return err
	})
	if running := b.brokers.find(lanInstance); running != nil {
		out.Clients = running.Stats().Clients
		if info, ok := running.Session(b.bridge.session()); ok {
			out.Waiting, out.Bytes = info.Queued+info.Inflight, int64(info.QueuedBytes)
			out.Full = info.Queued >= out.MostWaiting || out.Bytes >= out.MostBytes
			if info.Connected { // the session is the local half of the bridge: it is not one of the clients
				out.Clients = max(out.Clients-1, 0)
			}
		}
	}
	b.bridge.state(out)
	return out
}

// state fills in how the bridge is.
func (r *lanBridge) state(out *home.Broker) {
	r.mu.Lock()
	topics, gone, login := len(r.b.cfg.BrokerTopics), r.gone || r.login.Device == "", r.login.Password != ""
	r.mu.Unlock()
	s, _ := r.manager.State(lanInstance, lanBridgeID)
	out.State, out.Sent, out.Received, out.Refused, out.LastRefusal = s.State, s.Sent, s.Received, s.Refused, s.LastRefusal
	switch {
	case topics == 0:
		out.State = lanOff
	case gone:
		out.State = lanUnpaired
	case !login:
		out.State = lanNoLogin
	default:
		out.Error, out.ErrorAt = s.LastError, given(s.LastErrorAt)
	}
}

// countEvery is how often what the broker writes is added up.
const countEvery = time.Minute

// counting adds what the local broker writes to the counts of the SD card: what the process writes, less what is counted
// elsewhere. Where the system doesn't tell, nothing is counted.
func (b *lanBroker) counting() part {
	return working("bytes written", func(ctx context.Context) {
		tick := time.NewTicker(countEvery)
		defer tick.Stop()
		last := b.uncounted()
		for more := true; more; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				more = false
			}
			if now := b.uncounted(); now > last {
				b.written.Add("broker", int(now-last))
				last = b.uncounted()
			}
		}
	})
}

// uncounted are the bytes that this process has written to disks, less those that are counted.
func (b *lanBroker) uncounted() int64 {
	raw, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	sum := int64(0)
	for line := range strings.Lines(string(raw)) {
		if text, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			sum, _ = strconv.ParseInt(strings.TrimSpace(text), 10, 64) // the kernel's own number
		}
	}
	return sum - b.written.Total()
}
