package roster

import "strings"

// conf looks in mosquitto.conf for what concerns users and rules; listeners, logs and storage are no matter of them.
func (r *Roster) conf(f Files) {
	const source = "conf"
	lines(source, f.Conf, func(p Place, line string) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		value = strings.TrimSpace(value)
		switch name {
		case "password_file":
			if f.Passwords == "" {
				r.Faults.Add(p, "api.import.missing", "file", value)
			}
		case "acl_file":
			if f.ACL == "" {
				r.Faults.Add(p, "api.import.missing", "file", value)
			}
		case "allow_anonymous":
			if value == "true" {
				r.Notes.Add(p, "api.import.anonymous")
			}
		case "plugin", "auth_plugin", "global_plugin", "plugin_load", "psk_file":
			r.Notes.Add(p, "api.import.plugin", "name", name)
		case "require_certificate", "use_identity_as_username", "use_subject_as_username":
			if value == "true" {
				r.Notes.Add(p, "api.import.certificate")
			}
		case "clientid_prefixes":
			r.Notes.Add(p, "api.import.prefixes")
		case "connection":
			r.Notes.Add(p, "api.import.bridge", "name", value)
		}
	})
}

// passwords reads lines of "name:hash".
func (r *Roster) passwords(text string) {
	lines("passwords", text, func(p Place, line string) {
		name, hash, ok := strings.Cut(strings.TrimSpace(line), ":")
		switch {
		case !ok || name == "" || hash == "":
			r.Faults.Add(p, "api.import.password_line")
		case !strings.HasPrefix(hash, "$"):
			r.Faults.Add(p, "api.import.clear")
		default:
			r.user(User{Place: p, Name: name, Hash: hash, Connect: true})
		}
	})
}

// aclAccess are Mosquitto's words; "" is what a line without one of them means.
var aclAccess = map[string][2]string{
	"": {"allow", "both"}, "readwrite": {"allow", "both"}, "read": {"allow", "subscribe"}, "write": {"allow", "publish"}, "deny": {"deny", "both"},
}

// acl reads an ACL file: "user <name>", "topic [access] <filter>" about the user above, "pattern [access] <filter>"
// about all users. Topics in front of the first user are for clients without a login.
func (r *Roster) acl(text string) {
	user := ""
	lines("acl", text, func(p Place, line string) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		switch {
		case rest == "":
			r.Faults.Add(p, "api.import.acl_line")
		case word == "user":
			user = rest
		case word == "topic" && user == "":
			r.Notes.Add(p, "api.import.anonymous")
		case word == "topic" || word == "pattern":
			n := aclRule(rest)
			n.Place = p
			if word == "topic" {
				n.User = user
			}
			r.rule(n)
		default:
			r.Faults.Add(p, "api.import.acl_line")
		}
	})
}

// aclRule splits "[access] <filter>"; a filter may hold spaces.
func aclRule(text string) Rule {
	word, filter, _ := strings.Cut(text, " ")
	access, known := aclAccess[word]
	if filter = strings.TrimSpace(filter); !known || filter == "" {
		access, filter = aclAccess[""], text
	}
	return Rule{Effect: access[0], Access: access[1], Filter: filter}
}
