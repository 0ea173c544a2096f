package editor

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"tsunagi/web/editor/packfile"
)

// fallbackLanguage is the one that every catalogue exists in.
const fallbackLanguage = "en-US"

// languageTag is what a language may look like.
var languageTag = regexp.MustCompile(`^[0-9a-zA-Z=*-]{1,35}$`)

// catalogueFiles are the namespaces and where their files lie, %s standing for the language.
var catalogueFiles = map[string]string{
	"editor":   "editor-client/locales/%s/editor.json",
	"jsonata":  "editor-client/locales/%s/jsonata.json",
	"infotips": "editor-client/locales/%s/infotips.json",
	"node-red": "nodes/locales/%s/messages.json",
}

// locales makes the catalogues of texts. It keeps each that was asked for: namespaces times languages at most.
type locales struct {
	assets *packfile.Pack
	mu     sync.Mutex
	ready  map[string]*blob // by path of the file
}

func newLocales(assets *packfile.Pack) *locales {
	return &locales{assets: assets, ready: map[string]*blob{}}
}

// getLocale answers with the texts of one namespace; an unknown language or namespace is an empty object.
func (s *Server) getLocale(w http.ResponseWriter, r *http.Request) error {
	language := r.URL.Query().Get("lng")
	if language == "" {
		language = fallbackLanguage
	}
	if s.locales == nil {
		return writeRaw(w, []byte("{}"))
	}
	b, err := s.locales.get(strings.TrimSuffix(r.PathValue("namespace"), ".json"), language)
	if err != nil {
		return err
	}
	if b == nil {
		return writeRaw(w, []byte("{}"))
	}
	return serveBlob(w, r, "application/json; charset=utf-8", b)
}

// get returns a catalogue, nil when there is none in this language nor in its base.
func (l *locales) get(namespace, language string) (*blob, error) {
	pattern, ok := catalogueFiles[namespace]
	if !ok || !languageTag.MatchString(language) {
		return nil, nil
	}
	path := strings.Replace(pattern, "%s", language, 1)
	if base, _, cut := strings.Cut(language, "-"); cut && l.assets.Lookup(path) == nil {
		path = strings.Replace(pattern, "%s", base, 1)
	}
	if l.assets.Lookup(path) == nil {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.ready[path]; ok {
		return b, nil
	}
	texts, err := l.read(path)
	if err != nil {
		return nil, err
	}
	if full := strings.Replace(pattern, "%s", fallbackLanguage, 1); full != path {
		rest, err := l.read(full)
		if err != nil {
			return nil, err
		}
		complete(texts, rest)
	}
	text, err := json.Marshal(texts)
	if err != nil {
		return nil, err
	}
	l.ready[path] = newBlob(text)
	return l.ready[path], nil
}

// read decodes one file and brings its plural forms into the shape that the browser's library wants.
func (l *locales) read(path string) (object, error) {
	text, err := l.assets.Lookup(path).Content()
	if err != nil {
		return nil, err
	}
	var texts object
	if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &texts); err != nil {
		return nil, err
	}
	renamePlurals(texts)
	return texts, nil
}

// renamePlurals turns keys x_plural into x_other at every depth. An x_other that is there already wins.
func renamePlurals(texts object) {
	for key, value := range texts {
		if below, ok := value.(object); ok {
			renamePlurals(below)
			continue
		}
		if stem, ok := strings.CutSuffix(key, "_plural"); ok {
			delete(texts, key)
			if _, there := texts[stem+"_other"]; !there {
				texts[stem+"_other"] = value
			}
		}
	}
}

// complete fills in what a catalogue lacks; an empty text counts as lacking.
func complete(texts, from object) {
	for key, value := range from {
		there, ok := texts[key]
		if !ok || there == "" || there == nil {
			texts[key] = value
			continue
		}
		below, isObject := value.(object)
		if have, ok := there.(object); ok && isObject {
			complete(have, below)
		}
	}
}
