package panel

import (
	"net/http"
	"slices"
	"strings"
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
