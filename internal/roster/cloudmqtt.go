package roster

import (
	"bytes"
	"encoding/json"
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

// cloudMQTT reads {"users": […], "acls": […]}, each as the API answers it. Passwords can't be asked there: users
// without one get a new one.
func (r *Roster) cloudMQTT(text string) {
	const source = "cloudmqtt"
	if strings.TrimSpace(text) == "" {
		return
	}
	var in struct {
		Users entries[cloudUser]
		ACLs  entries[cloudRule]
	}
	if err := json.Unmarshal([]byte(text), &in); err != nil || in.Users == nil && in.ACLs == nil {
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
