package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/procfs"
)

// replays measures the replay of retained messages: they are published once, then one new subscriber after the other
// gets them all.
func (r *run) replays(ctx context.Context) (*result, error) {
	o := r.o
	res := r.blank()
	before := int64(0)
	if o.pid != 0 {
		var err error
		if before, err = procfs.Resident(o.pid); err != nil {
			return nil, err
		}
	}
	if err := r.retain(ctx, o.size); err != nil {
		return nil, err
	}
	if err := r.wait(ctx, o.warm); err != nil {
		return nil, err
	}
	if o.pid != 0 {
		now, err := procfs.Resident(o.pid)
		if err != nil {
			return nil, err
		}
		res.PerRetained = float64(now-before) / float64(o.filters)
	}
	if err := r.replayFor(ctx, res); err != nil {
		return nil, err
	}
	if o.leave {
		return res, nil
	}
	return res, r.retain(ctx, 0)
}

// replayFor replays until the asked time is over, once at least.
func (r *run) replayFor(ctx context.Context, res *result) error {
	m, err := r.meter()
	if err != nil {
		return err
	}
	count, took := int64(0), new(histogram)
	done := r.progress("messages")
	defer done.end()
	for pass := 0; pass == 0 || r.now()-m.began < r.o.duration; pass++ {
		began := r.now()
		n, err := r.replay(ctx, pass, res)
		if err != nil {
			return err
		}
		count += n
		done.n.Add(n)
		took.add(r.now() - began)
	}
	res.Latency = took.latency() // of a whole replay
	return m.read(res, count)
}

// retain publishes all messages with the retain flag, QoS 1; size 0 takes them away again.
func (r *run) retain(ctx context.Context, size int) error {
	o := r.o
	l, err := connect(ctx, r.dialer, o, login{id: r.name + "-p"})
	if err != nil {
		return err
	}
	defer l.conn.Close()
	done := r.progress("retained messages")
	defer done.end()
	payload := make([]byte, size)
	p := mqtt.Publish{QoS: 1, Retain: true, Payload: payload}
	for sent, acked := 0, 0; acked < o.filters; {
		for ; sent < o.filters && sent-acked < o.window; sent++ {
			p.Topic, p.PacketID = fmt.Appendf(p.Topic[:0], "%s/d%d/state", r.name, sent), uint16(sent%0xFFFF)+1
			if size > 0 {
				binary.BigEndian.PutUint64(payload[atNumber:], uint64(sent))
			}
			l.out = p.Append(l.out, l.version)
		}
		if err := l.conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
			return err
		}
		if err := l.flush(); err != nil {
			return err
		}
		n, err := l.acks()
		if err != nil {
			return fmt.Errorf("retained message %d: %w", acked, err)
		}
		acked += n
		done.n.Add(int64(n))
	}
	return ctx.Err()
}

// acks waits for PUBACKs and says how many have come.
func (l *link) acks() (n int, err error) {
	if err := l.more(readSize); err != nil {
		return 0, err
	}
	used := 0
	for {
		f, err := mqtt.Cut(l.buf[used:l.have], 0)
		if errors.Is(err, mqtt.ErrShort) {
			l.have = copy(l.buf, l.buf[used:l.have])
			return n, nil
		}
		if err != nil {
			return n, err
		}
		used += f.Size
		if f.Type() != mqtt.PUBACK {
			continue
		}
		var ack mqtt.Ack
		if err := mqtt.DecodeAck(&ack, f, l.version); err != nil {
			return n, err
		}
		if ack.Reason >= 0x80 {
			return n, ack.Reason
		}
		n++
	}
}

// errReplayed ends the reading of one replay.
var errReplayed = errors.New("all retained messages have come")

// replay subscribes to everything and counts what comes, until it is all or nothing more does.
func (r *run) replay(ctx context.Context, pass int, res *result) (count int64, err error) {
	o := r.o
	l, err := connect(ctx, r.dialer, o, login{id: fmt.Sprintf("%s-s%d", r.name, pass)})
	if err != nil {
		return 0, err
	}
	defer l.conn.Close()
	p := mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte(r.name + "/#")}}}
	if _, err := l.conn.Write(p.Append(nil, l.version)); err != nil {
		return 0, err
	}
	seen := make([]bool, o.filters)
	missing := o.filters
	err = l.read(func(f mqtt.Frame) error {
		if f.Type() != mqtt.PUBLISH {
			return nil
		}
		count++
		if f.First&1 == 0 || len(f.Body) < o.size {
			return errForeign
		}
		n := binary.BigEndian.Uint64(f.Body[len(f.Body)-o.size+atNumber:])
		switch {
		case n >= uint64(len(seen)):
			return errForeign
		case seen[n]:
			res.Doubled++
		default:
			seen[n] = true
			missing--
		}
		return nil
	}, func() error {
		if missing == 0 {
			return errReplayed
		}
		return l.conn.SetReadDeadline(time.Now().Add(stallLook))
	})
	if errors.Is(err, errReplayed) {
		return count, nil
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		res.Lost += uint64(missing)
		return count, nil
	}
	return count, err
}
