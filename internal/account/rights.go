package account

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

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
	users      map[string]*userState // guarded by the shard's lock; those who logged in

	credentials map[shown]*credential // guarded by the shard's lock; what they showed
}

// userState is shared by all logins of one user.
type userState struct{ revoked atomic.Bool }

// Rights say what one login may do. The answers follow changes of the rules at once; Generation tells that they may
// have changed. Methods neither block nor, but after a change, allocate.
type Rights struct {
	set  *ruleset
	user *userState
	name string
	all  bool   // owns "#": the first user, the web client of the instance's people
	why  string // what all is called in a verdict

	shown  *credential // nil: what the login showed isn't taken back apart from the user
	narrow *narrow     // nil: the user's whole rights

	compiled atomic.Pointer[compiled]
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
	systemRead = Verdict{true, "$SYS can be read"}
)

// MayPublish judges a publish (or will) to topic.
func (r *Rights) MayPublish(name, clientID string) Verdict {
	if r.Revoked() {
		return noLogin
	}
	if strings.HasPrefix(name, "$") {
		return readOnly
	}
	if r.narrow != nil && !lets(r.narrow.publish, name) {
		return outsideToken
	}
	return r.match(r.clauses(clientID).publish, name)
}

// MayReceive judges one delivery; it is the truth behind MaySubscribe.
func (r *Rights) MayReceive(name, clientID string) Verdict {
	if r.Revoked() {
		return noLogin
	}
	if r.narrow != nil && !lets(r.narrow.subscribe, name) {
		return outsideToken
	}
	return r.match(r.clauses(clientID).subscribe, name)
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
		return outsideToken
	}
	for _, c := range r.clauses(clientID).subscribe {
		if topic.Covers(c.filter, f.Filter) {
			return Verdict{c.allow, c.words}
		}
	}
	return r.byDefault(f.Filter)
}

func (r *Rights) match(list []clause, name string) Verdict {
	for i := range list {
		if topic.Match(list[i].filter, name) {
			return Verdict{list[i].allow, list[i].words}
		}
	}
	return r.byDefault(name)
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

// compiled are the rules that speak about one login, ready to be walked from the front.
type compiled struct {
	generation         uint64
	clientID           string
	publish, subscribe []clause
}

// clause is a rule for one direction with %u and %c filled in.
type clause struct {
	filter string
	allow  bool
	words  string
}

func (r *Rights) clauses(clientID string) *compiled {
	generation := r.set.generation.Load() // before the rules: newer rules under an older number are compiled again
	if c := r.compiled.Load(); c != nil && c.generation == generation && c.clientID == clientID {
		return c
	}
	c := compile(*r.set.rules.Load(), r.name, clientID)
	c.generation = generation
	r.compiled.Store(c)
	return c
}

// compile chooses the rules of user and clientID and puts them in order: deny before allow, specific before general.
// So a deny always wins, and the verdict names the rule that says most.
func compile(rules []Rule, user, clientID string) *compiled {
	c := &compiled{clientID: clientID}
	for _, rule := range rules {
		if rule.User != "" && rule.User != user {
			continue
		}
		filter, ok := rule.Filter, true
		if rule.User == "" {
			filter, ok = fill(rule.Filter, user, clientID)
		}
		if !ok {
			continue
		}
		one := clause{filter, rule.Effect == Allow, rule.words()}
		if rule.Access != Subscribe {
			c.publish = append(c.publish, one)
		}
		if rule.Access != Publish {
			c.subscribe = append(c.subscribe, one)
		}
	}
	slices.SortStableFunc(c.publish, before)
	slices.SortStableFunc(c.subscribe, before)
	return c
}

// fill puts user name and client id into a pattern. A value that is empty, holds + # or /, or begins with $ never
// matches, for it would mean more than one level's name.
func fill(pattern, user, clientID string) (string, bool) {
	if !strings.Contains(pattern, "%") {
		return pattern, true
	}
	for name, value := range map[string]string{"%u": user, "%c": clientID} {
		if strings.Contains(pattern, name) && (value == "" || value[0] == '$' || strings.ContainsAny(value, "+#/")) {
			return "", false
		}
	}
	return strings.NewReplacer("%u", user, "%c", clientID).Replace(pattern), true
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
