// Package backup is the form of a backup: one tar file with everything of a data directory that can't be made again.
//
//	backup.json    the form's version, the program's version and the time
//	data/…         accounts.db, messages.db and history/, each file as of one moment; secret.key, ca/ and flows/ as they were
//	SHA256SUMS     the checksum of every file above, as `sha256sum -c` reads it
//
// Any tar can unpack it, but only Restore checks it first. It holds the key file and the authority's private key, so it
// is as secret as the data directory itself.
package backup

import "time"

const (
	headName = "backup.json"
	sumsName = "SHA256SUMS"
	root     = "data/"
	format   = 1

	// Unfinished stands in a data directory while files are put into it; such a directory must not be opened.
	Unfinished = ".restoring"

	maxHead = 64 << 10 // bytes of backup.json
	maxSums = 64 << 20 // bytes of SHA256SUMS: some 700,000 files
)

// Head says what a backup is.
type Head struct {
	Format  int       `json:"format"`
	Program string    `json:"program"` // version of the program that made it
	Made    time.Time `json:"made"`
}

// copied are the names in a data directory whose content changes all the time: a backup takes copies of them.
var copied = []string{"accounts.db", "messages.db", "history"}

// kept are the names in a data directory that a backup takes, besides those. Everything else is made again:
// lock, socket, ballast, and mail that was written to files.
var kept = []string{"secret.key", "ca", "flows"}
