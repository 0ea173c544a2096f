package account

import (
	"crypto/rand"
	"sync"
	"time"
)

// cache remembers chosen passwords that were found good, by a keyed digest of login, password and the stored hash: a
// changed password is another key. The key is made anew with each process.
type cache struct {
	once sync.Once
	salt [32]byte

	mu   sync.Mutex // guards good
	good map[[32]byte]time.Time
}

const (
	cacheLife = 5 * time.Minute
	cacheMax  = 20_000
)

func (k *cache) key(c Credentials, u User) (out [32]byte) {
	k.once.Do(func() { rand.Read(k.salt[:]) })
	copy(out[:], mac(k.salt[:], []byte(c.Instance), []byte(c.User), []byte(c.Password), u.Secret))
	return out
}

func (k *cache) has(key [32]byte, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	ends, ok := k.good[key]
	return ok && now.Before(ends)
}

func (k *cache) add(key [32]byte, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.good == nil {
		k.good = map[[32]byte]time.Time{}
	}
	if len(k.good) >= cacheMax {
		for old, ends := range k.good {
			if len(k.good) < cacheMax && now.Before(ends) {
				break
			}
			delete(k.good, old)
		}
	}
	k.good[key] = now.Add(cacheLife)
}
