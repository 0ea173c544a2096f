package sqlite

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"tsunagi/internal/broker"
)

// inspectWAL looks for damage in the write-ahead log that a process left behind which didn't end in order. SQLite itself
// takes everything up to the first wrong checksum and drops the rest without a word. That is right for the write that a
// crash interrupted, and wrong when bits have rotted in what was acknowledged long ago.
//
// The two can be told apart: every write is synced before the next begins, so a crash leaves at most one end of a
// transaction behind the damage; two or more mean that synced ones were hit. The format is that of SQLite's
// documentation ("WAL-mode file format"): a header of 32 bytes, then frames of 24 bytes and a page each, with a checksum
// that runs over all; a frame with other salts than the header's is left from earlier use of the file. Where a border of
// sectors runs through a frame's head, a crash may leave new salts behind an old mark of an end: such an end counts only
// when its checksum is right after that of the frame before it.
func inspectWAL(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("inspect write-ahead log: %w", err)
	}
	err = inspectFrames(bufio.NewReaderSize(f, 1<<20), path)
	return errors.Join(err, f.Close())
}

const (
	walHeader   = 32
	frameHeader = 24
	walMagic    = 0x377f0682 // the last bit says in which byte order checksums are made
	leastPage   = 512
	mostPage    = 65536
	sector      = 512 // bytes that a disk writes wholly or not at all
)

func inspectFrames(r io.Reader, path string) error {
	head := make([]byte, walHeader)
	if _, err := io.ReadFull(r, head); err != nil {
		return ended(err) // shorter than a header: nothing was ever in it
	}
	word := func(b []byte, i int) uint32 { return binary.BigEndian.Uint32(b[4*i:]) }
	var order binary.ByteOrder = binary.LittleEndian
	if word(head, 0)&1 == 1 {
		order = binary.BigEndian
	}
	sum := walSum{order: order}
	sum.add(head[:24])
	page := word(head, 2)
	if word(head, 0)&^1 != walMagic || page < leastPage || page > mostPage || !sum.is(word(head, 6), word(head, 7)) {
		return corrupt("%s: wrong checksum of its header", path)
	}
	frame := make([]byte, frameHeader+page)
	damaged, ends := -1, 0
	for i := 0; ; i++ {
		if _, err := io.ReadFull(r, frame); err != nil {
			return ended(err)
		}
		ours := word(frame, 2) == word(head, 4) && word(frame, 3) == word(head, 5)
		sum.add(frame[:8])
		sum.add(frame[frameHeader:])
		whole := ours && sum.is(word(frame, 4), word(frame, 5))
		if !whole && damaged < 0 {
			damaged = i
		}
		sum.s0, sum.s1 = word(frame, 4), word(frame, 5) // what the next one was made with, also behind the damage
		torn := (walHeader+i*len(frame)+8)%sector == 0 && !whole
		if damaged >= 0 && ours && word(frame, 1) != 0 && !torn { // the end of a transaction
			if ends++; ends > 1 {
				return corrupt("%s: wrong checksum in frame %d, before writes that were acknowledged", path, damaged)
			}
		}
	}
}

// emptyWAL moves a write-ahead log that a process left behind to the file and cuts it to nothing, before anything is
// written: SQLite would append to what is whole of it, with the same salts, and what a crash has left behind that could
// later be taken for writes that were synced. A full disk keeps the log as it is.
func (db *database) emptyWAL(ctx context.Context) error {
	if sizeOf(db.path+"-wal") == 0 {
		return nil
	}
	var busy bool
	var frames, moved int64
	row := db.writes.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)")
	if err := db.sort("move write-ahead log", row.Scan(&busy, &frames, &moved)); err != nil && !errors.Is(err, broker.ErrStoreFull) {
		return err
	}
	return nil
}

// ended is nil for the end of a file, also in the middle of a frame.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return fmt.Errorf("inspect write-ahead log: %w", err)
}

// walSum is the running checksum of a write-ahead log.
type walSum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

// add takes a multiple of 8 bytes.
func (s *walSum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		s.s0 += s.order.Uint32(b) + s.s1
		s.s1 += s.order.Uint32(b[4:]) + s.s0
	}
}

func (s *walSum) is(s0, s1 uint32) bool { return s.s0 == s0 && s.s1 == s1 }
