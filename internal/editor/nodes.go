package editor

import (
	"net/http"
	"strconv"
	"strings"
)

// wantsList tells the list of nodes from their HTML: the whole Accept header decides.
func wantsList(r *http.Request) bool { return r.Header.Get("Accept") == "application/json" }

// getNodes answers with the list of node sets, or with the HTML of their dialogs.
func (s *Server) getNodes(w http.ResponseWriter, r *http.Request) error {
	w.Header().Add("Vary", "Accept, Accept-Language")
	switch {
	case s.nodes == nil && wantsList(r):
		return writeRaw(w, []byte("[]"))
	case s.nodes == nil:
		return writeHTML(w, "")
	case wantsList(r):
		return writeJSON(w, http.StatusOK, s.nodes.sets)
	}
	page, err := s.nodes.page(acceptedLanguage(r))
	if err != nil {
		return err
	}
	return serveBlob(w, r, "text/html; charset=utf-8", page)
}

// getNodeSet answers with one set, in the same two forms.
func (s *Server) getNodeSet(w http.ResponseWriter, r *http.Request) error {
	w.Header().Add("Vary", "Accept, Accept-Language")
	if s.nodes == nil {
		return notFound("Node not found")
	}
	set := s.nodes.find(r.PathValue("module") + "/" + r.PathValue("set"))
	if set == nil {
		return notFound("Node not found")
	}
	if wantsList(r) {
		return writeJSON(w, http.StatusOK, set)
	}
	text, err := s.nodes.setPage(set, s.nodes.known(acceptedLanguage(r)))
	if err != nil {
		return err
	}
	return writeHTML(w, text)
}

// getModule answers with a module and its sets.
func (s *Server) getModule(w http.ResponseWriter, r *http.Request) error {
	if s.nodes == nil || r.PathValue("module") != coreModule {
		return notFound("Module not found")
	}
	return writeJSON(w, http.StatusOK, object{"name": coreModule, "version": s.o.Assets.Version, "nodes": s.nodes.sets})
}

// getNodeMessages answers with the texts of sets that aren't Node-RED's own: there are none.
func (s *Server) getNodeMessages(w http.ResponseWriter, _ *http.Request) error {
	return writeRaw(w, []byte("{}"))
}

// refusePalette answers the palette manager, which is switched off.
func (s *Server) refusePalette(http.ResponseWriter, *http.Request) error {
	return refusal(http.StatusBadRequest, "not_allowed", "Nodes can't be installed here.")
}

// getPlugins answers with no plugins, in both forms.
func (s *Server) getPlugins(w http.ResponseWriter, r *http.Request) error {
	w.Header().Add("Vary", "Accept")
	if wantsList(r) {
		return writeRaw(w, []byte("[]"))
	}
	return writeHTML(w, "")
}

func writeHTML(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(text))
	return nil
}

// acceptedLanguage is the language that a request likes best, English when it can't be one.
func acceptedLanguage(r *http.Request) string {
	best, weight := fallbackLanguage, 0.0
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		w := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(q), "q="); ok {
			w, _ = strconv.ParseFloat(v, 64) // what isn't a number weighs nothing
		}
		if tag = strings.TrimSpace(tag); tag != "" && w > weight {
			best, weight = tag, w
		}
	}
	if !languageTag.MatchString(best) {
		return fallbackLanguage
	}
	return best
}
