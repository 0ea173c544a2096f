package sqlite

import (
	"context"
	"database/sql"
	"time"
)

// Trimming deletes blocks in small steps, so that no commit waits long for it: Trim takes steps for a short time, and
// what is left rides along with later writes, a step in each.
const (
	trimBlocks = 256                   // in a step, at most
	trimBytes  = 2 << 20               // after which a step ends; more than a usual write adds
	trimTime   = 20 * time.Millisecond // that a call of Trim takes, about
)

// Trim implements broker.Store. It returns before all is deleted when that takes long; what is left goes with the next
// writes. On a full disk the ballast is given up, since deleting needs room, too.
func (m *Messages) Trim(below uint64) error {
	for begin := time.Now(); ; {
		done, err := m.trim(below)
		if m.db.madeRoom(m.disk, err) {
			continue
		}
		if err != nil || done || time.Since(begin) > trimTime {
			return err
		}
	}
}

// trim takes one step towards below in a transaction of its own.
func (m *Messages) trim(below uint64) (done bool, err error) {
	m.db.mu.Lock()
	defer m.db.mu.Unlock()
	m.trimBelow = max(m.trimBelow, min(below, m.next.Load()))
	oldest := m.oldest.Load()
	first, last, err := m.cut()
	if err != nil || first <= oldest {
		return true, m.db.settle(m.db.sort("trim", err))
	}
	err = m.db.updateLocked(context.Background(), frameBytes, m.trimStep)
	if err != nil {
		m.oldest.Store(oldest)
	}
	return last, err
}

// cut finds the block that shall be the first of the log after the next step: the one that holds trimBelow, or an
// earlier one when the step would get long. last says that it is the former. Callers hold db.mu.
func (m *Messages) cut() (first uint64, last bool, err error) {
	if m.trimBelow <= m.oldest.Load() {
		return 0, true, nil
	}
	if m.db.writer == nil {
		return 0, true, errClosed
	}
	last = true
	bytes, blocks := int64(0), 0
	err = m.db.rows("select off, length(data) from log where off <= ? order by off limit ?",
		[]any{int64(m.trimBelow), trimBlocks + 1}, func(r *sql.Rows) (bool, error) {
			var off, size int64
			err := r.Scan(&off, &size)
			first, bytes, blocks = uint64(off), bytes+size, blocks+1
			last = blocks < 2 || bytes <= trimBytes && blocks <= trimBlocks
			return last, err
		})
	return first, last, err
}

// trimStep deletes some blocks, never the one that holds trimBelow; inside update. It moves oldest at once,
// so that a reader which no longer finds a block knows why; who called update moves it back when that failed.
func (m *Messages) trimStep() error {
	first, last, err := m.cut()
	if err != nil {
		return err
	}
	if last {
		m.trimBelow = 0 // a step that fails is asked for again by the next Trim
	}
	if first <= m.oldest.Load() {
		return nil
	}
	m.oldest.Store(first)
	if _, err := m.db.exec("delete from log where off < ?", int64(first)); err != nil {
		return err
	}
	if _, err := m.db.exec("delete from dropped where finished = 1 and below <= ?", int64(first)); err != nil {
		return err
	}
	if err := m.setBound("next", m.next.Load()); err != nil { // the same page, so this costs nothing
		return err
	}
	return m.setBound("oldest", first)
}
