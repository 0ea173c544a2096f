package editor

import (
	_ "embed"
	"net/http"
)

//go:embed assets/logo.svg
var logo []byte

//go:embed assets/login.svg
var loginImage []byte

//go:embed assets/editor.css
var styles []byte

// own are the files that we add to the editor, by path.
var own = map[string]struct {
	kind    string
	content []byte
}{
	"tsunagi/logo.svg":    {"image/svg+xml", logo},
	"tsunagi/login.svg":   {"image/svg+xml", loginImage},
	"tsunagi/editor.css":  {"text/css; charset=utf-8", styles},
	"tsunagi/instance.js": {"text/javascript; charset=utf-8", instanceScript},
	// Tours are switched off, but the changelog in the sidebar asks for this one and would report that it is missing.
	"red/tours/welcome.js": {"text/javascript; charset=utf-8", []byte("export default { version: \"0.0\", steps: [] };\n")},
}

// theme is what the editor shows of ours, also to people who are not signed in.
type theme struct {
	Page struct {
		Title   string `json:"title"`
		Favicon string `json:"favicon"`
		Tabicon struct {
			Icon   string `json:"icon"`
			Colour string `json:"colour"`
		} `json:"tabicon"`
	} `json:"page"`
	Header struct {
		Title string `json:"title"`
		Image string `json:"image"`
	} `json:"header"`
	Asset struct {
		Red          string `json:"red"`
		Main         string `json:"main"`
		VendorMonaco string `json:"vendorMonaco"`
		VendorAce    string `json:"vendorAce"`
	} `json:"asset"`
	Themes []string `json:"themes"`
	Login  struct {
		Image string `json:"image"`
	} `json:"login"`
}

// theme fills in our name and pictures. The title is put into the page as HTML by the editor, so it is escaped here.
func (s *Server) theme() theme {
	var t theme
	t.Page.Title = s.o.Title
	t.Page.Favicon = "tsunagi/logo.svg"
	t.Page.Tabicon.Icon, t.Page.Tabicon.Colour = "tsunagi/logo.svg", "#3567b0"
	t.Header.Title = escapeHTML(s.o.Title)
	t.Header.Image = "tsunagi/logo.svg"
	t.Asset.Red, t.Asset.Main = "red/red.min.js", "red/main.min.js"
	t.Asset.VendorMonaco = "vendor/monaco/monaco-bootstrap.js"
	t.Themes = []string{}
	t.Login.Image = "tsunagi/login.svg"
	return t
}

func (s *Server) getTheme(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, s.theme())
}
