package editor

import (
	"bytes"
	"html/template"
	"net/http"
)

// simplePageData is what a page of our own shows.
type simplePageData struct {
	Title string
	Text  []string
}

// simplePage is a page without scripts for what can't be said inside the editor.
var simplePage = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
{{range .Text}}<p>{{.}}</p>
{{end}}</body>
</html>
`))

// showPage answers with a page of our own.
func (s *Server) showPage(w http.ResponseWriter, status int, title string, text ...string) {
	var page bytes.Buffer
	if err := simplePage.Execute(&page, simplePageData{title, text}); err != nil {
		s.log.Error("page can't be made", "error", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(page.Bytes())
}
