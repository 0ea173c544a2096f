// Package fault holds the faults of bridges, webhooks and rules that people are told: each has a code, parameters and one
// English sentence.
//
// The sentence is what is stored with dead letters, written to logs and shown by the API; Read finds code and parameters
// in it again, so that pages can say the same in another language, also of what an earlier version has kept. A sentence
// that is changed makes kept ones unknown, which pages show as they are.
package fault

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Code names a fault. "fault."+Code is its text in the catalogue of texts.
type Code string

// Told is a fault as pages need it.
type Told struct {
	Code   Code              `json:"code" doc:"Which fault it is"`
	Args   map[string]string `json:"args,omitempty" doc:"What differs, by name"`
	Detail string            `json:"detail,omitempty" doc:"What the program that saw it says, in its own words"`
}

// coded is an error with a sentence of the table.
type coded struct {
	words string
	shown bool // the cause stands behind the sentence
	cause error
}

func (e *coded) Error() string {
	if e.shown && e.cause != nil {
		return e.words + ": " + e.cause.Error()
	}
	return e.words
}

func (e *coded) Unwrap() error { return e.cause }

// New is an error with a code; args are pairs of a parameter's name and its value.
func New(code Code, args ...any) error { return &coded{words: sentence(code, args)} }

// Wrap is New with a cause, whose words stand behind the sentence as its detail.
func Wrap(code Code, cause error, args ...any) error {
	return &coded{words: sentence(code, args), shown: true, cause: cause}
}

// As is New with a cause that errors.Is finds, and that the sentence says all of.
func As(code Code, cause error, args ...any) error {
	return &coded{words: sentence(code, args), cause: cause}
}

func sentence(code Code, args []any) string {
	s := sentences[code]
	var pairs []string
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, fmt.Sprintf("{%v}", args[i]), fmt.Sprint(args[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(s) // once: what is put in holds no places
}

// Codes are all codes, sorted.
func Codes() []Code {
	all := make([]Code, 0, len(sentences))
	for c := range sentences {
		all = append(all, c)
	}
	slices.Sort(all)
	return all
}

// Places are the names of a code's parameters in the order of its sentence.
func Places(code Code) []string {
	var names []string
	for _, m := range place.FindAllStringSubmatch(sentences[code], -1) {
		names = append(names, m[1])
	}
	return names
}

var place = regexp.MustCompile(`\{(\w+)\}`)

// reader is a sentence to be found again.
type reader struct {
	code   Code
	start  string // up to the first place: most sentences are told apart by it
	whole  *regexp.Regexp
	places []string
}

// readers are made at the first Read, the longest beginnings first: a sentence may begin with another one.
var readers = sync.OnceValue(func() []reader {
	var all []reader
	for _, c := range Codes() {
		s := sentences[c]
		start, _, _ := strings.Cut(s, "{")
		parts := place.Split(s, -1)
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		all = append(all, reader{c, start, regexp.MustCompile(`(?s)^` + strings.Join(parts, `(.+?)`) + `(?:: (.*))?$`), Places(c)})
	}
	slices.SortStableFunc(all, func(a, b reader) int { return len(b.start) - len(a.start) })
	return all
})

// longest is how long words may be that Read looks at, in bytes; longer ones are no sentence of ours.
const longest = 16 << 10

// Read finds what words tell; nil where they are no sentence of this package.
func Read(words string) *Told {
	if words == "" || len(words) > longest {
		return nil
	}
	for _, r := range readers() {
		if !strings.HasPrefix(words, r.start) {
			continue
		}
		found := r.whole.FindStringSubmatch(words)
		if found == nil {
			continue
		}
		t := &Told{Code: r.code, Detail: found[len(found)-1]}
		for i, name := range r.places {
			if t.Args == nil {
				t.Args = map[string]string{}
			}
			t.Args[name] = found[1+i]
		}
		return t
	}
	return nil
}

// Quoted is a text for a place between quotes.
func Quoted(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// Reason is an MQTT reason code for a place, as the standard writes it: 0x87.
func Reason(code byte) string { return fmt.Sprintf("0x%02X", code) }
