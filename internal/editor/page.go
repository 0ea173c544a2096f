package editor

import (
	"net/http"

	"tsunagi/internal/markup"
)

// simplePageData is what a page of our own shows.
type simplePageData struct {
	Title string
	Text  []string
	Links []pageLink
}

type pageLink struct{ Text, To string }

// simplePage is a page without scripts for what can't be said inside the editor.
const simplePage = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{title}}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
</style>
</head>
<body>
<h1>{{title}}</h1>
{{text}}{{links}}</body>
</html>
`

// showPage answers with a page of our own.
func (s *Server) showPage(w http.ResponseWriter, status int, title string, text ...string) {
	s.show(w, status, simplePageData{Title: title, Text: text})
}

func (s *Server) show(w http.ResponseWriter, status int, data simplePageData) {
	page := markup.Fill(simplePage, markup.Values{
		"title": data.Title,
		"text":  markup.Each(data.Text, "<p>{{text}}</p>\n", func(text string) markup.Values { return markup.Values{"text": text} }),
		"links": markup.Each(data.Links, "<p><a href=\"{{to}}\">{{text}}</a></p>\n", func(l pageLink) markup.Values {
			return markup.Values{"to": l.To, "text": l.Text}
		}),
	})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(page))
}

// getAbout says what this is and whose work it carries.
func (s *Server) getAbout(w http.ResponseWriter, _ *http.Request) error {
	s.show(w, http.StatusOK, simplePageData{
		Title: s.o.Title,
		Text: []string{"Flow server " + s.o.Release + ", with the editor of Node-RED " + Version + ".",
			"It runs flows made for Node-RED. It is not Node-RED, and not endorsed by the OpenJS Foundation.",
			"The editor is the work of the OpenJS Foundation and other contributors, under the Apache License 2.0."},
		Links: []pageLink{{"Licences of the works inside the editor", "notices.txt"}, {"Node-RED's documentation", "https://nodered.org/docs/"}},
	})
	return nil
}
