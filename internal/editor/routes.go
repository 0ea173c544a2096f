package editor

import (
	"net/http"
	"strings"
)

// open marks a route that needs no permission: plain tags of the page ask for it, which carry no token.
const open = ""

// routes are all the calls of the editor. The third column is the permission that a call needs.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, route := range []struct {
		pattern, permission string
		handle              handler
	}{
		{"GET /{$}", open, s.getIndex},
		{"GET /theme", open, s.getTheme},
		{"GET /locales/{namespace...}", open, s.getLocale},
		{"GET /icons/{module}/{icon}", open, s.getIcon},
		{"GET /icons/{scope}/{module}/{icon}", open, s.getIcon},
		{"GET /resources/", open, func(http.ResponseWriter, *http.Request) error { return notFound("Not Found") }},
		{"GET /debug/view/{file...}", open, s.getDebugView},
		{"GET /auth/login", open, s.getLogin},
		{"POST /auth/token", open, s.postToken},
		{"POST /auth/revoke", open, s.postRevoke},
		{"GET /welcome", open, s.getWelcome},
		{"POST /welcome", open, s.postWelcome},
		{"GET /tsunagi/about", open, s.getAbout},
		{"GET /comms", open, s.getComms}, // the socket has its own sign-in
		{"GET /", open, s.getStatic},

		{"GET /settings", "settings.read", s.getSettings},
		{"GET /settings/user", "settings.read", s.getUserSettings},
		{"POST /settings/user", "settings.write", s.postUserSettings},
		{"GET /plugins", "plugins.read", s.getPlugins},
		{"GET /plugins/messages", "plugins.read", s.getNodeMessages},
		{"GET /nodes", "nodes.read", s.getNodes},
		{"GET /nodes/messages", "nodes.read", s.getNodeMessages},
		{"GET /nodes/{module}", "nodes.read", s.getModule},
		{"GET /nodes/{module}/{set}", "nodes.read", s.getNodeSet},
		{"GET /nodes/{module}/{set}/messages", "nodes.read", s.getNodeMessages},
		{"POST /nodes", "nodes.write", s.refusePalette},
		{"PUT /nodes/", "nodes.write", s.refusePalette},
		{"DELETE /nodes/", "nodes.write", s.refusePalette},
		{"GET /icons", "nodes.read", s.getIcons},

		{"GET /flows", "flows.read", s.getFlows},
		{"POST /flows", "flows.write", s.postFlows},
		{"GET /flows/state", "flows.read", s.getState},
		{"POST /flows/state", "flows.write", s.postState},
		{"POST /flow", "flows.write", s.postFlow},
		{"GET /flow/{id}", "flows.read", s.getFlow},
		{"PUT /flow/{id}", "flows.write", s.putFlow},
		{"DELETE /flow/{id}", "flows.write", s.deleteFlow},
		{"GET /credentials/{type}/{id}", "credentials.read", s.getCredentials},
		{"POST /inject/{id}", "inject.write", s.postInject},
		{"POST /debug/{state}", "debug.write", s.postDebugNodes},
		{"POST /debug/{id}/{state}", "debug.write", s.postDebugNode},

		{"GET /context/global", "context.read", s.getContext},
		{"GET /context/global/{key...}", "context.read", s.getContext},
		{"GET /context/flow/{id}", "context.read", s.getContext},
		{"GET /context/flow/{id}/{key...}", "context.read", s.getContext},
		{"GET /context/node/{id}", "context.read", s.getContext},
		{"GET /context/node/{id}/{key...}", "context.read", s.getContext},
		{"DELETE /context/global/{key...}", "context.write", s.deleteContext},
		{"DELETE /context/flow/{id}/{key...}", "context.write", s.deleteContext},
		{"DELETE /context/node/{id}/{key...}", "context.write", s.deleteContext},
		{"GET /library/{library}/{type}", "library.read", s.getLibrary},
		{"GET /library/{library}/{type}/{path...}", "library.read", s.getLibrary},
		{"POST /library/{library}/{type}/{path...}", "library.write", s.postLibrary},
		{"GET /tsunagi/snapshots", "flows.read", s.getSnapshots},
		{"GET /tsunagi/snapshots/{id}", "flows.read", s.getSnapshot},
		{"GET /tsunagi/snapshots/{id}/download", "flows.read", s.downloadSnapshot},
		{"GET /tsunagi/snapshots/{id}/diff", "flows.read", s.getSnapshotDiff},
		{"PUT /tsunagi/snapshots/{id}", "flows.write", s.putSnapshot},
		{"DELETE /tsunagi/snapshots/{id}", "flows.write", s.deleteSnapshot},
		{"POST /tsunagi/snapshots/{id}/restore", "flows.write", s.restoreSnapshot},
		{"GET /tsunagi/instances", "flows.read", s.getInstances},
		{"POST /tsunagi/instances", "flows.write", s.postInstance},
		{"GET /tsunagi/meter", "flows.read", s.getMeter},
		{"GET /tsunagi/writes", "settings.read", s.getWrites},
		{"GET /diagnostics", "diagnostics.read", s.getDiagnostics},
		{"GET /udp-ports/{id}", "udp-ports.read", func(w http.ResponseWriter, _ *http.Request) error { return writeRaw(w, []byte("[]")) }},
	} {
		mux.HandleFunc(route.pattern, s.serve(s.permit(route.permission, route.handle)))
	}
	return s.guard(mux)
}

// foreign tells whether a request is none of the editor's, but perhaps that of a page of the flows. As in Node-RED the
// editor comes first.
func (s *Server) foreign(mux *http.ServeMux, r *http.Request) bool {
	if s.o.Pages == nil || r.URL.Path == "" {
		return false
	}
	switch _, pattern := mux.Handler(r); pattern {
	case "":
		return true
	case "GET /":
		return !s.hasStatic(strings.TrimPrefix(r.URL.Path, "/"))
	}
	return false
}
