package editor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"tsunagi/internal/flow"
)

// contextKeeper is a Runtime whose flows keep context.
type contextKeeper interface {
	ReadContext(ctx context.Context, q flow.ContextQuery) (json.RawMessage, error)
	DeleteContext(ctx context.Context, q flow.ContextQuery) error
	ContextStores() (all []string, standard string)
}

// contextStores are the stores that context can lie in, and the default one.
func (s *Server) contextStores() (all []string, standard string) {
	if k, ok := s.o.Runtime.(contextKeeper); ok {
		return k.ContextStores()
	}
	return []string{"memory"}, "memory"
}

// contextQuery reads what a request wants to know of which context.
func contextQuery(r *http.Request) flow.ContextQuery {
	q := flow.ContextQuery{Scope: "global", ID: r.PathValue("id"), Key: r.PathValue("key"),
		Store: r.URL.Query().Get("store"), KeysOnly: r.URL.Query().Has("keysOnly")}
	for _, scope := range []string{"flow", "node"} {
		if strings.Contains(r.Pattern, "/context/"+scope+"/") {
			q.Scope = scope
		}
	}
	return q
}

// getContext answers with what flows have stored. A runtime that keeps no context has every scope empty.
func (s *Server) getContext(w http.ResponseWriter, r *http.Request) error {
	if k, ok := s.o.Runtime.(contextKeeper); ok {
		answer, err := k.ReadContext(r.Context(), contextQuery(r))
		if errors.Is(err, flow.ErrUnknownStore) {
			return notFound("Error")
		}
		if err != nil {
			return err
		}
		return writeRaw(w, answer)
	}
	q := contextQuery(r)
	switch {
	case q.Store != "" && q.Store != "memory":
		return notFound("Error")
	case q.KeysOnly:
		return writeJSON(w, http.StatusOK, object{"memory": object{"keys": []object{}}})
	case q.Key != "":
		return writeJSON(w, http.StatusOK, object{"msg": "(undefined)", "format": "undefined"})
	}
	return writeJSON(w, http.StatusOK, object{"memory": object{}})
}

// deleteContext removes a key; one that isn't there is removed already.
func (s *Server) deleteContext(w http.ResponseWriter, r *http.Request) error {
	if k, ok := s.o.Runtime.(contextKeeper); ok {
		err := k.DeleteContext(r.Context(), contextQuery(r))
		if errors.Is(err, flow.ErrUnknownStore) {
			return notFound("Error")
		}
		if err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if q := contextQuery(r); q.Store != "" && q.Store != "memory" {
		return notFound("Error")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
