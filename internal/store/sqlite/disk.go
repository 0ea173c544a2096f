package sqlite

import (
	"errors"
	"fmt"
	"log/slog"

	"tsunagi/internal/broker"
)

// disk knows how much room there is, and says no before there is none.
type disk struct {
	dir           string // with a name behind it
	low, critical int64  // bytes; 0: never
	ballast       ballast
	log           *slog.Logger
}

// Level says how the disk's space is.
type Level string

// The levels.
const (
	Fine     Level = "fine"
	Low      Level = "low"      // an alarm: somebody should make room
	Critical Level = "critical" // messages that would have to be stored are refused
)

// The watermarks are a part of the disk, within bounds.
const (
	lowPart, leastLow, mostLow                = 10, 256 << 20, 10 << 30 // percent, bytes, bytes
	criticalPart, leastCritical, mostCritical = 3, 64 << 20, 2 << 30
)

func newDisk(path string, o Options) (*disk, error) {
	_, total, err := space(path)
	if err != nil {
		return nil, err
	}
	mark := func(set, part, least, most int64) int64 {
		if set != 0 {
			return max(set, 0)
		}
		return min(max(total/100*part, least), most)
	}
	return &disk{
		dir:      path,
		log:      o.Log,
		low:      mark(o.LowBytes, lowPart, leastLow, mostLow),
		critical: mark(o.CriticalBytes, criticalPart, leastCritical, mostCritical),
	}, nil
}

// level measures.
func (d *disk) level() (level Level, free, total int64, err error) {
	free, total, err = space(d.dir)
	switch {
	case err != nil || free >= d.low:
		level = Fine // an unknown level is no reason to refuse: a full disk still says so itself
	case free >= d.critical:
		level = Low
	default:
		level = Critical
	}
	return level, free, total, err
}

// refuse says no to what makes the store grow while the level is critical. Deletes and acknowledgements go on.
func (d *disk) refuse() error {
	if level, free, _, _ := d.level(); level == Critical {
		return fmt.Errorf("%w: %d MiB are free on the disk of %s, and %d MiB are kept free so that messages can still "+
			"be deleted", broker.ErrStoreFull, free>>20, d.dir, d.critical>>20)
	}
	return nil
}

// madeRoom gives the ballast up when err says that the disk is full; then what failed may be tried once more. It is for
// what doesn't make the store grow: deletes, acknowledgements, accounts.
func (d *disk) madeRoom(err error) bool {
	if !errors.Is(err, broker.ErrStoreFull) || !d.ballast.giveUp() {
		return false
	}
	d.log.Warn("disk is full: ballast given up", "dir", d.dir, "mib", d.ballast.size>>20)
	return true
}

// madeRoom is the same for a file that is open. The room goes to its write-ahead log first: once that has been moved,
// it starts over in the space which it has.
func (db *database) madeRoom(d *disk, err error) bool {
	if err == nil {
		return false
	}
	db.wal.moving.Lock() // or a move that is under way takes the room and comes to nothing
	made := d.madeRoom(err)
	var failed error
	if made {
		failed = db.wal.move()
	}
	db.wal.moving.Unlock()
	db.wal.tell(failed)
	return made
}
