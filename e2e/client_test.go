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
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{Conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	p := mqtt.Connect{Version: mqtt.V311, Clean: clean, ClientID: []byte(id), ReceiveMaximum: 65535}
	if _, err := c.Write(p.Append(nil)); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	f, err := c.read()
	if err != nil || f.Type() != mqtt.CONNACK {
		t.Fatalf("CONNECT of %q: %v, type %d", id, err, f.Type())
	}
	ack, err := mqtt.DecodeConnack(f, mqtt.V311)
	if err != nil || ack.Reason != mqtt.Success {
		t.Fatalf("CONNECT of %q: %+v, %v", id, ack, err)
	}
	_ = c.SetReadDeadline(time.Time{})
	return c, ack.SessionPresent
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
