package broker

import (
	"bytes"

	"tsunagi/internal/mqtt"
)

// run takes the QoS 0 messages without flags and properties at the start of buf that have one topic, and routes them
// as one range of bytes: checks stay per packet, the receivers are looked up once. It returns the bytes used; 0 leaves
// the packet to the general way, also with what is wrong with it.
func (c *Client) run(buf []byte, t *Turn) int {
	var name []byte
	n, count, longest := 0, 0, 0
	for {
		size, head := plainFrame(buf[n:], int(c.maxIn))
		if size == 0 {
			break
		}
		p := buf[n : n+size]
		end := head + 2 + (int(p[head])<<8 | int(p[head+1]))
		if end > size || end == head+2 {
			break
		}
		if c.wire == wire5 && (end == size || p[end] != 0) { // it has properties
			break
		}
		if count == 0 {
			name = p[head+2 : end]
		} else if !bytes.Equal(p[head+2:end], name) {
			break
		}
		n += size
		count++
		longest = max(longest, size)
	}
	if count == 0 {
		return 0
	}
	if t.misses >= warmFrom && t.warmed <= 0 {
		c.warm(buf, t)
	}
	m, err := c.find(name, t)
	if err != nil || c.b.lift && m.stored {
		return 0
	}
	c.messagesIn.Add(uint64(count))
	if !c.mayPublish(m, 0, false) {
		c.denied(m, 0, false, count)
		return n
	}
	c.b.routeRun(c, m, buf[:n], count, longest, t)
	return n
}

// plainFrame is the size of the packet at the start of buf and of its fixed header, if it is a complete PUBLISH with
// QoS 0 and without flags whose length is written as it must be; else 0.
func plainFrame(buf []byte, maxPacket int) (size, head int) {
	if len(buf) < 4 || buf[0] != byte(mqtt.PUBLISH)<<4 {
		return 0, 0
	}
	size, head = int(buf[1]), 2
	if size >= 0x80 {
		size &= 0x7F
		for shift := 7; ; shift += 7 {
			if head == len(buf) || head > 4 {
				return 0, 0
			}
			b := buf[head]
			head++
			size |= int(b&0x7F) << shift
			if b < 0x80 {
				if b == 0 {
					return 0, 0
				}
				break
			}
		}
	}
	if size < 2 {
		return 0, 0
	}
	size += head
	if size > len(buf) || maxPacket > 0 && size > maxPacket {
		return 0, 0
	}
	return size, head
}
