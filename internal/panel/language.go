package panel

import (
	"net/http"
	"strconv"
	"strings"
)

// language is the language of an answer: the account's, else the best of Accept-Language, else the server's own.
func (p *Panel) language(r *http.Request, chosen string) string {
	if p.speaks(chosen) {
		return chosen
	}
	best, quality := p.o.Language, 0.0
	for i, wish := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		if i == 20 { // nobody speaks more
			break
		}
		name, weight, _ := strings.Cut(wish, ";")
		name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), "-")
		q := 1.0
		if w, ok := strings.CutPrefix(strings.TrimSpace(weight), "q="); ok {
			q, _ = strconv.ParseFloat(w, 64) // what is no number is not wanted
		}
		if p.speaks(name) && q > quality {
			best, quality = name, q
		}
	}
	return best
}

func (p *Panel) speaks(language string) bool {
	for _, l := range p.o.Languages {
		if l == language {
			return true
		}
	}
	return false
}
