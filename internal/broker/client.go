package broker

import (
	"sync/atomic"
	"time"

	"tsunagi/internal/mqtt"
)

// Client is one connection that has been accepted.
type Client struct {
	b         *Broker
	s         *Session
	link      Link
	outbox    Outbox
	user      string
	rights    atomic.Pointer[Rights]  // never nil
	yes       atomic.Pointer[verdict] // that topics share; nil: none yet
	remote    string
	via       string
	keepAlive time.Duration // as told; 0: off
	since     int64         // ms since 1970
	maxIn     int32         // bytes of a packet from the client, 0: no limit
	maxOut    int32         // bytes of a packet to the client [MQTT-3.1.2-24]
	window    int32         // QoS 1 and 2 messages that may be open towards the client
	recvMax   uint16        // and from it; 5.0 only, 0: not told
	aliasMax  uint16
	version   mqtt.Version
	wire      wire
	tls       uint8 // minor version of TLS 1; 0: none
	web       bool
	inner     bool
	capped    bool // its user's connections are counted
	bridge    bool // speaks for another broker: all its subscriptions are as No Local and Retain As Published make them
	problem   bool // reason strings and user properties may be sent [MQTT-3.1.2-29]
	finished  bool // Handle refuses to go on, for the cause in rare.ended; owned by the goroutine that calls it
	orderly   bool // DISCONNECT has come, without will; guarded by s.mu

	gone    atomic.Bool  // the session has let go of it
	open    int32        // QoS 1 and 2 messages open on this connection; guarded by s.mu
	pending atomic.Int32 // operations that wait for the committer; while there are any, QoS 1 and 2 wait behind them
	unacked atomic.Int32 // of these, QoS 1 publishes

	messagesIn atomic.Uint64
	bytesIn    atomic.Uint64
	rare       atomic.Pointer[rareClient]
	memo       memo // owned by the goroutine that calls Handle
}

// rareClient is what most connections never have. It is made when it is needed.
type rareClient struct {
	drops     throttle
	denials   throttle
	refusals  throttle
	clashes   throttle
	until     *time.Timer // ends the connection of a minted token
	takeovers bucket      // how often this client identifier may still be taken over; goes on with the connection that does
	fight     fight       // as takeovers

	// Owned by the goroutine that calls Handle.
	filters    bucket // filters that may still be subscribed to
	aliases    []string
	ended      error // why Handle refuses to go on
	lastDenied string
}

// seldom is what most connections never have.
func (c *Client) seldom() *rareClient {
	if r := c.rare.Load(); r != nil {
		return r
	}
	c.rare.CompareAndSwap(nil, &rareClient{})
	return c.rare.Load()
}

// ID is the client identifier.
func (c *Client) ID() string { return c.s.id }

// User is the name that the client has logged in with.
func (c *Client) User() string { return c.user }

// Link is the connection as it was given to Connect.
func (c *Client) Link() Link { return c.link }

// Outbox holds what waits for the connection.
func (c *Client) Outbox() *Outbox { return &c.outbox }

// KeepAlive is the interval that holds for the client: the longest pause between two of its packets is one and a half
// times as long [MQTT-3.1.2-22]. 0 means that there is no limit. Time spent inside Handle is not the client's.
func (c *Client) KeepAlive() time.Duration { return c.keepAlive }

// MaxPacket is the largest packet in bytes that the client may send, fixed header included; 0: no limit.
func (c *Client) MaxPacket() int { return int(c.maxIn) }

// Version is the protocol version that the client speaks.
func (c *Client) Version() mqtt.Version { return c.version }

// opened and closed count a message in the client's window [MQTT-3.3.4-9]. Callers hold s.mu.
func (c *Client) opened(sl *slot) {
	c.open++
	sl.open = true
}

func (c *Client) closed(sl *slot) {
	if sl.open {
		c.open--
		sl.open = false
	}
}

// answer appends a packet that is no message to the client's outbox. A client that makes the server answer without ever
// reading is cut off at twice the bound.
func (c *Client) answer(packet []byte, t *Turn) {
	o := &c.outbox
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return
	}
	var cause error
	switch {
	case len(packet) > int(c.maxOut): // [MQTT-3.1.2-24]
		cause = errAnswerTooLarge
		if len(tooLargeWord) <= int(c.maxOut) {
			o.copyIn(tooLargeWord)
			o.mark(t)
		}
		o.closed, o.starved = true, false // nothing comes behind it
	case o.n > 2*o.limit:
		cause = errNotReading
	default:
		o.copyIn(packet)
		o.mark(t)
	}
	o.mu.Unlock()
	if cause != nil {
		c.link.Close(cause)
	}
}

// errAnswerTooLarge ends the connection of a client that has asked for an answer which is larger than its Maximum
// Packet Size: without the answer it would wait for ever.
var errAnswerTooLarge = &Refusal{mqtt.PacketTooLarge, "an answer is larger than the client's Maximum Packet Size"}

// tooLargeWord is the DISCONNECT for it.
var tooLargeWord = (&mqtt.Disconnect{Reason: mqtt.PacketTooLarge}).Append(nil, mqtt.V5)

// sendAck appends a PUBACK, PUBREC, PUBREL or PUBCOMP.
func (c *Client) sendAck(kind mqtt.Type, id uint16, r mqtt.Reason, t *Turn) {
	a := mqtt.Ack{Type: kind, PacketID: id, Reason: r}
	if c.wire == wire3 {
		a.Reason = mqtt.Success
	}
	t.small = a.Append(t.small[:0], c.version)
	c.answer(t.small, t)
}

// refuseAck appends a PUBACK or PUBREC with a refusal and, where the client wants them, the words.
func (c *Client) refuseAck(kind mqtt.Type, id uint16, r mqtt.Reason, words string, t *Turn) {
	a := mqtt.Ack{Type: kind, PacketID: id, Reason: r}
	if c.problem {
		a.ReasonString = words
	}
	t.small = a.Append(t.small[:0], c.version)
	if len(t.small) > int(c.maxOut) { // [MQTT-3.4.2-2]
		a.ReasonString = ""
		t.small = a.Append(t.small[:0], c.version)
	}
	c.answer(t.small, t)
}

// farewell appends the DISCONNECT that tells a 5.0 client why the connection ends; others are not told [MQTT-3.14.0-1].
// Nothing comes behind it.
func (c *Client) farewell(r mqtt.Reason, words string, t *Turn) {
	defer c.outbox.seal()
	if c.wire != wire5 {
		return
	}
	d := mqtt.Disconnect{Reason: r}
	if c.problem {
		d.ReasonString = words
	}
	packet := d.Append(nil, c.version)
	if len(packet) > int(c.maxOut) { // [MQTT-3.14.2-3]
		d.ReasonString = ""
		packet = d.Append(nil, c.version)
	}
	c.answer(packet, t)
}

// throttle lets one event of a kind through in ten seconds and counts the others.
type throttle struct {
	next  atomic.Int64 // ms of the broker's clock
	count atomic.Int64
}

const throttlePause = 10_000 // ms

// hit counts n and says how many have come since the last event, or 0 when it isn't time for one.
func (t *throttle) hit(n int, now int64) int64 {
	t.count.Add(int64(n))
	next := t.next.Load()
	if now < next || !t.next.CompareAndSwap(next, now+throttlePause) {
		return 0
	}
	return t.count.Swap(0)
}
