package account

import (
	"sync"
	"sync/atomic"
)

// loginRows keeps what logins have read of instances and users until anything in the accounts changes, so that a storm
// of clients that come back does not ask the store for each. Only what exists is kept.
type loginRows struct {
	version atomic.Uint64 // raised after each change that is committed

	mu   sync.RWMutex
	of   uint64 // guarded by mu: the version that all rows belong to
	rows map[loginKey]loginRow
}

type loginKey struct{ instance, user string }

type loginRow struct {
	instance Instance
	user     User
}

// loginRowsMax bounds the rows; full, it starts over.
const loginRowsMax = 10_000

// forget is called between the commit of a change and Directory.apply, which takes back what was let in before.
func (k *loginRows) forget() { k.version.Add(1) }

// get is a row that is as new as the last change, and the version to give to put when there is none.
func (k *loginRows) get(instance, user string) (row loginRow, ok bool, version uint64) {
	version = k.version.Load()
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.of == version {
		row, ok = k.rows[loginKey{instance, user}]
	}
	return row, ok, version
}

// put keeps what was read after version.
func (k *loginRows) put(row loginRow, version uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if version < k.of {
		return
	}
	if version > k.of || k.rows == nil || len(k.rows) >= loginRowsMax {
		k.of, k.rows = version, make(map[loginKey]loginRow)
	}
	k.rows[loginKey{row.user.Instance, row.user.Name}] = row
}
