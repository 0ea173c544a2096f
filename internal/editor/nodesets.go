package editor

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"

	"tsunagi/web/editor/packfile"
)

// coreModule is the module that all sets of Node-RED belong to.
const coreModule = "node-red"

// nodeSet is one file of node dialogs, as the list of nodes shows it.
type nodeSet struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Types   []string `json:"types"`
	Enabled bool     `json:"enabled"`
	Local   bool     `json:"local"`
	User    bool     `json:"user"`
	Module  string   `json:"module"`
	Version string   `json:"version"`

	category, file string
	main           string            // the file without its help
	help           map[string]string // help inside the file, by language
}

// catalogue holds the node sets that the editor offers.
type catalogue struct {
	assets *packfile.Pack
	sets   []*nodeSet
	icons  map[string][]string

	mu   sync.Mutex
	html map[string]*blob // by language that has help texts of its own
}

// alwaysOn are the sets that the editor can't do without, whether or not the runtime has their types.
var alwaysOn = map[string]bool{
	"unknown": true, "junction": true, "comment": true, "global-config": true, "link": true, "debug": true, "inject": true,
}

// readCatalogue parses the sets of the archive and keeps those whose types all can run.
func readCatalogue(assets *packfile.Pack, can func(nodeType string) bool) (*catalogue, error) {
	c := &catalogue{assets: assets, html: map[string]*blob{}, icons: map[string][]string{coreModule: listIcons(assets)}}
	for f := range assets.Under(coreDir) {
		category, file := path.Split(strings.TrimPrefix(f.Path, coreDir))
		if strings.Count(category, "/") != 1 || path.Ext(file) != ".html" {
			continue
		}
		text, err := f.Content()
		if err != nil {
			return nil, err
		}
		set := parseSet(strings.TrimSuffix(category, "/"), file, string(text))
		if alwaysOn[set.Name] || all(set.Types, can) {
			set.Version = assets.Version
			c.sets = append(c.sets, set)
		}
	}
	if len(c.sets) == 0 {
		return nil, fmt.Errorf("editor archive: no nodes below %s", coreDir)
	}
	return c, nil
}

func all(types []string, can func(string) bool) bool {
	for _, t := range types {
		if !can(t) {
			return false
		}
	}
	return true
}

var (
	number       = regexp.MustCompile(`^\d+-`)
	templateName = regexp.MustCompile(`(?i)<script (?:[^>]*)data-template-name\s*=\s*['"]([^'"]*)['"]`)
	helpBlock    = regexp.MustCompile(`(?is)<script[^>]* data-help-name=.*?</script>`)
	helpLanguage = regexp.MustCompile(`(?i)^<script[^>]* data-lang\s*=\s*['"](.+?)['"]`)
)

// parseSet reads one HTML file of dialogs: which types it has, and which help.
func parseSet(category, file, text string) *nodeSet {
	name := number.ReplaceAllString(strings.TrimSuffix(file, ".html"), "")
	set := &nodeSet{ID: coreModule + "/" + name, Name: name, Types: []string{}, Enabled: true, Module: coreModule,
		category: category, file: file, help: map[string]string{}}
	for _, m := range templateName.FindAllStringSubmatch(text, -1) {
		set.Types = append(set.Types, m[1])
	}
	if name == "junction" {
		set.Types = []string{"junction"} // it has no dialog to tell
	}
	set.main = helpBlock.ReplaceAllStringFunc(text, func(block string) string {
		language := fallbackLanguage
		if m := helpLanguage.FindStringSubmatch(block); m != nil {
			language = m[1]
		}
		set.help[language] += block
		return ""
	})
	return set
}

// find returns the set with this id, or nil.
func (c *catalogue) find(id string) *nodeSet {
	for _, set := range c.sets {
		if set.ID == id {
			return set
		}
	}
	return nil
}

// helpFor returns the help of a set in a language: what the file has inside, else a file of its own, each in the
// language, then in its base, then in English.
func (c *catalogue) helpFor(set *nodeSet, language string) (string, error) {
	base, _, _ := strings.Cut(language, "-")
	for _, l := range []string{language, base, fallbackLanguage} {
		if help, ok := set.help[l]; ok {
			return help, nil
		}
		f := c.assets.Lookup("nodes/locales/" + l + "/" + set.category + "/" + set.file)
		if f == nil {
			continue
		}
		text, err := f.Content()
		return string(text), err
	}
	return "", nil
}

// page returns the HTML of all sets in a language.
func (c *catalogue) page(language string) (*blob, error) {
	language = c.known(language)
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, ok := c.html[language]; ok {
		return b, nil
	}
	var out strings.Builder
	for _, set := range c.sets {
		text, err := c.setPage(set, language)
		if err != nil {
			return nil, err
		}
		out.WriteString("\n" + text)
	}
	c.html[language] = newBlob([]byte(out.String()))
	return c.html[language], nil
}

// setPage is the HTML of one set: the mark by which the browser cuts, the dialogs, the help.
func (c *catalogue) setPage(set *nodeSet, language string) (string, error) {
	help, err := c.helpFor(set, language)
	return "<!-- --- [red-module:" + set.ID + "] --- -->\n" + set.main + help, err
}

// known returns the language if there are texts in it, else its base, else English, so that no more pages are kept
// than there are languages.
func (c *catalogue) known(language string) string {
	base, _, _ := strings.Cut(language, "-")
	for _, l := range []string{language, base} {
		if c.assets.Lookup("nodes/locales/"+l+"/messages.json") != nil {
			return l
		}
	}
	return fallbackLanguage
}
