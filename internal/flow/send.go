package flow

import "tsunagi/internal/flow/value"

// Send sends a message from the first output. A nil message is not sent.
func (b *Base) Send(m *Msg) {
	if b.wired == 0 || m == nil {
		return
	}
	if b.single != nil {
		m.identify()
		b.rt.deliver(b, b.single, m)
		return
	}
	b.SendAll([]*Msg{m})
}

// SendTo sends a message from output number i, from 0.
func (b *Base) SendTo(i int, m *Msg) {
	if i == 0 {
		b.Send(m)
		return
	}
	outs := make([][]*Msg, i+1)
	outs[i] = []*Msg{m}
	b.SendAll(outs...)
}

// SendAll sends messages from several outputs: outs[i] are those of output i, nil messages
// are left out.
//
// The deliveries are queued output by output, wire by wire, message by message. The first
// gets its message as it is, all others get clones made now. Messages without an id get
// that of the first which has one.
func (b *Base) SendAll(outs ...[]*Msg) {
	if b.wired == 0 {
		return
	}
	b.identifyAll(outs)
	first := true
	for i, wires := range b.wires {
		if i >= len(outs) {
			break
		}
		for j := range wires {
			to := b.receiver(i, j)
			for _, m := range outs[i] {
				if m == nil {
					continue
				}
				if !first && to != nil {
					m = m.Clone()
				}
				first = false
				if to != nil {
					b.rt.deliver(b, to, m)
				}
			}
		}
	}
}

// SendOn sends one message from every output that is to have it, as SendAll does.
func (b *Base) SendOn(m *Msg, outputs []bool) {
	first := true
	for i, wires := range b.wires {
		if i >= len(outputs) {
			break
		}
		if !outputs[i] {
			continue
		}
		for j := range wires {
			to, own := b.receiver(i, j), m
			if first {
				m.identify()
			} else if to != nil {
				own = m.Clone()
			}
			first = false
			if to != nil {
				b.rt.deliver(b, to, own)
			}
		}
	}
}

func (b *Base) receiver(output, wire int) *Base {
	if output < len(b.out) && wire < len(b.out[output]) {
		return b.out[output][wire]
	}
	return nil
}

func (b *Base) identifyAll(outs [][]*Msg) {
	var id value.Value
	missing := false
	for i := range min(len(outs), len(b.wires)) {
		if len(b.wires[i]) == 0 {
			continue
		}
		for _, m := range outs[i] {
			if m == nil {
				continue
			}
			own := m.Get(keyID)
			if !own.Truthy() {
				missing = true
			} else if !id.Truthy() {
				id = own
			}
		}
	}
	if !missing {
		return
	}
	if !id.Truthy() {
		id = value.Str(NewID())
	}
	for i := range min(len(outs), len(b.wires)) {
		for _, m := range outs[i] {
			if m != nil && !m.Get(keyID).Truthy() {
				m.Set(keyID, id)
			}
		}
	}
}

// deliver queues one message. When the queue is full, or what waits for the receiver holds too much, the message is
// lost, and the receiver says so, not for each message but with their number.
func (r *Runtime) deliver(from, to *Base, m *Msg) {
	bytes := m.o.Weight(weighDepth)
	if r.queue.n >= r.o.MaxQueue || r.queue.n > 0 && (r.waiting+bytes > r.o.QueueBytes || to.waiting > 0 && to.waitingBytes+bytes > r.o.QueueBytes/2) {
		r.overflow(to, bytes)
		return
	}
	from.sent++
	to.waiting++
	to.waitingBytes += bytes
	r.waiting += bytes
	r.queue.push(delivery{to, m, bytes})
}

// weighDepth is how deep a delivery looks into its message to say how much it holds.
const weighDepth = 3
