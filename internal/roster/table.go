package roster

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// heading is the first row of a table that we write.
var heading = []string{"name", "password", "connect", "rules", "note", "client_id", "expires_at"}

// Table writes users and their rules as rows that Read understands. Passwords are not in it.
type Table struct{ w *csv.Writer }

// NewTable writes the heading. Flush tells of failures.
func NewTable(to io.Writer) *Table {
	w := csv.NewWriter(to)
	_ = w.Write(heading)
	return &Table{w}
}

// User writes a row; a user without name stands for all users. Rules say User and Place for nothing here.
func (t *Table) User(u User, rules []Rule) {
	connect := "yes"
	if !u.Connect {
		connect = "no"
	}
	var text strings.Builder
	for n, r := range rules {
		if n > 0 {
			text.WriteString("; ")
		}
		text.WriteString(r.text())
	}
	_ = t.w.Write([]string{guarded(u.Name), "", connect, text.String(), guarded(u.Note), guarded(u.ClientID), moment(u.ExpiresAt)})
}

// Flush hands on what has been written.
func (t *Table) Flush() error {
	t.w.Flush()
	return t.w.Error()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// text is a rule as it stands in a table: "allow publish,qos=1,no-retain,until=2027-01-01T00:00:00Z sensors/#". In the
// filter \; is a semicolon, \\ a backslash and \s a space at its end or beginning.
func (r Rule) text() string {
	w := r.Effect + " " + r.Access
	if r.QoSBelow > 0 {
		w += ",qos=" + strconv.Itoa(r.QoSBelow-1)
	}
	if r.NoRetain {
		w += ",no-retain"
	}
	if !r.ExpiresAt.IsZero() {
		w += ",until=" + moment(r.ExpiresAt)
	}
	filter := strings.NewReplacer(`\`, `\\`, ";", `\;`).Replace(r.Filter)
	inner := strings.TrimSpace(filter)
	before, after, _ := strings.Cut(filter, inner)
	return w + " " + strings.ReplaceAll(before, " ", `\s`) + inner + strings.ReplaceAll(after, " ", `\s`)
}

// ruleTexts parts rules at their semicolons, where no backslash stands before.
func ruleTexts(text string) (list []string) {
	from := 0
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case ';':
			list, from = append(list, text[from:at]), at+1
		}
	}
	return append(list, text[from:])
}

// parseRule reads what text writes.
func parseRule(text string) (r Rule, ok bool) {
	words := strings.SplitN(text, " ", 3)
	if len(words) < 3 {
		return r, false
	}
	options := strings.Split(words[1], ",")
	r.Effect, r.Access = words[0], options[0]
	r.Filter = strings.NewReplacer(`\\`, `\`, `\;`, ";", `\s`, " ").Replace(strings.TrimSpace(words[2]))
	for _, option := range options[1:] {
		name, value, _ := strings.Cut(option, "=")
		switch {
		case name == "qos" && (value == "0" || value == "1"):
			r.QoSBelow = int(value[0]-'0') + 1
		case option == "qos=2":
		case option == "no-retain":
			r.NoRetain = true
		case name == "until":
			if r.ExpiresAt, ok = parseMoment(value); !ok || value == "" {
				return r, false
			}
		default:
			return r, false
		}
	}
	return r, true
}

// parseMoment reads a time in RFC 3339; an empty one is none.
func parseMoment(text string) (t time.Time, ok bool) {
	if text = strings.TrimSpace(text); text == "" {
		return t, true
	}
	t, err := time.Parse(time.RFC3339, text)
	return t, err == nil && t.Year() >= 2000 && t.Year() <= 9999
}

// formulas are the signs that a spreadsheet takes for the beginning of a formula, in the wide form of Japanese ones, too.
const formulas = "=+-@\t\r\n＝＋－＠"

// guarded keeps a spreadsheet from taking a cell for a formula: with an apostrophe before it, which free takes away. What
// begins with apostrophes and such a sign gets one more, so that every text comes back as it was.
func guarded(cell string) string {
	if first, _ := utf8.DecodeRuneInString(strings.TrimLeft(cell, "'")); cell != "" && strings.ContainsRune(formulas, first) {
		return "'" + cell
	}
	return cell
}

// free undoes guarded.
func free(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && guarded(rest) == cell {
		return rest
	}
	return cell
}
