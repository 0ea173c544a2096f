package editor

import "net/http"

// contextStores are the stores that context can lie in.
var contextStores = []string{"memory"}

// getContext answers with what flows have stored. The runtime keeps no context yet, so every scope is empty.
func (s *Server) getContext(w http.ResponseWriter, r *http.Request) error {
	store := r.URL.Query().Get("store")
	if store != "" && store != contextStores[0] {
		return notFound("Error")
	}
	keysOnly := r.URL.Query().Has("keysOnly")
	if r.PathValue("key") != "" && !keysOnly {
		return writeJSON(w, http.StatusOK, object{"msg": "(undefined)", "format": "undefined"})
	}
	out := object{}
	for _, name := range contextStores {
		if keysOnly {
			out[name] = object{"keys": []object{}}
		} else {
			out[name] = object{}
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

// deleteContext removes a key; one that isn't there is removed already.
func (s *Server) deleteContext(w http.ResponseWriter, r *http.Request) error {
	if store := r.URL.Query().Get("store"); store != "" && store != contextStores[0] {
		return notFound("Error")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
