package editor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"tsunagi/web/editor/packfile"
)

// indexPage is the template of the page.
type indexPage struct {
	template string
	version  string // 12 hex digits
}

func readIndex(assets *packfile.Pack) (*indexPage, error) {
	f := assets.Lookup(indexFile)
	if f == nil {
		return nil, fmt.Errorf("editor archive: %s is missing", indexFile)
	}
	text, err := f.Content()
	sum := sha256.Sum256(slices.Concat([]byte(assets.Digest), logo, loginImage, styles, instanceScript))
	return &indexPage{string(text), hex.EncodeToString(sum[:6])}, err
}

var (
	sectionTag  = regexp.MustCompile(`\{\{#\s*([\w.]+)\s*\}\}\n?`)
	rawTag      = regexp.MustCompile(`\{\{\{\s*([\w.]+)\s*\}\}\}`)
	variableTag = regexp.MustCompile(`\{\{\s*([\w.]+)\s*\}\}`)
)

// render fills in the template: {{x}} escaped, {{{x}}} as it is, {{#x}}…{{/x}} once for each value of x, or not at all.
// Sections don't lie in each other.
func (p *indexPage) render(values map[string][]string) []byte {
	var out strings.Builder
	rest := p.template
	for {
		at := sectionTag.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		name := rest[at[2]:at[3]]
		end := regexp.MustCompile(`\{\{/\s*` + regexp.QuoteMeta(name) + `\s*\}\}\n?`).FindStringIndex(rest[at[1]:])
		if end == nil {
			break
		}
		out.WriteString(fill(rest[:at[0]], values, ""))
		for _, value := range values[name] {
			if value != "" {
				out.WriteString(fill(rest[at[1]:at[1]+end[0]], values, value))
			}
		}
		rest = rest[at[1]+end[1]:]
	}
	out.WriteString(fill(rest, values, ""))
	return []byte(out.String())
}

// fill replaces the variables of text; "." is item.
func fill(text string, values map[string][]string, item string) string {
	value := func(name string) string {
		if name == "." {
			return item
		}
		if v := values[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	text = rawTag.ReplaceAllStringFunc(text, func(tag string) string { return value(rawTag.FindStringSubmatch(tag)[1]) })
	return variableTag.ReplaceAllStringFunc(text, func(tag string) string {
		return escapeHTML(value(variableTag.FindStringSubmatch(tag)[1]))
	})
}

// getIndex serves the page. Its address must end in a slash, for everything in it is relative.
func (s *Server) getIndex(w http.ResponseWriter, r *http.Request) error {
	if login, ok := s.ownLogin(r); ok && login.OwnerCode() != "" {
		w.Header().Set("Location", "./welcome")
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	if s.o.Assets == nil {
		return s.noAssets(w)
	}
	message := ""
	if failedBefore(w, r) {
		message = `["The sign-in was not completed: its link had been used or was too old. Please sign in again."]`
	}
	t := s.theme()
	page := s.index.render(map[string][]string{
		"page.title":          {t.Page.Title},
		"page.favicon":        {t.Page.Favicon},
		"page.tabicon.icon":   {t.Page.Tabicon.Icon},
		"page.tabicon.colour": {t.Page.Tabicon.Colour},
		"page.css":            {"tsunagi/editor.css?v=" + s.cacheBuster()},
		"page.scripts":        s.scripts(),
		"asset.red":           {t.Asset.Red},
		"asset.main":          {t.Asset.Main},
		"asset.vendorMonaco":  {t.Asset.VendorMonaco},
		"asset.vendorAce":     {t.Asset.VendorAce},
		"cacheBuster":         {s.cacheBuster()},
		"sessionMessages":     {message},
	})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(page)
	return nil
}

// scripts are our own additions to the page.
func (s *Server) scripts() []string {
	if s.o.Instances == nil {
		return nil
	}
	return []string{"tsunagi/instance.js?v=" + s.cacheBuster()}
}

// cacheBuster changes with the files of the editor and with our own, and with nothing else.
func (s *Server) cacheBuster() string { return s.index.version }

// noAssets explains why there is no editor to see. The API works all the same.
func (s *Server) noAssets(w http.ResponseWriter) error {
	s.showPage(w, http.StatusNotFound, s.o.Title+": no editor in this build",
		"This program was built without the pages of the editor (build tag no_ui). The flows run all the same, and the admin API answers.",
		"For the editor, build with “make build”, which needs Node.js and npm, or take a release.")
	return nil
}
