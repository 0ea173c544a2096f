package editor

import (
	"encoding/json"
	"fmt"
	"net/http"

	"tsunagi/internal/flow"
)

// getSnapshots lists the deploys that are kept, the newest first.
func (s *Server) getSnapshots(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, object{"snapshots": s.project.snaps.all(), "rev": s.project.state.Load().rev})
}

// getSnapshot answers with one deploy and its flows, without credentials.
func (s *Server) getSnapshot(w http.ResponseWriter, r *http.Request) error {
	one, file, err := s.project.snaps.get(r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		snapshot
		Flows json.RawMessage `json:"flows"`
	}{one, file.Flows})
}

// downloadSnapshot answers with the flows of a deploy as a file, as flows.json has them.
func (s *Server) downloadSnapshot(w http.ResponseWriter, r *http.Request) error {
	one, file, err := s.project.snaps.get(r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="flows-%s-%s.json"`, one.Time.Format("20060102-150405"), one.ID))
	return writeRaw(w, pretty(file.Flows))
}

// getSnapshotDiff says how to get from a deploy to another one, that of ?with=, or to what is deployed now.
func (s *Server) getSnapshotDiff(w http.ResponseWriter, r *http.Request) error {
	_, file, err := s.project.snaps.get(r.PathValue("id"))
	if err != nil {
		return err
	}
	from, err := flow.ParseFile(file.Flows)
	if err != nil {
		return err
	}
	to := s.project.state.Load().file
	if with := r.URL.Query().Get("with"); with != "" && with != "current" {
		_, other, err := s.project.snaps.get(with)
		if err != nil {
			return err
		}
		if to, err = flow.ParseFile(other.Flows); err != nil {
			return err
		}
	}
	return writeJSON(w, http.StatusOK, compare(from, to))
}

// putSnapshot names a deploy.
func (s *Server) putSnapshot(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Name string `json:"name"`
	}
	if err := readJSON(w, r, maxForm, &in); err != nil {
		return err
	}
	if err := s.project.snaps.rename(r.PathValue("id"), in.Name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// deleteSnapshot forgets a deploy.
func (s *Server) deleteSnapshot(w http.ResponseWriter, r *http.Request) error {
	if err := s.project.snaps.remove(r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// restoreSnapshot deploys a former deploy again, with its credentials.
func (s *Server) restoreSnapshot(w http.ResponseWriter, r *http.Request) error {
	_, file, err := s.project.snaps.get(r.PathValue("id"))
	if err != nil {
		return err
	}
	d, err := s.project.restore(r.Context(), file)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]string{"rev": d.rev})
}
