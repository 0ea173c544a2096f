package bench

import (
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A write that must be safe is, at its least, a page appended to a file and a sync.
const (
	syncedPage  = 4096 // bytes
	syncedPages = 300
)

// fsyncTime is the median time of appending a page to a file in dir and syncing it, in microseconds.
func fsyncTime(dir string) (float64, error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	page := make([]byte, syncedPage)
	took := make([]time.Duration, syncedPages)
	for i := range took {
		begun := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took[i] = time.Since(begun)
	}
	slices.Sort(took)
	return float64(took[len(took)/2].Nanoseconds()) / 1000, nil
}
