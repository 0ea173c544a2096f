package editor

import (
	"net/http"
	"slices"
	"strings"

	"tsunagi/web/editor/packfile"
)

// defaultIcon is shown for an icon that nobody has.
const defaultIcon = publicDir + "red/images/icons/arrow-in.svg"

// listIcons are the names of Node-RED's node icons; of x.svg and x.png only the first is listed.
func listIcons(assets *packfile.Pack) []string {
	names := []string{}
	for f := range assets.Under(iconsDir) {
		names = append(names, strings.TrimPrefix(f.Path, iconsDir))
	}
	return slices.DeleteFunc(names, func(name string) bool {
		stem, isPNG := strings.CutSuffix(name, ".png")
		return isPNG && assets.Lookup(iconsDir+stem+".svg") != nil
	})
}

// getIcons answers with the names of all icons by module.
func (s *Server) getIcons(w http.ResponseWriter, _ *http.Request) error {
	if s.nodes == nil {
		return writeRaw(w, []byte("{}"))
	}
	return writeJSON(w, http.StatusOK, s.nodes.icons)
}

// getIcon serves an icon, of whatever module: Node-RED's of that name, else the default one.
func (s *Server) getIcon(w http.ResponseWriter, r *http.Request) error {
	if s.o.Assets == nil {
		return notFound("Not Found")
	}
	f := s.o.Assets.Lookup(iconsDir + r.PathValue("icon"))
	if f == nil {
		f = s.o.Assets.Lookup(defaultIcon)
	}
	return serveFile(w, r, f)
}

// getDebugView serves the files of the debug node's own window.
func (s *Server) getDebugView(w http.ResponseWriter, r *http.Request) error {
	if s.o.Assets == nil {
		return notFound("Not Found")
	}
	return serveFile(w, r, s.o.Assets.Lookup(debugViewDir+r.PathValue("file")))
}
