package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"

	"tsunagi/internal/broker"
)

// Messages is messages.db, a broker.Store. Its methods may be called from many goroutines at once.
type Messages struct {
	db   *database
	disk *disk

	oldest atomic.Uint64 // the first offset that the log has
	next   atomic.Uint64 // the offset of the next record

	block     blockWriter // guarded by db.mu
	trimBelow uint64      // guarded by db.mu: records below may go

	mu     sync.RWMutex
	floors map[string]uint64 // guarded by mu: table dropped
}

var _ broker.Store = (*Messages)(nil)

// openMessages opens or makes messages.db.
func openMessages(ctx context.Context, path string, disk *disk, o Options) (*Messages, error) {
	db, err := openDatabase(ctx, path, migrations("messages"), o)
	if err != nil {
		return nil, err
	}
	m := &Messages{db: db, disk: disk, floors: make(map[string]uint64)}
	for _, step := range []func() error{m.loadBounds, m.checkBorders, m.finishDrops} {
		if err := step(); err != nil {
			return nil, errors.Join(err, m.db.close(func() error { return nil }))
		}
	}
	return m, nil
}

// loadBounds finds out where the log begins and ends, and compares that with what was written at the last clean end.
func (m *Messages) loadBounds() error {
	var oldest, next, first, end, lastCount int64
	for _, read := range []struct {
		text string
		dst  []any
	}{
		{"select (select value from bound where name = 'oldest'), (select value from bound where name = 'next')",
			[]any{&oldest, &next}},
		{"select coalesce(min(off), 0) from log", []any{&first}},
		{"select coalesce(max(off), 0), coalesce((select count from log order by off desc limit 1), 0) from log",
			[]any{&end, &lastCount}},
	} {
		err := m.db.each(read.text, nil, func(r *sql.Rows) (bool, error) { return false, r.Scan(read.dst...) })
		if err != nil {
			return err
		}
	}
	end += lastCount
	next = max(next, oldest) // the end is noted when the store is closed: after a crash a trim may be ahead of it
	switch {
	case oldest < 1:
		return corrupt("%s: the log reaches from offset %d to %d", m.db.path, oldest, next)
	case end < next && (first != 0 || next != 1): // Trim always leaves a block: only a log that was never written is empty
		return corrupt("%s: the log ends before offset %d, and should reach to %d", m.db.path, max(end, 1), next)
	case first != 0 && first != oldest:
		return corrupt("%s: the log begins with offset %d, and should begin with %d", m.db.path, first, oldest)
	}
	m.oldest.Store(uint64(oldest))
	m.next.Store(uint64(max(end, next)))
	return m.db.each("select instance, below, sum from dropped", nil, func(r *sql.Rows) (bool, error) {
		var instance string
		var below, sum int64
		err := r.Scan(&instance, &below, &sum)
		if err == nil && sum != dropSum(instance, below) {
			err = corrupt("dropped instance %q: wrong checksum", instance)
		}
		m.floors[instance] = uint64(below)
		return true, err
	})
}

// Room implements broker.Store.
func (m *Messages) Room() error { return m.disk.refuse() }

// NextOffset implements broker.Store.
func (m *Messages) NextOffset() uint64 { return m.next.Load() }

// close writes the end of the log, so that the next start notices when some is missing, and closes the file.
func (m *Messages) close() error {
	err := m.db.close(func() error { return m.setBound("next", m.next.Load()) })
	if errors.Is(err, broker.ErrStoreFull) {
		m.db.log.Warn("disk is full: end of the message log not noted", "error", err)
		return nil // what was acknowledged is on disk; only that check is missing at the next start
	}
	return err
}

// setBound writes a line of the table bound; inside update.
func (m *Messages) setBound(name string, offset uint64) error {
	_, err := m.db.exec("update bound set value = ? where name = ?", int64(offset), name)
	return err
}
