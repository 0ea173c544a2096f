package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"tsunagi/internal/broker"
)

// Write implements broker.Store. A subscription, cursor or packet of a client without session is passed over. The
// instance "" is the process itself: it has rows like any other, but no log records, and Instances doesn't list it.
func (m *Messages) Write(b *broker.Batch) error {
	bytes, grows := weigh(b)
	if bytes == 0 {
		return nil
	}
	if b.Owed {
		grows = false
	}
	if grows {
		if err := m.disk.refuse(); err != nil {
			return err
		}
	}
	err := m.write(b, bytes)
	if !grows && m.db.madeRoom(m.disk, err) {
		err = m.write(b, bytes)
	}
	return err
}

// write is Write without regard to the disk's space.
func (m *Messages) write(b *broker.Batch, bytes int) error {
	m.db.mu.Lock()
	defer m.db.mu.Unlock()
	next := m.next.Load()
	for i, r := range b.Log {
		if r.Offset != next+uint64(i) {
			return fmt.Errorf("record %d of the batch has offset %d, want %d", i, r.Offset, next+uint64(i))
		}
		if r.Instance == "" {
			return fmt.Errorf("record %d of the batch names no instance", i)
		}
	}
	oldest := m.oldest.Load()
	err := m.db.updateLocked(context.Background(), bytes, func() error {
		if err := m.writeAll(b); err != nil {
			return err
		}
		return m.trimStep()
	})
	if err != nil {
		m.oldest.Store(oldest)
		return err
	}
	m.next.Store(next + uint64(len(b.Log)))
	return nil
}

// weigh says roughly how many bytes a batch writes, and whether it adds messages to the store.
func weigh(b *broker.Batch) (bytes int, grows bool) {
	for _, r := range b.Log {
		bytes += len(r.Message) + 16
	}
	rows := len(b.Retained) + len(b.Sessions) + len(b.Subscriptions) + len(b.Cursors) + len(b.Packets)
	grows = len(b.Log) > 0
	for _, r := range b.Retained {
		bytes += len(r.Message)
		grows = grows || r.Message != nil
	}
	return bytes + rows*frameBytes, grows
}

// writeAll writes the lists in their order; inside update.
func (m *Messages) writeAll(b *broker.Batch) error {
	if err := m.writeLog(b.Log); err != nil {
		return err
	}
	for _, w := range b.Retained {
		if err := m.put(retainedTable, w.Message, w.Instance, w.Topic); err != nil {
			return err
		}
	}
	for _, w := range b.Sessions {
		if err := m.put(sessionTable, w.State, w.Instance, w.Client); err != nil {
			return err
		}
		if w.State != nil {
			continue
		}
		for _, text := range forgetClient {
			if _, err := m.db.exec(text, w.Instance, w.Client); err != nil {
				return err
			}
		}
	}
	for _, w := range b.Subscriptions {
		if err := m.put(subscriptionTable, w.State, w.Instance, w.Client, w.Filter); err != nil {
			return err
		}
	}
	for _, w := range b.Cursors {
		if err := m.put(cursorTable, w.State, w.Instance, w.Client); err != nil {
			return err
		}
	}
	for _, w := range b.Packets {
		if err := m.put(packetTable, w.State, w.Instance, w.Client, int64(w.Dir), int64(w.ID)); err != nil {
			return err
		}
	}
	return nil
}

// writeLog cuts records into blocks and writes them; inside update.
func (m *Messages) writeLog(records []broker.Record) error {
	for len(records) > 0 {
		m.block.begin(records[0].Offset)
		n := 0
		for n < len(records) && (n == 0 || len(m.block.data)+len(records[n].Message) <= blockTarget) {
			m.block.add(records[n])
			n++
		}
		m.block.seal()
		sum := rowSum(m.block.first, m.block.count, m.block.holders)
		_, err := m.db.exec("insert into log (off, count, holders, sum, data) values (?, ?, ?, ?, ?)",
			int64(m.block.first), int64(m.block.count), int64(m.block.holders), int64(sum), m.block.data)
		if err != nil {
			return err
		}
		records = records[n:]
	}
	if cap(m.block.data) > 4*blockTarget {
		m.block.data = nil // a single large message shall not stay in memory
	}
	return nil
}

// table is one of the tables with a row for each key.
type table struct {
	name        string
	letter      byte // part of each row's checksum, so that rows can't change tables
	put, remove string
}

// existing lets rows in only below a session, so that none is left behind to come up again with a later session.
const existing = " where exists (select 1 from session where instance = ?1 and client = ?2)"

var (
	retainedTable = table{"retained", 'r', "insert into retained (instance, topic, value) values (?, ?, ?) " +
		"on conflict do update set value = excluded.value",
		"delete from retained where instance = ? and topic = ?"}
	sessionTable = table{"session", 's', "insert into session (instance, client, value) values (?, ?, ?) " +
		"on conflict do update set value = excluded.value",
		"delete from session where instance = ? and client = ?"}
	subscriptionTable = table{"subscription", 'f', "insert into subscription (instance, client, filter, value) select ?, ?, ?, ?" +
		existing + " on conflict do update set value = excluded.value",
		"delete from subscription where instance = ? and client = ? and filter = ?"}
	cursorTable = table{"cursor", 'c', "insert into cursor (instance, client, value) select ?, ?, ?" +
		existing + " on conflict do update set value = excluded.value",
		"delete from cursor where instance = ? and client = ?"}
	packetTable = table{"packet", 'p', "insert into packet (instance, client, dir, id, value) select ?, ?, ?, ?, ?" +
		existing + " on conflict do update set value = excluded.value",
		"delete from packet where instance = ? and client = ? and dir = ? and id = ?"}

	// forgetClient takes away what belongs to a session.
	forgetClient = []string{
		"delete from subscription where instance = ? and client = ?",
		"delete from cursor where instance = ? and client = ?",
		"delete from packet where instance = ? and client = ?",
	}
)

// put sets or (value nil) deletes one row; inside update.
func (m *Messages) put(t table, value []byte, key ...any) error {
	if value == nil {
		_, err := m.db.exec(t.remove, key...)
		return err
	}
	stored := make([]byte, 4, 4+len(value))
	stored = append(stored, value...)
	binary.LittleEndian.PutUint32(stored, t.sum(value, key...))
	_, err := m.db.exec(t.put, append(key, stored)...)
	return err
}

// sum is the checksum of a row: of its table, its key and its value.
func (t table) sum(value []byte, key ...any) uint32 {
	b := []byte{t.letter}
	for _, part := range key {
		switch part := part.(type) {
		case string:
			b = binary.AppendUvarint(b, uint64(len(part)))
			b = append(b, part...)
		case int64:
			b = binary.AppendVarint(b, part)
		}
	}
	return crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, value)
}

// open takes the value out of a row.
func (t table) open(stored []byte, key ...any) ([]byte, error) {
	if len(stored) < 4 || binary.LittleEndian.Uint32(stored) != t.sum(stored[4:], key...) {
		return nil, corrupt("row %c %q: wrong checksum", t.letter, key)
	}
	return stored[4:], nil
}
