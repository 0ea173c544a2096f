package panel

import (
	"net/http"
	"slices"
	"strings"

	"tsunagi/internal/account"
)

// Mounted are the patterns that a panel puts on its mux.
func Mounted(o Options) (patterns []string, err error) {
	made, err := New(o)
	if err != nil {
		return nil, err
	}
	list := &patternList{ServeMux: http.NewServeMux()}
	err = made.mountAll(list)
	slices.Sort(list.patterns)
	return list.patterns, err
}

type patternList struct {
	*http.ServeMux
	patterns []string
}

func (l *patternList) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	l.patterns = append(l.patterns, pattern)
	l.ServeMux.HandleFunc(pattern, f)
}

// Ceremonies is how many routes Inside refuses.
var Ceremonies = len(ceremonies)

// Ceremony says whether Inside refuses a route, "METHOD /path".
func Ceremony(op string) bool {
	method, path, _ := strings.Cut(op, " ")
	return slices.ContainsFunc((&Panel{}).routes(), func(r route) bool {
		return r.pattern == method+" "+strings.TrimPrefix(path, "/api/v1") && ceremonies[r.name] != ""
	})
}

// Level is what the table of routes says of one.
type Level struct {
	Access   string
	Role     account.TeamRole // "" for none
	Thing    account.ThingKind
	NoTokens bool
}

// Levels are those of all routes, by name.
func Levels(o Options) map[string]Level {
	out := map[string]Level{}
	for _, r := range (&Panel{o: o}).routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		out[r.name] = Level{string(r.access), r.access.role(method), thingOf(path), r.access.noTokens()}
	}
	return out
}

// ForgetRates lets everybody ask anew.
func (p *Panel) ForgetRates() {
	p.rates.mu.Lock()
	defer p.rates.mu.Unlock()
	clear(p.rates.keys)
}

// Streams is how many streams are open.
func (p *Panel) Streams() (n int) {
	p.streams.mu.Lock()
	defer p.streams.mu.Unlock()
	for _, one := range p.streams.open {
		n += one
	}
	return n
}
