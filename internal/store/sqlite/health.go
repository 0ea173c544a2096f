package sqlite

import "os"

// Health is how the store is, for the operator's pages and metrics.
type Health struct {
	Level     Level // of the disk's space
	FreeBytes int64 // that we may still write
	DiskBytes int64 // all of the disk
	// ReserveBytes are kept free: below them messages are refused.
	ReserveBytes int64
	Ballast      bool // the ballast file is there
	Messages     FileHealth
	Accounts     FileHealth
}

// FileHealth is how one file is.
type FileHealth struct {
	Bytes    int64 // of the file
	WALBytes int64 // of its write-ahead log
	Failed   error // why nothing can be written any more until the process starts again; nil: all is well
}

// Health measures.
func (s *Store) Health() (Health, error) {
	level, free, total, err := s.disk.level()
	return Health{
		Level: level, FreeBytes: free, DiskBytes: total, ReserveBytes: s.disk.critical, Ballast: s.disk.ballast.there(),
		Messages: s.Messages.db.health(), Accounts: s.Accounts.db.health(),
	}, err
}

func (db *database) health() FileHealth {
	db.mu.Lock()
	failed := db.failed
	db.mu.Unlock()
	return FileHealth{Bytes: sizeOf(db.path), WALBytes: sizeOf(db.path + "-wal"), Failed: failed}
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
