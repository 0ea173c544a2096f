package network

import (
	"context"
	"sync"
	"time"

	"github.com/coder/websocket"

	"tsunagi/internal/flow"
)

// Bounds of a WebSocket.
const (
	maxFrame       = 16 << 20 // bytes of a message that arrives
	socketPatience = 30 * time.Second
	socketRetry    = 3 * time.Second
)

// socketPeer is one WebSocket. What it sends is queued.
type socketPeer struct {
	id   string
	conn *websocket.Conn

	mu     sync.Mutex // guards what follows
	queue  []socketFrame
	bytes  int
	ending bool
	wake   chan struct{} // holds one token when there is something new
}

type socketFrame struct {
	data   []byte
	binary bool
}

func newSocketPeer(conn *websocket.Conn) *socketPeer {
	conn.SetReadLimit(maxFrame)
	return &socketPeer{id: flow.NewID(), conn: conn, wake: make(chan struct{}, 1)}
}

// write queues a message.
func (p *socketPeer) write(data []byte, binary bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending {
		return nil
	}
	if p.bytes+len(data) > maxUnsent {
		return errUnsent
	}
	p.queue = append(p.queue, socketFrame{data, binary})
	p.bytes += len(data)
	p.signal()
	return nil
}

func (p *socketPeer) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// end closes the connection when all is sent.
func (p *socketPeer) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ending = true
	p.signal()
}

// send writes what is queued until ctx or the connection ends.
func (p *socketPeer) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		p.mu.Lock()
		queue, ending := p.queue, p.ending
		p.queue, p.bytes = nil, 0
		p.mu.Unlock()
		for _, f := range queue {
			kind := websocket.MessageText
			if f.binary {
				kind = websocket.MessageBinary
			}
			limited, cancel := context.WithTimeout(ctx, socketPatience)
			err := p.conn.Write(limited, kind, f.data)
			cancel()
			if err != nil {
				_ = p.conn.CloseNow() // the reader learns of it
				return
			}
		}
		if ending {
			_ = p.conn.Close(websocket.StatusNormalClosure, "") // it is over, whatever the other side says
			return
		}
	}
}

// run reads until the connection ends, and hands what arrives to the node, on the loop. The
// node's end ends it by way of p.end, in order, so that the other side hears of it.
func (p *socketPeer) run(n *socketNode) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go p.send(ctx) // ends with ctx
	for {
		kind, data, err := p.conn.Read(ctx)
		if err != nil {
			_ = p.conn.CloseNow() // it is over
			return err
		}
		if !n.b.Do(func() { n.arrived(p.id, data, kind == websocket.MessageBinary) }) {
			p.end()
			for { // until the other side agrees
				if _, _, err := p.conn.Read(ctx); err != nil {
					return err
				}
			}
		}
	}
}

// beat pings until the other side doesn't answer.
func (p *socketPeer) beat(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		limited, cancel := context.WithTimeout(ctx, every)
		err := p.conn.Ping(limited)
		cancel()
		if err != nil {
			_ = p.conn.CloseNow() // the reader learns of it
			return
		}
	}
}
