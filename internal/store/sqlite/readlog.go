package sqlite

import (
	"database/sql"

	"tsunagi/internal/broker"
)

// A read step takes at most this much of the log, so that it is short.
const (
	stepBytes = 1 << 20
	stepRows  = "1024"
)

// ReadLog implements broker.Store. Records below the oldest one that is left are passed over like those of others.
// A message stays valid after yield returns, but keeps the block that it is part of (64 KiB) in memory.
func (m *Messages) ReadLog(instance string, from uint64, yield func(broker.Record) bool) error {
	from = max(from, m.floor(instance), 1)
	end := m.next.Load() // what is written later may be read, too
	for {
		rows, err := m.step(instance, from)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			if from < end {
				return corrupt("the log ends before offset %d, and should reach to %d", from, end)
			}
			return nil
		}
		for i := range rows {
			r := &rows[i]
			if r.first > from && (i > 0 || r.first > m.oldest.Load()) {
				return corrupt("the log has no offsets from %d to %d", from, r.first-1)
			}
			if r.data != nil {
				if more, err := r.records(instance, from, yield); err != nil || !more {
					return err
				}
			}
			from = r.end()
		}
	}
}

// step reads the rows of the log from the one that holds offset from on, a bounded number of them.
func (m *Messages) step(instance string, from uint64) (rows []row, err error) {
	bytes := 0
	err = m.db.each("select off, count, holders, sum, case when holders & ?1 = ?1 then data end from log "+
		"where off >= coalesce((select max(off) from log where off <= ?2), ?2) order by off limit "+stepRows,
		[]any{int64(holder(instance)), int64(from)},
		func(r *sql.Rows) (more bool, err error) {
			line, err := scan(r)
			if err != nil {
				return false, err
			}
			if line.end() > from {
				rows = append(rows, line)
				bytes += len(line.data)
			}
			return bytes < stepBytes, nil
		})
	return rows, err
}

// scan reads and verifies one row.
func scan(r *sql.Rows) (row, error) {
	var first, count, holders, sum int64
	var data []byte
	if err := r.Scan(&first, &count, &holders, &sum, &data); err != nil {
		return row{}, err
	}
	line := row{uint64(first), uint32(count), uint64(holders), uint32(sum), data}
	if first < 1 || count != int64(line.count) || sum != int64(line.sum) {
		return row{}, corrupt("block at offset %d: its row is out of range", first)
	}
	return line, line.verify()
}

// ReadAt implements broker.Store. Offsets of other instances, trimmed ones and ones not yet written are passed over.
func (m *Messages) ReadAt(instance string, offsets []uint64, yield func(broker.Record) bool) error {
	for len(offsets) > 0 {
		offset := offsets[0]
		if offset < max(m.oldest.Load(), m.floor(instance)) || offset >= m.next.Load() {
			offsets = offsets[1:]
			continue
		}
		r, err := m.holding(offset)
		if err != nil {
			return err
		}
		if offset >= r.end() {
			if offset < m.oldest.Load() {
				continue // trimmed in between
			}
			return corrupt("the log has no offset %d", offset)
		}
		wanted := true
		_, err = r.records(instance, offset, func(rec broker.Record) bool {
			for len(offsets) > 0 && offsets[0] < rec.Offset { // those were others'
				offsets = offsets[1:]
			}
			if len(offsets) > 0 && offsets[0] == rec.Offset {
				wanted = yield(rec)
			}
			return wanted && len(offsets) > 0
		})
		if err != nil || !wanted {
			return err
		}
		for len(offsets) > 0 && offsets[0] < r.end() {
			offsets = offsets[1:]
		}
	}
	return nil
}

// holding reads the last row that begins at or before offset, a zero one when there is none.
func (m *Messages) holding(offset uint64) (found row, err error) {
	err = m.db.each("select off, count, holders, sum, data from log where off <= ? order by off desc limit 1",
		[]any{int64(offset)}, func(r *sql.Rows) (bool, error) {
			found, err = scan(r)
			return false, err
		})
	return found, err
}

// floor is the first offset of an instance that may be read; below are records of a dropped one of its name.
func (m *Messages) floor(instance string) uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.floors[instance]
}
