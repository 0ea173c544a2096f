package broker

import "tsunagi/internal/topic"

// A turn counts topics that a full cache of matches doesn't know: up for each of these, down by missHit for one that it
// knows. From warmFrom on what comes next is looked at some messages ahead, and at coldFrom topics are matched without
// asking the cache, but for every coldAsk-th: then a question mostly costs more than its answers save.
const (
	missHit  = 2
	warmFrom = 16
	coldFrom = 32
	coldAsk  = 8
)

// cold says whether the next topic is to be matched without asking the cache.
func (t *Turn) cold() bool {
	if t.misses < coldFrom {
		return false
	}
	t.skipped++
	return t.skipped%coldAsk != 0
}

// warm looks at what the messages at the start of buf will need, which no cache of the processor holds when every
// message goes to another of very many topics: the waiting for memory is then that of one message for all of them.
// What it finds decides nothing.
func (c *Client) warm(buf []byte, t *Turn) {
	var names [topic.WarmMost]string
	n := 0
	for n < len(names) {
		size, head := plainFrame(buf, int(c.maxIn))
		if size == 0 {
			break
		}
		end := head + 2 + (int(buf[head])<<8 | int(buf[head+1]))
		if end > size {
			break
		}
		names[n] = viewBytes(buf[head+2 : end])
		n++
		buf = buf[size:]
	}
	t.warmed = n
	var room [topic.WarmMost]*subscription
	sum := byte(0)
	for _, s := range c.b.tree.Warm(names[:n], room[:0]) {
		sum ^= s.qos
	}
	t.sum = sum
}
