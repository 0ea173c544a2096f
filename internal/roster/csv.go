package roster

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

// csv reads rows of name, password, connect, rules, note, client_id, expires_at, of which the last may be missing; a first
// row that begins with "name" is a heading. An empty password asks for a generated one, connect is yes unless it says no,
// and rules are parted by semicolons: "allow publish sensors/#; deny both secret". With an empty name the rules are for
// all users. Table writes the same.
func (r *Roster) csv(text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	in.FieldsPerRecord, in.TrimLeadingSpace, in.ReuseRecord = -1, true, true
	for first := true; ; first = false {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			r.Faults.Add(Place{"csv", wrong.StartLine}, "api.import.csv_line") // behind it nothing can be told apart
			return
		}
		line, _ := in.FieldPos(0)
		if first && strings.EqualFold(strings.TrimSpace(row[0]), "name") {
			continue
		}
		r.row(Place{"csv", line}, append(append([]string(nil), row...), make([]string, 6)...)[:max(7, len(row))])
	}
}

func (r *Roster) row(p Place, row []string) {
	name := free(strings.TrimSpace(row[0]))
	connect, ok := yes(row[2])
	expires, known := parseMoment(row[6])
	if len(row) > 7 || !ok || !known {
		r.Faults.Add(p, "api.import.csv_line")
		return
	}
	if name != "" {
		u := User{Place: p, Name: name, Connect: connect, Note: free(row[4]), ClientID: free(row[5]), ExpiresAt: expires}
		if strings.HasPrefix(row[1], "$6$") || strings.HasPrefix(row[1], "$7$") || strings.HasPrefix(row[1], "$argon2id$") {
			u.Hash = row[1]
		} else {
			u.Password = row[1]
		}
		r.user(u)
	}
	for _, text := range ruleTexts(row[3]) {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		rule, ok := parseRule(text)
		if !ok {
			r.Faults.Add(p, "api.import.csv_rule")
			continue
		}
		rule.Place, rule.User = p, name
		r.rule(rule)
	}
}

// yes reads a field that says yes or no; an empty one says yes.
func yes(text string) (yes, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "yes", "true", "1":
		return true, true
	case "no", "false", "0":
		return false, true
	}
	return false, false
}
