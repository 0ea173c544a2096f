package panel

import (
	"net/http"
	"slices"
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
