package editor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"tsunagi/internal/flow"
)

// actionTime bounds how long the runtime may take for a button of the editor.
const actionTime = 15 * time.Second

// getState answers whether flows run.
func (s *Server) getState(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"state": s.o.Runtime.State()})
}

// postState starts or stops the flows.
func (s *Server) postState(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	state := form.Get("state")
	if state != "start" && state != "stop" {
		return refusal(http.StatusBadRequest, "invalid_run_state", "Cannot change flows runtime state to '%.40s'}", state)
	}
	ctx, cancel := context.WithTimeout(r.Context(), actionTime)
	defer cancel()
	if err := s.project.enter(ctx); err != nil {
		return err
	}
	defer s.project.leave()
	if err := s.o.Runtime.SetState(ctx, state); err != nil {
		s.log.Error("flows not switched", "state", state, "error", err)
		return refusal(http.StatusBadRequest, "unexpected_error", "The flows did not %s; the log says why.", state)
	}
	return writeJSON(w, http.StatusOK, map[string]string{"state": s.o.Runtime.State()})
}

// postInject presses the button of an inject node.
func (s *Server) postInject(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r, maxBody)
	if err != nil {
		return err
	}
	if body != nil && !json.Valid(body) {
		return refusal(http.StatusBadRequest, "unexpected_error", "Not valid JSON.")
	}
	ctx, cancel := context.WithTimeout(r.Context(), actionTime)
	defer cancel()
	switch err := s.o.Runtime.Inject(ctx, r.PathValue("id"), body); {
	case errors.Is(err, flow.ErrUnknownNode):
		return writeText(w, http.StatusNotFound, "Not Found")
	case err != nil:
		s.log.Warn("inject failed", "node", r.PathValue("id"), "error", err)
		return writeText(w, http.StatusInternalServerError, "Inject failed")
	}
	return writeText(w, http.StatusOK, "OK")
}

// debugStatus is the answer to switching debug nodes: the editor tells on from off by it.
var debugStatus = map[string]int{"enable": http.StatusOK, "disable": http.StatusCreated}

// postDebugNode switches one debug node.
func (s *Server) postDebugNode(w http.ResponseWriter, r *http.Request) error {
	status, ok := debugStatus[r.PathValue("state")]
	if !ok || !s.o.Runtime.SetDebug([]string{r.PathValue("id")}, status == http.StatusOK) {
		return writeText(w, http.StatusNotFound, "Not Found")
	}
	return writeText(w, status, http.StatusText(status))
}

// postDebugNodes switches the debug nodes that a form lists; unknown ones among them are passed over.
func (s *Server) postDebugNodes(w http.ResponseWriter, r *http.Request) error {
	status, ok := debugStatus[r.PathValue("state")]
	if !ok {
		return writeText(w, http.StatusNotFound, "Not Found")
	}
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	ids := append(form["nodes[]"], form["nodes"]...)
	if len(ids) == 0 {
		return writeText(w, http.StatusBadRequest, "Bad Request")
	}
	s.o.Runtime.SetDebug(ids, status == http.StatusOK)
	return writeText(w, status, http.StatusText(status))
}
