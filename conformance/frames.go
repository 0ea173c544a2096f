package conformance

import (
	"fmt"
	"strings"

	"tsunagi/internal/mqtt"
)

// The steps of cases about WebSocket itself: OPEN, OPENED and FRAME.

var frameOps = map[string]byte{"continue": wsContinue, "text": wsText, "binary": wsBinary, "ping": wsPing, "close": wsClose}

// rawFrame sends one frame: "text|binary|continue|ping|close", "part" where more of the message follows, then raw bytes.
func (c *conn) rawFrame(read *reading, as args) error {
	if c.ws == nil || len(as) == 0 {
		return fmt.Errorf("FRAME needs a WebSocket and a kind")
	}
	op, ok := frameOps[as[0].key]
	if !ok {
		return fmt.Errorf("%s is no kind of frame", as[0].key)
	}
	final := true
	var words []string
	for _, a := range as[1:] {
		if a.key == "part" {
			final = false
			continue
		}
		words = append(words, a.key)
	}
	b := read.raw(words)
	if read.err != nil {
		return read.err
	}
	c.referee.sent(b)
	return c.ws.frame(op, final, b)
}

// opened compares the outcome of OPEN: protocol=NAME, or status=400|403 of a refusal.
func (c *conn) opened(as args) error {
	for _, a := range as {
		switch a.key {
		case "protocol":
			if c.ws == nil || c.ws.protocol != a.value {
				return fmt.Errorf("the upgrade is refused with %d or another subprotocol is selected, want %s", c.refused, a.value)
			}
		case "refused":
			if c.ws != nil {
				return fmt.Errorf("the upgrade succeeds with subprotocol %q", c.ws.protocol)
			}
		default:
			return fmt.Errorf("%s is not known here", a.key)
		}
	}
	return nil
}

// many builds count packets with ascending identifiers; "receive-max" is the server's, "+1" one more.
func (r *reading) many(packet string, as args, count string, c *conn) [][]byte {
	n := 0
	if name, more := strings.CutSuffix(count, "+1"); name == "receive-max" && c.connack != nil {
		if n = int(c.connack.ReceiveMaximum); more {
			n++
		}
	} else {
		n = int(r.number(count, 20))
	}
	var out [][]byte
	for i := range n {
		p := r.publish(as)
		p.PacketID += uint16(i)
		if packet != "PUBLISH" {
			r.fail("count is for PUBLISH")
			return nil
		}
		out = append(out, p.Append(nil, r.v))
	}
	return out
}

// receiveMaxSmall says whether a server's Receive Maximum is small enough to be tried.
func receiveMaxSmall(c *mqtt.Connack) bool { return c.ReceiveMaximum > 0 && c.ReceiveMaximum <= 2048 }
