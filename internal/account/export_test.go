package account

import (
	"runtime"
	"testing"
	"time"
)

// DeviceHashes is how many slow hashes the directory has computed.
func (d *Directory) DeviceHashes() int64 { return d.devices.done.Load() }

// ForgetFailures begins all limits anew, so that tests that fail often on purpose go on.
func (d *Directory) ForgetFailures() {
	d.tries.mu.Lock()
	clear(d.tries.keys)
	d.tries.mu.Unlock()
	d.addresses.mu.Lock()
	clear(d.addresses.keys)
	d.addresses.mu.Unlock()
}

// RuleSets is how many instances have their rules in memory.
func (d *Directory) RuleSets() (n int) {
	for i := range d.shards {
		d.shards[i].mu.Lock()
		n += len(d.shards[i].sets)
		d.shards[i].mu.Unlock()
	}
	return n
}

// RightsOf makes rights of a user from rules, without a store.
func RightsOf(user string, rules []Rule) *Rights {
	set := &ruleset{now: time.Now, users: map[string]*userState{}}
	set.rules.Store(&rules)
	set.generation.Store(nextGeneration())
	return set.rights(user, false)
}

// SignWeb and OpenWeb are the two ends of a minted token.
func SignWeb(k *Keys, instance, client string) string {
	return k.signWeb(webClaims{Instance: instance, ClientID: client, Session: make([]byte, 32)})
}

func OpenWeb(k *Keys, token string) (instance, client string, ok bool) {
	c, ok := k.openWeb(token)
	return c.Instance, c.ClientID, ok
}

// WatchedRules watches a rule that ends, and tells the generation of its rules.
func WatchedRules(t *testing.T, ends time.Time) func() uint64 {
	set := &ruleset{now: time.Now, users: map[string]*userState{}}
	rules := []Rule{{Filter: "a"}, {Filter: "b", ExpiresAt: ends}}
	set.rules.Store(&rules)
	d := &Directory{o: Options{Now: time.Now}}
	d.watch(set)
	t.Cleanup(func() { runtime.KeepAlive(set) })
	return func() uint64 { return set.generation.Load() }
}

// PeopleHashes is how many slow hashes of people's passwords the service has computed.
func (s *Service) PeopleHashes() int64 { return s.people.done.Load() }
