// Package notice makes the small pages that stand where an editor can't: what is the matter, and the way to the panel. A
// caller that wants no page gets a line of text.
package notice

import (
	"bytes"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
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

var explanation = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{{if .Reload}}<meta http-equiv="refresh" content="{{.Reload}}">
{{end}}<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } code { overflow-wrap: anywhere; }
a { color: inherit; }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
<p>{{.Words}}</p>
{{with .Cause}}<p>{{$.CauseLabel}}: <code>{{.}}</code></p>
{{end}}{{with .Panel}}<p><a href="{{.}}">{{$.PanelLabel}}</a></p>
{{end}}</body>
</html>
`))

// Write answers with a page, or with its title where no page is wanted.
func (all Texts) Write(w http.ResponseWriter, r *http.Request, p Page, log *slog.Logger) {
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
	var b bytes.Buffer
	err := explanation.Execute(&b, struct {
		Text
		Language, Cause, CauseLabel, Panel, PanelLabel string
		Reload                                         int
	}{text, language, p.Cause, labels[language].Cause, p.Panel, labels[language].Panel, p.Reload})
	if err != nil {
		log.Error("page can't be made", "error", err)
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(p.Status)
	_, _ = w.Write(b.Bytes())
}
