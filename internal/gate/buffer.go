package gate

import "sync"

// bufferSize is what one read takes at most, in bytes.
const bufferSize = 64 << 10

// buffers are lent to readers while they handle bytes, and to nobody who waits.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func getBuffer() *[bufferSize]byte  { return buffers.Get().(*[bufferSize]byte) }
func putBuffer(b *[bufferSize]byte) { buffers.Put(b) }

// block is bytes on their way out that had to be put together: ciphertext or WebSocket frames.
type block struct {
	b    []byte
	sent int // of b, by the socket
}

// maxKeptBlock bounds the blocks that go back, in bytes.
const maxKeptBlock = 2 * bufferSize

var blocks = sync.Pool{New: func() any { return new(block) }}

func putBlock(b *block) {
	if cap(b.b) > maxKeptBlock {
		return
	}
	b.b, b.sent = b.b[:0], 0
	blocks.Put(b)
}
