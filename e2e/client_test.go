package e2e

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// client is a bare MQTT 3.1.1 client: the test decides each packet.
type client struct {
	net.Conn
	in  *bufio.Reader
	buf []byte
}

// connect logs in and returns the client and whether the session was present.
func connect(t *testing.T, addr, id string, clean bool) (*client, bool) {
	t.Helper()
	c, present, err := dial(addr, id, clean)
	if err != nil {
		t.Fatalf("CONNECT of %q: %v", id, err)
	}
	return c, present
}

// tryConnect is connect where the server may be ending.
func tryConnect(addr, id string, clean bool) (*client, bool) {
	c, _, err := dial(addr, id, clean)
	return c, err == nil
}

// resume connects to a session that was there before, where the server may be ending.
func resume(addr, id string) (c *client, present, ok bool) {
	c, present, err := dial(addr, id, false)
	return c, present, err == nil
}

func dial(addr, id string, clean bool) (*client, bool, error) {
	return dialWith(addr, mqtt.Connect{Version: mqtt.V311, Clean: clean, ClientID: []byte(id), ReceiveMaximum: 65535})
}

func dialWith(addr string, p mqtt.Connect) (c *client, present bool, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, false, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close() // the error that counts is there already
		}
	}()
	c = &client{Conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	if _, err := c.Write(p.Append(nil)); err != nil {
		return nil, false, err
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	f, err := c.read()
	if err != nil {
		return nil, false, err
	}
	ack, err := mqtt.DecodeConnack(f, p.Version)
	if err == nil && ack.Reason != mqtt.Success {
		err = ack.Reason
	}
	_ = c.SetReadDeadline(time.Time{})
	return c, ack != nil && ack.SessionPresent, err
}

// read returns the next packet, valid until the one after it is read.
func (c *client) read() (mqtt.Frame, error) {
	head, err := c.in.Peek(2)
	if err != nil {
		return mqtt.Frame{}, err
	}
	size := 2
	for i := 1; head[i] >= 0x80; i++ {
		if head, err = c.in.Peek(i + 2); err != nil {
			return mqtt.Frame{}, err
		}
		size = i + 2
	}
	remaining := 0
	for i := size - 1; i >= 1; i-- {
		remaining = remaining<<7 | int(head[i]&0x7f)
	}
	c.buf = append(c.buf[:0], make([]byte, size+remaining)...)
	if _, err := io.ReadFull(c.in, c.buf); err != nil {
		return mqtt.Frame{}, err
	}
	return mqtt.Cut(c.buf, 0)
}

// subscribe asks for one filter and waits for the SUBACK.
func (c *client) subscribe(t *testing.T, filter string, qos byte) {
	t.Helper()
	p := mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte(filter), QoS: qos}}}
	if _, err := c.Write(p.Append(nil, mqtt.V311)); err != nil {
		t.Fatal(err)
	}
	f, err := c.read()
	if err != nil || f.Type() != mqtt.SUBACK {
		t.Fatalf("SUBSCRIBE %q: %v, type %d", filter, err, f.Type())
	}
}

// publish sends one QoS 1 message without waiting.
func (c *client) publish(topic string, id uint16, payload string) error {
	p := mqtt.Publish{QoS: 1, Topic: []byte(topic), PacketID: id, Payload: []byte(payload)}
	_, err := c.Write(p.Append(nil, mqtt.V311))
	return err
}

// publish2 sends one QoS 2 message.
func (c *client) publish2(topic string, f flight, again bool) error {
	p := mqtt.Publish{QoS: 2, Dup: again, Topic: []byte(topic), PacketID: f.id, Payload: []byte(f.payload)}
	_, err := c.Write(p.Append(nil, mqtt.V311))
	return err
}

// ack sends one of the four short answers.
func (c *client) ack(kind mqtt.Type, id uint16) error {
	_, err := c.Write((&mqtt.Ack{Type: kind, PacketID: id}).Append(nil, mqtt.V311))
	return err
}
