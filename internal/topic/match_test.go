package topic_test

import (
	"slices"
	"strings"
	"testing"

	"tsunagi/internal/topic"
)

var matchTests = []struct {
	spec, filter, name string
	want               bool
}{
	{"MQTT-4.7.3-4 same bytes", "sport/tennis", "sport/tennis", true},
	{"MQTT-4.7.3-4 no normalisation", "caf\u00e9", "cafe\u0301", false},
	{"MQTT-4.7.3-4 case counts", "ACCOUNTS", "Accounts", false},
	{"4.7.1.2 # takes all below", "sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
	{"4.7.1.2 # takes the parent too", "sport/#", "sport", true},
	{"4.7.1.2 # takes the parent's slash", "sport/#", "sport/", true},
	{"4.7.1.2 # not a neighbour", "sport/#", "sports", false},
	{"4.7.1.2 # alone takes everything", "#", "a/b/c", true},
	{"4.7.1.2 # alone takes a slash", "#", "/", true},
	{"4.7.1.3 + takes one level", "sport/tennis/+", "sport/tennis/player1", true},
	{"4.7.1.3 + takes not two", "sport/tennis/+", "sport/tennis/player1/ranking", false},
	{"4.7.1.3 + needs the slash", "sport/+", "sport", false},
	{"4.7.1.3 + takes an empty level", "sport/+", "sport/", true},
	{"4.7.1.3 + twice", "+/+", "/finance", true},
	{"4.7.1.3 + behind a slash", "/+", "/finance", true},
	{"4.7.1.3 + alone not with a slash", "+", "/finance", false},
	{"4.7.1.3 + in the middle", "+/tennis/#", "sport/tennis", true},
	{"4.7.1.3 + and the parent of #", "+/#", "sport", true},
	{"4.7.1.1 a leading slash is a level", "/finance", "finance", false},
	{"4.7.1.1 a trailing slash is a level", "finance/", "finance", false},
	{"4.7.1.1 empty levels are levels", "a//b", "a//b", true},
	{"4.7.1.1 + between slashes", "a/+/b", "a//b", true},
	{"4.7.3 spaces count", "a b/+", "a b/c d", true},
	{"MQTT-4.7.2-1 # hides $SYS", "#", "$SYS/uptime", false},
	{"MQTT-4.7.2-1 + hides $SYS", "+/monitor/Clients", "$SYS/monitor/Clients", false},
	{"MQTT-4.7.2-1 + hides a lone $", "+", "$", false},
	{"MQTT-4.7.2-1 $SYS/# shows it", "$SYS/#", "$SYS/uptime", true},
	{"MQTT-4.7.2-1 $SYS itself", "$SYS/#", "$SYS", true},
	{"MQTT-4.7.2-1 + behind $SYS", "$SYS/monitor/+", "$SYS/monitor/Clients", true},
	{"MQTT-4.7.2-1 only the first level", "a/+", "a/$b", true},
	{"MQTT-4.7.2-1 only the first level, #", "a/#", "a/$b", true},
}

func TestMatch(t *testing.T) {
	for _, tt := range matchTests {
		t.Run(tt.spec, func(t *testing.T) {
			if got := topic.Match(tt.filter, tt.name); got != tt.want {
				t.Errorf("Match(%q, %q) = %v, want %v", tt.filter, tt.name, got, tt.want)
			}
			if got := oracle(tt.filter, tt.name); got != tt.want {
				t.Errorf("oracle(%q, %q) = %v, want %v", tt.filter, tt.name, got, tt.want)
			}
		})
	}
}

func TestCovers(t *testing.T) {
	tests := []struct {
		spec, filter, other string
		want                bool
	}{
		{"itself", "a/+/#", "a/+/#", true},
		{"# over everything", "#", "a/+/#", true},
		{"# over +", "#", "+", true},
		{"# not over $", "#", "$SYS/#", false},
		{"+ not over $", "+/a", "$SYS/a", false},
		{"$ over $", "$SYS/#", "$SYS/+/x", true},
		{"+/# is #", "+/#", "#", true},
		{"# is +/#", "#", "+/#", true},
		{"+/+/# misses one level", "+/+/#", "#", false},
		{"# over its parent", "a/#", "a", true},
		{"a/+/# misses a", "a/+/#", "a/#", false},
		{"a/+ misses the parent", "a/+", "a/#", false},
		{"a misses a/#", "a", "a/#", false},
		{"+ over a word", "a/+", "a/b", true},
		{"a word not over +", "a/b", "a/+", false},
		{"+ not over #", "+", "#", false},
		{"too short", "a/b", "a/b/c", false},
		{"too long", "a/b/c", "a/b", false},
		{"empty levels", "+/+", "/", true},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			if got := topic.Covers(tt.filter, tt.other); got != tt.want {
				t.Errorf("Covers(%q, %q) = %v, want %v", tt.filter, tt.other, got, tt.want)
			}
		})
	}
}

// TestCoversAgainstAllNames compares Covers with its definition over every short name and filter of a tiny alphabet.
func TestCoversAgainstAllNames(t *testing.T) {
	names := combine([]string{"a", "b", "", "$s"}, 4, func(s string) bool { return topic.ValidName([]byte(s)) })
	filters := combine([]string{"a", "b", "", "$s", "+", "#"}, 3, func(s string) bool {
		_, err := topic.ParseFilter(s)
		return err == nil
	})
	matched := make(map[string][]bool, len(filters))
	for _, f := range filters {
		row := make([]bool, len(names))
		for i, n := range names {
			row[i] = topic.Match(f, n)
		}
		matched[f] = row
	}
	for _, f := range filters {
		for _, other := range filters {
			want := true
			for i := range names {
				want = want && (!matched[other][i] || matched[f][i])
			}
			// "+" also takes words that the alphabet lacks, so a filter of words alone never covers it.
			if got := topic.Covers(f, other); got != want {
				t.Errorf("Covers(%q, %q) = %v, want %v", f, other, got, want)
			}
		}
	}
}

// combine joins up to depth of the words with slashes and keeps what is accepted.
func combine(words []string, depth int, accept func(string) bool) []string {
	var all []string
	row := []string{}
	for d := range depth {
		var next []string
		for _, w := range words {
			if d == 0 {
				next = append(next, w)
			}
			for _, r := range row {
				next = append(next, r+"/"+w)
			}
		}
		row = next
		for _, s := range row {
			if accept(s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// oracle is the matching of names written as plainly as can be.
func oracle(filter, name string) bool {
	if strings.HasPrefix(name, "$") && strings.ContainsAny(filter[:min(1, len(filter))], "+#") {
		return false
	}
	f, n := strings.Split(filter, "/"), strings.Split(name, "/")
	if i := slices.Index(f, "#"); i >= 0 {
		if len(n) < i {
			return false
		}
		f, n = f[:i], n[:i]
	}
	if len(f) != len(n) {
		return false
	}
	for i := range f {
		if f[i] != "+" && f[i] != n[i] {
			return false
		}
	}
	return true
}
