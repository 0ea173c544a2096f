package sqlite

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/fnv"

	"tsunagi/internal/broker"
)

// A block is the records of one group commit, or a part of them. All numbers are little-endian.
//
//	offset  size  what
//	     0     4  CRC-32C of all that follows
//	     4     1  format version, 1
//	     5     8  offset of the first record; the next ones follow without a gap
//	    13     4  number of records
//	    17        records, each: length of the instance's name (uvarint; 0: the same as before), name,
//	              length of the message (uvarint), message
const (
	blockFormat = 1
	blockHeader = 17
	// blockTarget is the size at which a block is closed. A single larger record makes a larger block.
	blockTarget = 64 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// blockWriter gathers records into blocks. Its buffer is used again, so a block is valid until the next begin.
type blockWriter struct {
	data    []byte
	first   uint64
	count   uint32
	holders uint64
	last    string // instance of the record before
}

func (w *blockWriter) begin(first uint64) {
	*w = blockWriter{first: first, data: append(w.data[:0], make([]byte, blockHeader)...)}
}

func (w *blockWriter) add(r broker.Record) {
	if r.Instance == w.last {
		w.data = append(w.data, 0)
	} else {
		w.data = binary.AppendUvarint(w.data, uint64(len(r.Instance)))
		w.data = append(w.data, r.Instance...)
		w.last = r.Instance
		w.holders |= holder(r.Instance)
	}
	w.data = binary.AppendUvarint(w.data, uint64(len(r.Message)))
	w.data = append(w.data, r.Message...)
	w.count++
}

// seal completes the header.
func (w *blockWriter) seal() {
	w.data[4] = blockFormat
	binary.LittleEndian.PutUint64(w.data[5:], w.first)
	binary.LittleEndian.PutUint32(w.data[13:], w.count)
	binary.LittleEndian.PutUint32(w.data, crc32.Checksum(w.data[4:], castagnoli))
}

// holder is the set that holds one instance: two of 64 bits. The bits are stored, so the hash may never change.
func holder(instance string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(instance))
	sum := h.Sum64()
	return 1<<(sum&63) | 1<<(sum>>6&63)
}

// row is a line of the table log.
type row struct {
	first   uint64
	count   uint32
	holders uint64
	sum     uint32
	data    []byte // nil where the reader's instance isn't among the holders
}

// end is the offset behind the block.
func (r *row) end() uint64 { return r.first + uint64(r.count) }

// rowSum is the checksum of the columns of a row besides its data.
func rowSum(first uint64, count uint32, holders uint64) uint32 {
	var b [20]byte
	binary.LittleEndian.PutUint64(b[0:], first)
	binary.LittleEndian.PutUint32(b[8:], count)
	binary.LittleEndian.PutUint64(b[12:], holders)
	return crc32.Checksum(b[:], castagnoli)
}

// verify checks the row and, where it was read, its data.
func (r *row) verify() error {
	if r.sum != rowSum(r.first, r.count, r.holders) || r.count == 0 {
		return corrupt("block at offset %d: wrong checksum of its row", r.first)
	}
	if r.data == nil {
		return nil
	}
	if len(r.data) < blockHeader || binary.LittleEndian.Uint32(r.data) != crc32.Checksum(r.data[4:], castagnoli) {
		return corrupt("block at offset %d: wrong checksum of its %d bytes", r.first, len(r.data))
	}
	if v := r.data[4]; v != blockFormat {
		return fmt.Errorf("block at offset %d has format %d, this program reads format %d", r.first, v, blockFormat)
	}
	if first, count := binary.LittleEndian.Uint64(r.data[5:]), binary.LittleEndian.Uint32(r.data[13:]); first != r.first ||
		count != r.count {
		return corrupt("block at offset %d: its data is of %d records from offset %d", r.first, count, first)
	}
	return nil
}

// records calls yield for the records of instance with offsets from on. The messages are views of the row's data.
func (r *row) records(instance string, from uint64, yield func(broker.Record) bool) (more bool, err error) {
	rest := r.data[blockHeader:]
	ours := false
	for offset := r.first; offset < r.end(); offset++ {
		name, after, ok := cut(rest)
		if !ok {
			return false, corrupt("block at offset %d: record %d is cut", r.first, offset)
		}
		if len(name) > 0 {
			ours = string(name) == instance
		}
		message, after, ok := cut(after)
		if !ok {
			return false, corrupt("block at offset %d: record %d is cut", r.first, offset)
		}
		rest = after
		if ours && offset >= from && !yield(broker.Record{Offset: offset, Instance: instance, Message: message}) {
			return false, nil
		}
	}
	if len(rest) > 0 {
		return false, corrupt("block at offset %d: %d bytes too many", r.first, len(rest))
	}
	return true, nil
}

// cut takes a length and that many bytes from b.
func cut(b []byte) (part, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	end := n + int(size)
	return b[n:end:end], b[end:], true
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{broker.ErrStoreCorrupt}, args...)...)
}
