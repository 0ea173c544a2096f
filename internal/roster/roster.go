// Package roster reads users and access rules of other brokers: Mosquitto's files, CloudMQTT's API, CSV. It judges
// nothing that an instance decides (names, limits): what a line says is passed on with the line's number.
package roster

import (
	"strings"
	"time"
)

// Files are the texts to read; an empty one isn't there.
type Files struct {
	Conf      string // mosquitto.conf
	Passwords string // Mosquitto's password file
	ACL       string // Mosquitto's ACL file
	CSV       string // name,password,connect,rules,note,client_id,expires_at
	CloudMQTT string // JSON: users and acls as CloudMQTT's API answers them
}

// Bounds of what is read, in bytes, lines and entries.
const (
	MaxBytes = 4 << 20 // of all files
	MaxUsers = 10_000
	MaxRules = 10_000
	MaxSaid  = 200 // faults and notes that are kept each; the others are counted
)

// Roster is what the files say.
type Roster struct {
	Users  []User
	Rules  []Rule
	Faults Remarks // lines that can't be taken
	Notes  Remarks // what is left out and needs no other line
}

// User is one login. Of Password and Hash at most one is set; with neither a password is to be generated.
type User struct {
	Place
	Name     string
	Password string
	Hash     string // as Mosquitto writes it: $6$…, $7$… or $argon2id$…
	Connect  bool

	Note      string
	ClientID  string    // the one client id that it may connect with; "" for any
	ExpiresAt time.Time // zero: never
}

// Rule is one line of an access list. User "" is for all users, with %u and %c.
type Rule struct {
	Place
	User   string
	Effect string // allow, deny
	Access string // publish, subscribe, both
	Filter string

	QoSBelow  int // of an allow rule: 1 and 2 allow QoS 0, and up to 1; 0 is no limit
	NoRetain  bool
	ExpiresAt time.Time // zero: never
}

// Place is where something stands.
type Place struct {
	Source string // conf, passwords, acl, csv, cloudmqtt
	Line   int    // from 1; with cloudmqtt the number of the entry; 0: the whole
}

// Remark is something to say about a line. The text stands in the catalogue under Key.
type Remark struct {
	Place
	Key  string
	Args []any
}

// Remarks are bounded: Total counts all, List keeps the first.
type Remarks struct {
	List  []Remark
	Total int
}

// Add says something about a place.
func (r *Remarks) Add(p Place, key string, args ...any) {
	r.Total++
	if len(r.List) < MaxSaid {
		r.List = append(r.List, Remark{p, key, args})
	}
}

// Read reads all files.
func Read(f Files) *Roster {
	r := &Roster{}
	if len(f.Conf)+len(f.Passwords)+len(f.ACL)+len(f.CSV)+len(f.CloudMQTT) > MaxBytes {
		r.Faults.Add(Place{}, "api.import.size", "limit", MaxBytes>>20)
		return r
	}
	r.conf(f)
	r.passwords(f.Passwords)
	r.acl(f.ACL)
	r.csv(f.CSV)
	r.cloudMQTT(f.CloudMQTT)
	return r
}

// user takes a user, up to the bound.
func (r *Roster) user(u User) {
	if len(r.Users) == MaxUsers {
		r.Faults.Add(u.Place, "api.import.users", "limit", MaxUsers)
		return
	}
	r.Users = append(r.Users, u)
}

// rule takes a rule, up to the bound. Topics that begin with $ can be read only: what a rule says of writing them is
// left out.
func (r *Roster) rule(n Rule) {
	if strings.HasPrefix(n.Filter, "$") {
		if n.Access == "publish" && n.Effect == "allow" {
			r.Faults.Add(n.Place, "api.rule.system")
			return
		}
		if n.Access == "publish" {
			return // nobody may
		}
		n.Access = "subscribe"
	}
	if len(r.Rules) == MaxRules {
		r.Faults.Add(n.Place, "api.import.rules", "limit", MaxRules)
		return
	}
	r.Rules = append(r.Rules, n)
}

// lines gives the lines of a text without their ends, blank ones and comments left out.
func lines(source, text string, take func(p Place, line string)) {
	n := 0
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		n++
		line = strings.TrimRight(line, "\r")
		if trimmed := strings.TrimSpace(line); trimmed != "" && trimmed[0] != '#' {
			take(Place{source, n}, line)
		}
	}
}
