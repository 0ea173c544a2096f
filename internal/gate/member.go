package gate

import (
	"context"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

// pauseFrom is how much may wait for a peer until nothing more is read from it, in bytes. Messages stop at the
// broker's own bound, so what goes beyond are answers to a peer that asks without listening, or one large message.
const pauseFrom = 3 << 19

// member is a session of the real broker.
type member struct{ client *broker.Client }

// attach makes a client of a broker: its CONNACK waits in the outbox then.
func attach(ctx context.Context, b *broker.Broker, req *broker.ConnectRequest) (session, error) {
	c, err := b.Connect(ctx, req)
	if err != nil {
		return nil, err
	}
	return member{c}, nil
}

func (m member) handle(buf []byte, f flushers) (int, error) {
	b := batches.Get().(*batch)
	n, err := m.client.Handle(buf, &b.Turn)
	switch touched := len(b.Touched()); {
	case touched == 0:
		batches.Put(b)
	case touched >= inlineFrom || err != nil:
		b.Flush()
	default:
		f.hand(b)
	}
	return n, err
}

func (m member) flush(write writeFunc) error { return m.client.Outbox().Flush(write) }

func (m member) waiting() int { return m.client.Outbox().Len() }

func (m member) full() bool { return m.client.Outbox().Len() > pauseFrom }

func (m member) keepAlive() time.Duration { return m.client.KeepAlive() }

func (m member) gone(cause error) { m.client.Gone(cause) }

func (m member) expel(r mqtt.Reason, words string) { m.client.Expel(r, words) }
