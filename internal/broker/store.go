package broker

import "errors"

// The errors of a Store. Anything else is the store's own failure.
var (
	ErrStoreFull    = errors.New("store is full")    // nothing of the batch was kept; later batches may succeed
	ErrStoreCorrupt = errors.New("store is corrupt") // a record failed its checksum or an offset is missing
	ErrStoreFailed  = errors.New("store has failed") // a sync failed: final for the process
)

// Store keeps what is owed to clients that may be away. It serves all instances of the process. One goroutine, the
// Committer's, writes; any may read. Every write names its instance, so that access across tenants can't be said.
type Store interface {
	// Write makes everything in b durable in one transaction, or nothing of it. It returns when it is on disk.
	Write(b *Batch) error
	// Room is ErrStoreFull while messages would be refused.
	Room() error
	// NextOffset is the offset that the next record shall have. Offsets are dense over all instances, from 1.
	NextOffset() uint64
	// ReadLog calls yield for the records of instance with offsets from on, in order, until it returns false.
	// Records of other instances are passed over. A failed checksum or a gap is ErrStoreCorrupt, never silence.
	ReadLog(instance string, from uint64, yield func(Record) bool) error
	// ReadAt fetches single records by offset (ascending), for messages whose bodies are no longer in memory.
	ReadAt(instance string, offsets []uint64, yield func(Record) bool) error
	// Load calls the visitor with all state of an instance.
	Load(instance string, v Loader) error
	// Instances lists the instances that have any state.
	Instances() ([]string, error)
	// Trim lets records below offset go; it may keep more than that, and never cuts the block that holds offset.
	Trim(below uint64) error
	// Drop deletes all state of an instance; its log records become unreadable at once and go with Trim.
	Drop(instance string) error
}

// Loader receives the state of one instance: the retained messages, then for each session its record followed by
// its subscriptions, cursor and packet states.
type Loader struct {
	Retained     func(topic string, r Record) error
	Session      func(client string, state []byte) error
	Subscription func(client, filter string, state []byte) error
	Cursor       func(client string, state []byte) error
	Packet       func(client string, dir Direction, id uint16, state []byte) error
}

// Direction tells packet identifiers of the two sides apart.
type Direction byte

// The directions.
const (
	Incoming Direction = 1 // identifiers that the client chose: QoS 2 received, not yet released
	Outgoing Direction = 2 // identifiers that we chose
)

// Record is one stored message. Message is the broker's own encoding of topic, properties, expiry, publisher and
// payload; the store looks at nothing inside.
type Record struct {
	Offset   uint64
	Instance string
	Message  []byte
}

// Batch is one group commit. Lists are applied in the order of the fields; a nil value deletes. Within a list a
// later entry for the same key wins. Slices and strings stay the caller's and aren't kept after Write.
type Batch struct {
	Log           []Record // offsets dense, beginning at NextOffset
	Retained      []RetainedWrite
	Sessions      []SessionWrite // a nil State also deletes subscriptions, cursor and packets of the client
	Subscriptions []SubscriptionWrite
	Cursors       []CursorWrite
	Packets       []PacketWrite
	Owed          bool // it was acknowledged before: only a disk that is really full refuses it
}

// RetainedWrite sets or (Message nil) clears a retained message.
type RetainedWrite struct {
	Instance, Topic string
	Message         []byte
}

// SessionWrite sets or (State nil) deletes a session.
type SessionWrite struct {
	Instance, Client string
	State            []byte
}

// SubscriptionWrite sets or (State nil) deletes one subscription.
type SubscriptionWrite struct {
	Instance, Client, Filter string
	State                    []byte
}

// CursorWrite says how far a session has got in the log, and what above it is already acknowledged.
type CursorWrite struct {
	Instance, Client string
	State            []byte
}

// PacketWrite sets or (State nil) deletes the state of one packet identifier.
type PacketWrite struct {
	Instance, Client string
	Dir              Direction
	ID               uint16
	State            []byte
}
