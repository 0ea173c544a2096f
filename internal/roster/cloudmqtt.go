package roster

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
)

// cloudUser and cloudRule are entries of CloudMQTT's GET /api/user and GET /api/acl.
type cloudUser struct {
	Username string
	Password string
	ACLs     []cloudRule
}

type cloudRule struct {
	Type     string
	Username *string
	User     *string // as Username, in the form with items
	Pattern  string
	Topic    string
	Read     bool
	Write    bool
}

// entries is a list, or an object with the list as items.
type entries[T any] []T

func (e *entries[T]) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		return json.Unmarshal(raw, (*[]T)(e))
	}
	var in struct{ Items []T }
	err := json.Unmarshal(raw, &in)
	*e = in.Items
	return err
}

// cloudAnswers are the two answers in one object.
type cloudAnswers struct {
	Users entries[cloudUser]
	ACLs  entries[cloudRule]
}

// readCloud reads {"users": […], "acls": […]}, or the answers as they are, one behind the other: where one can copy and
// paste, but hardly write JSON. A list is one of rules if its first entry has a filter.
func readCloud(text string) (all cloudAnswers, ok bool) {
	for in := json.NewDecoder(strings.NewReader(text)); ; {
		var raw json.RawMessage
		switch err := in.Decode(&raw); {
		case err == io.EOF:
			return all, ok
		case err != nil:
			return all, false
		}
		var both cloudAnswers
		if raw[0] == '{' && json.Unmarshal(raw, &both) == nil && (both.Users != nil || both.ACLs != nil) {
			all.Users, all.ACLs, ok = append(all.Users, both.Users...), append(all.ACLs, both.ACLs...), true
			continue
		}
		var kinds entries[struct {
			Username       *string
			Pattern, Topic *string
		}]
		if err := json.Unmarshal(raw, &kinds); err != nil || kinds == nil {
			return all, false
		}
		var err error
		switch {
		case len(kinds) == 0:
		case kinds[0].Pattern != nil || kinds[0].Topic != nil:
			var rules entries[cloudRule]
			err = json.Unmarshal(raw, &rules)
			all.ACLs = append(all.ACLs, rules...)
		case kinds[0].Username != nil:
			var users entries[cloudUser]
			err = json.Unmarshal(raw, &users)
			all.Users = append(all.Users, users...)
		default:
			return all, false
		}
		if err != nil {
			return all, false
		}
		ok = true
	}
}

// cloudMQTT reads what the API answers. Passwords can't be asked there: users without one get a new one.
func (r *Roster) cloudMQTT(text string) {
	const source = "cloudmqtt"
	if strings.TrimSpace(text) == "" {
		return
	}
	in, ok := readCloud(text)
	if !ok {
		r.Faults.Add(Place{Source: source}, "api.import.cloudmqtt")
		return
	}
	for i, u := range in.Users {
		p := Place{source, i + 1}
		r.user(User{Place: p, Name: u.Username, Password: u.Password, Connect: true})
		for _, rule := range u.ACLs {
			rule.Username = &u.Username
			r.cloudRule(p, rule)
		}
	}
	for i, rule := range in.ACLs {
		r.cloudRule(Place{source, i + 1}, rule)
	}
}

func (r *Roster) cloudRule(p Place, in cloudRule) {
	n := Rule{Place: p, Effect: "allow", Filter: in.Pattern}
	if n.Filter == "" {
		n.Filter = in.Topic
	}
	if in.Username == nil {
		in.Username = in.User
	}
	if in.Username != nil && in.Type != "pattern" {
		n.User = *in.Username
	}
	switch {
	case n.User == "" && in.Type == "topic":
		r.Faults.Add(p, "api.import.no_user")
		return
	case in.Read && in.Write:
		n.Access = "both"
	case in.Read:
		n.Access = "subscribe"
	case in.Write:
		n.Access = "publish"
	default:
		r.Notes.Add(p, "api.import.grants_nothing", "filter", n.Filter)
		return
	}
	r.rule(n)
}
