package roster_test

import (
	"fmt"
	"strings"
	"testing"

	"tsunagi/internal/roster"
)

func show(r *roster.Roster) string {
	var b strings.Builder
	for _, u := range r.Users {
		fmt.Fprintf(&b, "%s:%d user %s pw=%q hash=%q %v\n", u.Source, u.Line, u.Name, u.Password, u.Hash, u.Connect)
	}
	for _, n := range r.Rules {
		fmt.Fprintf(&b, "%s:%d rule %q %s %s %s\n", n.Source, n.Line, n.User, n.Effect, n.Access, n.Filter)
	}
	for _, f := range r.Faults.List {
		fmt.Fprintf(&b, "%s:%d fault %s\n", f.Source, f.Line, f.Key)
	}
	for _, f := range r.Notes.List {
		fmt.Fprintf(&b, "%s:%d note %s\n", f.Source, f.Line, f.Key)
	}
	return strings.TrimSpace(b.String())
}

func TestRead(t *testing.T) {
	tests := []struct {
		name string
		in   roster.Files
		want string
	}{
		{"nothing", roster.Files{}, ""},
		{"passwords", roster.Files{Passwords: "# mine\r\n\r\nsensor:$7$101$c2FsdA==$aGFzaA==\r\nbroken\npump:clear\n"},
			"passwords:3 user sensor pw=\"\" hash=\"$7$101$c2FsdA==$aGFzaA==\" true\npasswords:4 fault api.import.password_line\npasswords:5 fault api.import.clear"},
		{"acl", roster.Files{ACL: `topic read public/#
user sensor
topic write sensor/1
topic a b/c
topic deny secret/#
  topic readwrite $SYS/#
topic write $SYS/x
# comment
pattern read %u/in
pattern home/%c/#
user two words
topic read #
user
what is this
`}, `acl:3 rule "sensor" allow publish sensor/1
acl:4 rule "sensor" allow both a b/c
acl:5 rule "sensor" deny both secret/#
acl:6 rule "sensor" allow subscribe $SYS/#
acl:9 rule "" allow subscribe %u/in
acl:10 rule "" allow both home/%c/#
acl:12 rule "two words" allow subscribe #
acl:7 fault api.rule.system
acl:13 fault api.import.acl_line
acl:14 fault api.import.acl_line
acl:1 note api.import.anonymous`},
		{"conf", roster.Files{Conf: "listener 1883\nallow_anonymous true\npassword_file /etc/p\nacl_file /etc/a\nconnection cloud\nplugin x.so\n", Passwords: "a:$6$x$y"},
			"passwords:1 user a pw=\"\" hash=\"$6$x$y\" true\nconf:4 fault api.import.missing\nconf:2 note api.import.anonymous\nconf:5 note api.import.bridge\nconf:6 note api.import.plugin"},
		{"csv", roster.Files{CSV: "\ufeffName,password,connect,rules\nsensor,\"a, b\",no,allow publish s/#; deny both x y\npump\n,,,allow subscribe all/%u\nx,,perhaps\ny,,,nonsense\n\"open"},
			"csv:2 user sensor pw=\"a, b\" hash=\"\" false\ncsv:3 user pump pw=\"\" hash=\"\" true\ncsv:6 user y pw=\"\" hash=\"\" true\n" +
				"csv:2 rule \"sensor\" allow publish s/#\ncsv:2 rule \"sensor\" deny both x y\ncsv:4 rule \"\" allow subscribe all/%u\n" +
				"csv:5 fault api.import.csv_line\ncsv:6 fault api.import.csv_rule\ncsv:7 fault api.import.csv_line"},
		{"cloudmqtt", roster.Files{CloudMQTT: `{"users":[{"username":"a"},{"username":"b","acls":[{"topic":"t","read":true,"write":false}]}],
			"acls":{"items":[{"type":"pattern","username":null,"pattern":"p/%u","read":true,"write":true},{"type":"topic","user":"a","pattern":"x","write":true},
			{"type":"topic","pattern":"y","read":true},{"type":"topic","username":"a","pattern":"none"}]}}`},
			"cloudmqtt:1 user a pw=\"\" hash=\"\" true\ncloudmqtt:2 user b pw=\"\" hash=\"\" true\ncloudmqtt:2 rule \"b\" allow subscribe t\n" +
				"cloudmqtt:1 rule \"\" allow both p/%u\ncloudmqtt:2 rule \"a\" allow publish x\ncloudmqtt:3 fault api.import.no_user\ncloudmqtt:4 note api.import.grants_nothing"},
		{"cloudmqtt, one answer behind the other", roster.Files{CloudMQTT: "[{\"username\":\"a\"},{\"username\":\"b\"}]\n\n[{\"type\":\"topic\",\"username\":\"a\",\"pattern\":\"x/#\",\"read\":true,\"write\":true}]"},
			"cloudmqtt:1 user a pw=\"\" hash=\"\" true\ncloudmqtt:2 user b pw=\"\" hash=\"\" true\ncloudmqtt:1 rule \"a\" allow both x/#"},
		{"cloudmqtt, newer answer of rules, and no users", roster.Files{CloudMQTT: `[] {"items":[{"id":1,"type":"pattern","user":null,"pattern":"%u/#","read":true,"write":false}]}`},
			"cloudmqtt:1 rule \"\" allow subscribe %u/#"},
		{"half an answer of cloudmqtt", roster.Files{CloudMQTT: `[{"username":"a"}] [{"username`}, "cloudmqtt:0 fault api.import.cloudmqtt"},
		{"not cloudmqtt", roster.Files{CloudMQTT: "[1]"}, "cloudmqtt:0 fault api.import.cloudmqtt"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := show(roster.Read(tt.in)); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	r := roster.Read(roster.Files{Passwords: strings.Repeat("a:$6$x$y\n", roster.MaxUsers+300)})
	if len(r.Users) != roster.MaxUsers || r.Faults.Total != 300 || len(r.Faults.List) != roster.MaxSaid {
		t.Errorf("%d users, %d faults, %d said", len(r.Users), r.Faults.Total, len(r.Faults.List))
	}
	r = roster.Read(roster.Files{ACL: "user a\n" + strings.Repeat("topic x\n", roster.MaxRules+1)})
	if len(r.Rules) != roster.MaxRules || r.Faults.Total != 1 {
		t.Errorf("%d rules, %d faults", len(r.Rules), r.Faults.Total)
	}
	r = roster.Read(roster.Files{CSV: strings.Repeat("x", roster.MaxBytes+1)})
	if len(r.Users) != 0 || r.Faults.Total != 1 || r.Faults.List[0].Key != "api.import.size" {
		t.Errorf("too large: %+v", r.Faults)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("user a\ntopic read x\n")
	f.Add("name,password\n\"a\",b\n")
	f.Add(`{"users":[{"username":"a"}],"acls":[{"username":"a","topic":"x","read":true}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		r := roster.Read(roster.Files{Conf: text, Passwords: text, ACL: text, CSV: text, CloudMQTT: text})
		for _, n := range r.Rules {
			if strings.HasPrefix(n.Filter, "$") && n.Access != "subscribe" {
				t.Errorf("a rule about writing %q", n.Filter)
			}
		}
	})
}
