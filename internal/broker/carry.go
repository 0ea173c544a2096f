package broker

// The log is trimmed from its old end, up to what somebody still needs. So that a few old messages for a client that
// never comes don't hold back the log of all instances, they are carried forward: written once more at its new end. They
// keep their place in the order of messages, which cursors and subscriptions mean when they name an offset.

// carry does that for an instance whose oldest message stands at lowest, if that holds back much more than it would
// cost. Where the log is needed densely there is nothing to gain: the bounds of the queues limit it.
func (k *Committer) carry(b *Broker, lowest uint64) {
	next := k.store.NextOffset()
	lag := next - lowest
	if b.carrying || lag <= k.carryLag && (lag <= 64 || lag*uint64(k.recordBytes) <= carryBytes) {
		return
	}
	below := next - min(lag, k.carryLag)/2
	list, all := b.backlog.old(below, carryMost, carrySize)
	if len(list) == 0 {
		return
	}
	span := below - lowest
	if !all {
		span = list[len(list)-1].at.Load() - lowest
	}
	if span < 4*uint64(len(list)) {
		return
	}
	op := &carryOp{b: b, list: list}
	if err := op.read(); err != nil {
		k.log.Error("old messages can't be read", "instance", b.id, "error", err)
		return
	}
	b.carrying = k.post(op) == nil
}

// carryOp writes messages once more at the end of the log.
type carryOp struct {
	b    *Broker
	list []*message
	from []uint64 // where they stood when they were read
	rec  [][]byte
	to   []uint64 // where they stand then; 0: it is too late for this one
	sum  int
}

func (o *carryOp) size() int     { return o.sum }
func (o *carryOp) grows() growth { return growsNot } // in the end it frees room

func (o *carryOp) read() error {
	o.from, o.rec, o.to = make([]uint64, len(o.list)), make([][]byte, len(o.list)), make([]uint64, len(o.list))
	index := make(map[uint64]int, len(o.list))
	for i, m := range o.list {
		o.from[i] = m.at.Load()
		index[o.from[i]] = i
	}
	return o.b.commit.store.ReadAt(o.b.id, o.from, func(r Record) bool {
		if i, ok := index[r.Offset]; ok && len(r.Message) >= recordHead {
			o.rec[i] = carriedRecord(r)
			o.sum += len(o.rec[i])
		}
		return true
	})
}

func (o *carryOp) prepare(p *plan) {
	for i, m := range o.list {
		if o.to[i] = 0; o.rec[i] != nil && m.owed.Load() > 0 && m.at.Load() == o.from[i] {
			o.to[i] = p.log(o.b, o.rec[i])
		}
	}
}

func (o *carryOp) done(_ *Turn, err error) {
	o.b.carrying = false
	if err != nil {
		return
	}
	moved := make(map[*message]bool, len(o.list))
	for i, m := range o.list {
		if o.to[i] != 0 {
			m.at.Store(o.to[i])
			moved[m] = true
			o.b.backlog.routed.Store(o.to[i])
		}
	}
	o.b.backlog.moved(moved)
	o.b.commit.logged = trimEvery // go on with what is left, or trim
}
