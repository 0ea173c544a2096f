package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
)

// client is the one connection of the load to the broker: it publishes inputs and gets the answers. One goroutine reads;
// another one may write.
type client struct {
	conn    net.Conn
	buf     []byte
	have    int
	scratch []byte

	mu  sync.Mutex
	out []byte
}

const readSize = 256 << 10

func dial(ctx context.Context, addr string) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, buf: make([]byte, readSize), scratch: make([]byte, 0, 4096)}
	hello := mqtt.Connect{Version: mqtt.V311, Clean: true, ClientID: []byte("flowbench"), ReceiveMaximum: 0xFFFF}
	c.out = hello.Append(nil)
	c.out = (&mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte(topicOut)}}}).Append(c.out, mqtt.V311)
	if err := c.flush(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	for subscribed := false; !subscribed; {
		if err := c.frames(func(f mqtt.Frame) error {
			subscribed = subscribed || f.Type() == mqtt.SUBACK
			return nil
		}); err != nil {
			return nil, errors.Join(fmt.Errorf("broker: %w", err), conn.Close())
		}
	}
	return c, nil
}

func (c *client) close() { c.conn.Close() }

// queue adds an input to the next flush.
func (c *client) queue(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = (&mqtt.Publish{Topic: []byte(topicIn), Payload: payload}).Append(c.out, mqtt.V311)
}

func (c *client) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

// frames reads once and hands on the packets that are whole.
func (c *client) frames(handle func(mqtt.Frame) error) error {
	if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if c.have == len(c.buf) {
		c.buf = append(c.buf, make([]byte, len(c.buf))...)
	}
	n, err := c.conn.Read(c.buf[c.have:])
	if err != nil {
		return err
	}
	c.have += n
	at := 0
	for {
		f, err := mqtt.Cut(c.buf[at:c.have], 0)
		if errors.Is(err, mqtt.ErrShort) {
			break
		}
		if err == nil {
			err = handle(f)
		}
		if err != nil {
			return err
		}
		at += f.Size
	}
	c.have = copy(c.buf, c.buf[at:c.have])
	return nil
}

// read hands on the answers that one read brings.
func (c *client) read(answer func(payload []byte) error) error {
	var p mqtt.Publish
	return c.frames(func(f mqtt.Frame) error {
		if f.Type() != mqtt.PUBLISH {
			return nil
		}
		if err := mqtt.DecodePublish(&p, f, mqtt.V311); err != nil {
			return err
		}
		return answer(p.Payload)
	})
}

// ready waits until the runtime has connected to the broker and answers: input 0 is sent again and again, and its
// answers are all taken before the load begins.
func (c *client) ready(sc scenario) error {
	got := 0
	for end := time.Now().Add(patience / 2); time.Now().Before(end); {
		c.queue(sc.in(nil, 0))
		if err := c.flush(); err != nil {
			return err
		}
		if err := c.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			return err
		}
		n, err := c.conn.Read(c.buf)
		if err == nil && n > 0 {
			c.have = n
			break
		}
	}
	if c.have == 0 {
		return errors.New("the flow does not answer")
	}
	time.Sleep(500 * time.Millisecond) // what else was sent is answered or lost by now
	last := false
	c.queue(sc.in(nil, 1)) // a mark behind everything
	if err := c.flush(); err != nil {
		return err
	}
	for !last || got > 0 {
		if err := c.read(func(payload []byte) error {
			if k := sc.which(payload); string(payload) == sc.out(1, k) {
				if !last {
					last, got = true, sc.answers
				}
				got--
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
