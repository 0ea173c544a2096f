package conformance

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tsunagi/internal/mqtt"
)

//go:embed statements/*.txt
var statementFiles embed.FS

// Statement is one normative statement of a standard.
type Statement struct {
	ID     string // such as MQTT-3.1.2-1
	Same   string // of 3.1.1: its counterpart in 5.0, whose cases for 3.1.1 are its own, too
	Says   string // in our words
	Reason string // why it has no case; empty: it has one
}

// reasons are written once for the many statements that share them.
var reasons = map[string]string{
	"client":   "a duty of clients, which a test of servers can't break or see",
	"lacks":    "about servers that lack a QoS or retained messages; the cases are for one that has them",
	"exchange": "needs a method of enhanced authentication that both sides know; the refusal of others has cases",
}

// Standards are the versions whose statements have numbers.
var Standards = []mqtt.Version{mqtt.V5, mqtt.V311}

// Statements are those of a standard, in its order.
func Statements(v mqtt.Version) ([]Statement, error) {
	name := "statements/" + VersionName(v) + ".txt"
	text, err := statementFiles.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var out []Statement
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, " | ")
		if len(fields) < 2 || len(fields) > 3 {
			return nil, fmt.Errorf("%s:%d: want NUMBER | what it says | why there is no case", name, i+1)
		}
		s := Statement{Says: fields[1]}
		s.ID, s.Same, _ = strings.Cut(fields[0], " = ")
		if len(fields) == 3 {
			if s.Reason = reasons[fields[2]]; s.Reason == "" {
				s.Reason = fields[2]
			}
		}
		out = append(out, s)
	}
	return out, nil
}

var statementID = regexp.MustCompile(`^(v3\.1\.1 )?(MQTT-[0-9.]+-[0-9]+)$`)

// cited is a statement that a case names: by its number in 5.0, or in 3.1.1.
type cited struct {
	id   string
	v311 bool
}

// cites are the statements that the case is about: those of its name and of its line "covers". Sections, which have no
// statement number, are left out.
func (c *Case) cites() []cited {
	head, _, _ := strings.Cut(c.Name, ": ")
	var out []cited
	for _, word := range slices.Concat(strings.Split(head, ", "), c.covers) {
		if m := statementID.FindStringSubmatch(strings.TrimSpace(word)); m != nil {
			out = append(out, cited{m[2], m[1] != ""})
		}
	}
	return out
}

// about says whether the case is for statement s of standard v.
func (c *Case) about(s *Statement, v mqtt.Version) bool {
	return c.speaks(v) && slices.ContainsFunc(c.cites(), func(x cited) bool {
		if x.v311 {
			return v == mqtt.V311 && x.id == s.ID
		}
		return v == mqtt.V5 && x.id == s.ID || v == mqtt.V311 && x.id == s.Same
	})
}

// refereed says whether the referee judges statement s on every packet.
func (s *Statement) refereed(v mqtt.Version) bool {
	if v == mqtt.V5 {
		return slices.Contains(refereeRules, s.ID)
	}
	return slices.Contains(refereeRules, s.Same) && !slices.Contains(refereeOf5, s.Same)
}
