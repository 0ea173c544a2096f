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
	Links map[string]string // text to address
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
{{end}}{{range $text, $to := .Links}}<p><a href="{{$to}}">{{$text}}</a></p>
{{end}}</body>
</html>
`))

// showPage answers with a page of our own.
func (s *Server) showPage(w http.ResponseWriter, status int, title string, text ...string) {
	s.show(w, status, simplePageData{Title: title, Text: text})
}

func (s *Server) show(w http.ResponseWriter, status int, data simplePageData) {
	var page bytes.Buffer
	if err := simplePage.Execute(&page, data); err != nil {
		s.log.Error("page can't be made", "error", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(page.Bytes())
}

// getAbout says what this is and whose work it carries.
func (s *Server) getAbout(w http.ResponseWriter, _ *http.Request) error {
	s.show(w, http.StatusOK, simplePageData{
		Title: s.o.Title,
		Text: []string{"Flow server " + s.o.Release + ", with the editor of Node-RED " + Version + ".",
			"It runs flows made for Node-RED. It is not Node-RED, and not endorsed by the OpenJS Foundation.",
			"The editor is the work of the OpenJS Foundation and other contributors, under the Apache License 2.0."},
		Links: map[string]string{"Licences of the works inside the editor": "notices.txt", "Node-RED's documentation": "https://nodered.org/docs/"},
	})
	return nil
}
