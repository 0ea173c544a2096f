// Package notice makes the small pages that stand where an editor can't: what is the matter, and the way to the panel. A
// caller that wants no page gets a line of text.
package notice

import (
	"net/http"
	"strconv"
	"strings"

	"tsunagi/internal/markup"
)

// Text is what a page says in one language.
type Text struct{ Title, Words string }

// Texts are pages by language ("en", "ja") and by name.
type Texts map[string]map[string]Text

// Page is one answer.
type Page struct {
	Status int
	Name   string // which of the texts
	Cause  string // shown below the text; "": nothing
	Panel  string // address of the panel; "": no link
	Reload int    // seconds after which the page looks again; 0: it doesn't
}

var labels = map[string]struct{ Cause, Panel string }{
	"en": {"Cause", "Open the panel"},
	"ja": {"原因", "コントロールパネルを開く"},
}

const explanation = `<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{{reload}}<title>{{title}}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } code { overflow-wrap: anywhere; }
a { color: inherit; }
</style>
</head>
<body>
<h1>{{title}}</h1>
<p>{{words}}</p>
{{cause}}{{panel}}</body>
</html>
`

// Write answers with a page, or with its title where no page is wanted.
func (all Texts) Write(w http.ResponseWriter, r *http.Request, p Page) {
	language := "en"
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), "ja") {
		language = "ja"
	}
	text := all[language][p.Name]
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	if p.Reload > 0 {
		h.Set("Retry-After", strconv.Itoa(p.Reload))
	}
	if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept"), "text/html") || r.Header.Get("X-Requested-With") != "" {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(p.Status)
		_, _ = w.Write([]byte(text.Title)) // the peer may be gone
		return
	}
	page := markup.Fill(explanation, markup.Values{
		"language": language, "title": text.Title, "words": text.Words,
		"reload": markup.When(p.Reload > 0, "<meta http-equiv=\"refresh\" content=\"{{seconds}}\">\n", markup.Values{"seconds": strconv.Itoa(p.Reload)}),
		"cause":  markup.When(p.Cause != "", "<p>{{label}}: <code>{{cause}}</code></p>\n", markup.Values{"label": labels[language].Cause, "cause": p.Cause}),
		"panel":  markup.When(p.Panel != "", "<p><a href=\"{{panel}}\">{{label}}</a></p>\n", markup.Values{"panel": p.Panel, "label": labels[language].Panel}),
	})
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(p.Status)
	_, _ = w.Write([]byte(page))
}
