package flow

import (
	"errors"
	"sync"
	"time"
)

// closeLimit is how long one node may take to close.
const closeLimit = 15 * time.Second

var errCloseTimeout = errors.New("Close timed out") //nolint:staticcheck // Node-RED's words

// closing waits for nodes that are being closed.
type closing struct {
	mu   sync.Mutex
	left int
	over bool // no more nodes will be added
	done chan struct{}
}

func newClosing() *closing { return &closing{done: make(chan struct{})} }

// close ends one node on the loop. The node hears no more messages from now on; its timers
// and posted calls end when it is done.
func (c *closing) close(b *Base, removed bool) {
	b.deaf = true
	b.cancel()
	closer, ok := b.node.(Closer)
	if !ok {
		b.end()
		return
	}
	c.mu.Lock()
	c.left++
	c.mu.Unlock()
	rt := b.rt
	var once sync.Once
	finish := func(err error) {
		once.Do(func() {
			rt.in.urgent(event{run: func() {
				if err != nil {
					b.log(levelError, Text("Error stopping node: "+err.Error()))
				}
				b.end()
				c.finished()
			}})
		})
	}
	limit := time.AfterFunc(closeLimit, func() { finish(errCloseTimeout) })
	defer func() {
		if p := recover(); p != nil {
			limit.Stop()
			rt.reportPanic(b, p)
			finish(nil)
		}
	}()
	closer.Close(removed, func() {
		limit.Stop()
		finish(nil)
	})
}

// end lets the node go, and its context with it, where that is kept for a running node only.
func (b *Base) end() {
	b.gone = true
	b.Release(b.kept)
	b.rt.contexts.end(b.Context("node").id)
	if b.timed {
		b.rt.timers.drop(b)
	}
}

func (c *closing) finished() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left--
	c.check()
}

// all says that no more nodes come; done is closed when the last of them has ended.
func (c *closing) all() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.check()
}

func (c *closing) check() {
	if c.over && c.left == 0 {
		close(c.done)
		c.left = -1
	}
}
