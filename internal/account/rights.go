package account

import (
	"cmp"
	"strings"
	"sync/atomic"
	"time"

	"tsunagi/internal/topic"
)

// Verdict is an answer with its reason.
type Verdict struct {
	Allowed bool
	Rule    string // the rule that decided, in words
}

// ruleset is what all logins of one instance share.
type ruleset struct {
	generation atomic.Uint64
	gone       atomic.Bool            // the instance was deleted
	rules      atomic.Pointer[[]Rule] // the slice is never changed
	methods    atomic.Pointer[methods]
	expiry     expiry
	now        func() time.Time
	users      map[string]*userState // guarded by the shard's lock; those who logged in

	credentials map[shown]*credential // guarded by the shard's lock; what they showed
}

// userState is shared by all logins of one user.
type userState struct {
	revoked  atomic.Bool
	compiled atomic.Pointer[compiled]
	last     *Rights // of the last login with the user's whole rights; guarded by the shard's lock
}

// Rights say what one login may do. The answers follow changes of the rules at once; Generation tells that they may
// have changed. Methods neither block nor, but after a change, allocate.
type Rights struct {
	set  *ruleset
	user *userState
	name string
	all  bool   // owns "#": the first user, the web client of the instance's people
	why  string // what all is called in a verdict

	looks bool // receives only: the web client of a viewer

	shown  *credential // nil: what the login showed isn't taken back apart from the user
	narrow *narrow     // nil: the user's whole rights
}

// rights makes the rights of a user. The caller has the shard's lock.
func (s *ruleset) rights(name string, first bool) *Rights {
	u := s.users[name]
	if u == nil {
		u = &userState{}
		s.users[name] = u
	}
	return &Rights{set: s, user: u, name: name, all: first, why: "the first user owns #"}
}

// sharedRights are rights of a user for a login that showed something and has all of them. Logins of one user that
// showed the same share them: they are never changed. The caller has the shard's lock.
func (s *ruleset) sharedRights(name string, first bool, what shown) *Rights {
	c := s.credential(what)
	if u := s.users[name]; u != nil && u.last != nil && u.last.all == first && u.last.shown == c {
		return u.last
	}
	r := s.rights(name, first)
	r.shown, r.user.last = c, r
	return r
}

// Generation is raised after any change that the answers come from.
func (r *Rights) Generation() uint64 { return r.set.generation.Load() }

// Revoked says that this login holds no more: user deleted, may not connect, another password, instance deleted,
// person signed out, certificate or key taken back. All answers are no, then; the connection is to be ended.
func (r *Rights) Revoked() bool {
	return r.user.revoked.Load() || r.set.gone.Load() || r.shown != nil && r.shown.revoked.Load()
}

// credential is what all logins share that showed the same. The caller has the shard's lock.
func (s *ruleset) credential(what shown) *credential {
	c := s.credentials[what]
	if c == nil {
		c = &credential{}
		s.credentials[what] = c
	}
	return c
}

// The verdicts that no rule gives.
var (
	noRule     = Verdict{false, "no rule"}
	noLogin    = Verdict{false, "the login holds no more"}
	readOnly   = Verdict{false, "topics that begin with $ are read-only"}
	onlyLooks  = Verdict{false, "viewers of a team don't publish: ask an owner of the team for another role"}
	systemRead = Verdict{true, "$SYS can be read"}
)

// MayPublish judges a publish (or will) to topic.
func (r *Rights) MayPublish(name, clientID string, qos byte, retain bool) Verdict {
	if r.Revoked() {
		return noLogin
	}
	if strings.HasPrefix(name, "$") {
		return readOnly
	}
	if r.looks {
		return onlyLooks
	}
	if r.narrow != nil && !lets(r.narrow.publish, name) {
		return r.narrow.no
	}
	return r.match(r.clauses(clientID).publish, name, qos, retain)
}

// MayReceive judges one delivery; it is the truth behind MaySubscribe.
func (r *Rights) MayReceive(name, clientID string) Verdict {
	if r.Revoked() {
		return noLogin
	}
	if r.narrow != nil && !lets(r.narrow.subscribe, name) {
		return r.narrow.no
	}
	return r.match(r.clauses(clientID).subscribe, name, 0, false)
}

// MaySubscribe judges a subscription; $share/<group>/ is removed before. It is allowed where one allow rule covers
// the whole filter and no deny rule does; what a deny rule takes out of its middle is judged at each delivery.
func (r *Rights) MaySubscribe(filter, clientID string) Verdict {
	if r.Revoked() {
		return noLogin
	}
	f, err := topic.ParseFilter(filter)
	if err != nil {
		return Verdict{false, "not a valid filter"}
	}
	if r.narrow != nil && !covers(r.narrow.subscribe, f.Filter) {
		return r.narrow.no
	}
	for _, c := range r.clauses(clientID).subscribe.list {
		if filter, ok := c.filled(clientID); ok && topic.Covers(filter, f.Filter) {
			return Verdict{c.allow, c.words}
		}
	}
	return r.byDefault(f.Filter)
}

// GrantQoS is the QoS that a subscription which is allowed gets, at most the one that was asked for.
func (r *Rights) GrantQoS(filter, clientID string, qos byte) byte {
	most := byte(0) // 1 above the highest that a limited rule grants
	for _, c := range r.clauses(clientID).subscribe.list {
		filled, ok := c.filled(clientID)
		if !ok || !c.allow || !topic.Covers(filled, filter) {
			continue
		}
		if c.qosBelow == 0 {
			return qos
		}
		most = max(most, c.qosBelow)
	}
	if most == 0 || r.byDefault(filter).Allowed {
		return qos
	}
	return min(qos, most-1)
}

func (r *Rights) match(c clauses, name string, qos byte, retain bool) Verdict {
	limited := ""
	for i := range c.list {
		one := &c.list[i]
		if one.beginsOtherwise(name) || !one.matches(name, c.clientID) {
			continue
		}
		if one.limits(qos, retain) {
			limited = one.words // another rule may go further
			continue
		}
		return Verdict{one.allow, one.words}
	}
	if v := r.byDefault(name); v.Allowed || limited == "" {
		return v
	}
	return Verdict{false, limited}
}

// byDefault is the answer where no rule speaks. "#" doesn't reach topics that begin with $ [MQTT-4.7.2-1].
func (r *Rights) byDefault(name string) Verdict {
	switch {
	case !r.all:
		return noRule
	case !strings.HasPrefix(name, "$"):
		return Verdict{true, r.why}
	case strings.HasPrefix(name, "$SYS/"):
		return systemRead
	default:
		return noRule
	}
}

// before is the order of clauses: deny first; then level by level a word is more specific than the end of the filter,
// that more than "+", and that more than "#". A filter that another covers comes before it.
func before(a, b clause) int {
	if a.allow != b.allow {
		if b.allow {
			return -1
		}
		return 1
	}
	as, bs := strings.Split(a.filter, "/"), strings.Split(b.filter, "/")
	for i := range max(len(as), len(bs)) {
		if c := cmp.Compare(width(as, i), width(bs, i)); c != 0 {
			return c
		}
	}
	return 0
}

// width says how much a level lets through.
func width(levels []string, i int) int {
	switch {
	case i >= len(levels):
		return 1
	case levels[i] == "+":
		return 2
	case levels[i] == "#":
		return 3
	default:
		return 0
	}
}
