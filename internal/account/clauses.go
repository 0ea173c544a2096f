package account

import (
	"slices"
	"strings"
	"time"

	"tsunagi/internal/topic"
)

// compiled are the rules that speak about one user, ready to be walked from the front. All logins of the user share
// them: only %c is left open.
type compiled struct {
	generation         uint64
	publish, subscribe []clause
}

// clause is a rule for one direction with %u filled in.
type clause struct {
	front     string // what every name that the filter matches begins with
	below     bool   // the filter is front and "/#": nothing else is to be compared
	filter    string
	words     string
	allow     bool
	qosBelow  byte // 0: any QoS
	noRetain  bool
	perClient bool // the filter holds clientMark
}

// clientMark stands for %c in a clause: no filter, name or client id holds it.
const clientMark = "\x00"

// clauses are one direction's, for one client.
type clauses struct {
	list     []clause
	clientID string
}

// directions are what clauses answers.
type directions struct{ publish, subscribe clauses }

func (r *Rights) clauses(clientID string) directions {
	generation := r.set.generation.Load() // before the rules: newer rules under an older number are compiled again
	c := r.user.compiled.Load()
	if c == nil || c.generation != generation {
		c = compile(*r.set.rules.Load(), r.name, r.set.now())
		c.generation = generation
		r.user.compiled.Store(c)
	}
	return directions{clauses{c.publish, clientID}, clauses{c.subscribe, clientID}}
}

// compile chooses the rules of a user and puts them in order: deny before allow, specific before general. So a deny
// always wins, and the verdict names the rule that says most.
func compile(rules []Rule, user string, now time.Time) *compiled {
	c := &compiled{}
	for _, rule := range rules {
		if rule.User != "" && rule.User != user || over(rule.ExpiresAt, now) {
			continue
		}
		one := clause{filter: rule.Filter, allow: rule.Effect == Allow, qosBelow: byte(rule.QoSBelow), noRetain: rule.NoRetain}
		if rule.User == "" {
			pattern := strings.ReplaceAll(rule.Filter, "%c", clientMark) // first: a user's name may hold %c
			one.perClient = pattern != rule.Filter
			var ok bool
			if one.filter, ok = fill(pattern, "%u", user); !ok {
				continue
			}
		}
		one.words = rule.words()
		one.setFront()
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

// limits says whether a clause doesn't reach a message for its QoS or its retain flag.
func (c *clause) limits(qos byte, retain bool) bool {
	return c.qosBelow > 0 && qos >= c.qosBelow || c.noRetain && retain
}

// fill puts a user name or client id into a pattern in place of mark.
func fill(pattern, mark, value string) (string, bool) {
	if !strings.Contains(pattern, mark) {
		return pattern, true
	}
	if !fillable(value) {
		return "", false
	}
	return strings.ReplaceAll(pattern, mark, value), true
}

// fillable says whether a value may stand in a pattern. One that is empty, holds + # or /, or begins with $ never
// matches, for it would mean more than one level's name.
func fillable(value string) bool {
	return value != "" && value[0] != '$' && !strings.ContainsAny(value, "+#/")
}

// filled is the clause's filter for a client.
func (c *clause) filled(clientID string) (string, bool) {
	if !c.perClient {
		return c.filter, true
	}
	return fill(c.filter, clientMark, clientID)
}

// setFront finds the literal front of the filter. Most clauses can be told by it not to match.
func (c *clause) setFront() {
	i := strings.IndexAny(c.filter, "+#"+clientMark)
	switch {
	case i < 0:
		i = len(c.filter)
	case i > 0 && c.filter[i] == '#':
		i-- // "a/#" matches "a", too (4.7.1.2)
	}
	c.front = c.filter[:i]
	c.below = i > 0 && c.filter[i:] == "/#"
}

// beginsOtherwise says of most clauses that don't match a name that they don't, without a call.
func (c *clause) beginsOtherwise(name string) bool {
	return c.front != "" && (len(name) < len(c.front) || name[0] != c.front[0])
}

// matches says whether the clause speaks about a topic name. It is topic.Match with %c read as the client id, and
// doesn't allocate.
func (c *clause) matches(name, clientID string) bool {
	if !strings.HasPrefix(name, c.front) {
		return false
	}
	if c.below {
		return len(name) == len(c.front) || name[len(c.front)] == '/'
	}
	if !c.perClient {
		return topic.Match(c.filter, name)
	}
	if !fillable(clientID) || name != "" && name[0] == '$' && (c.filter[0] == '+' || c.filter[0] == '#') {
		return false
	}
	for filter := c.filter; ; {
		f, fRest, fMore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		n, nRest, nMore := strings.Cut(name, "/")
		if f != "+" && !levelMatches(f, n, clientID) {
			return false
		}
		if !nMore {
			return !fMore || fRest == "#"
		}
		if !fMore {
			return false
		}
		filter, name = fRest, nRest
	}
}

// levelMatches compares one level of a pattern with one of a name.
func levelMatches(pattern, level, clientID string) bool {
	for {
		literal, rest, more := strings.Cut(pattern, clientMark)
		if !more {
			return literal == level
		}
		var ok bool
		if level, ok = strings.CutPrefix(level, literal); !ok {
			return false
		}
		if level, ok = strings.CutPrefix(level, clientID); !ok {
			return false
		}
		pattern = rest
	}
}
