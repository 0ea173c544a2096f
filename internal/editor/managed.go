package editor

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"tsunagi/internal/flow"
)

// PersonHeader names, on the way to Managed, who acts.
const PersonHeader = "Tsunagi-Person"

// Managed is the door for the platform's panel: snapshots, pushed flows, meter. It asks for no sign-in, since the
// platform has, so it must be given to nobody else. Nodes whose ids are in own belong to this flow server: flows pushed
// from another one don't replace them.
func (s *Server) Managed(own ...string) http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]handler{
		"GET /state":                   s.getManagedState,
		"GET /meter":                   s.getMeter,
		"GET /snapshots":               s.getSnapshots,
		"GET /snapshots/{id}":          s.getSnapshot,
		"GET /snapshots/{id}/diff":     s.getSnapshotDiff,
		"PUT /snapshots/{id}":          s.putSnapshot,
		"POST /snapshots/{id}/restore": s.restoreSnapshot,
		"POST /push":                   func(w http.ResponseWriter, r *http.Request) error { return s.postPush(w, r, own) },
	} {
		mux.HandleFunc(pattern, s.serve(func(w http.ResponseWriter, r *http.Request) error {
			name := r.Header.Get(PersonHeader)
			user := &User{Name: strings.ToValidUTF8(name[:min(len(name), 200)], ""), Scope: "*"}
			return handle(w, r.WithContext(context.WithValue(r.Context(), userContextKey{}, user)))
		}))
	}
	return mux
}

// getManagedState says what is deployed, and what was written to the disk in the last days.
func (s *Server) getManagedState(w http.ResponseWriter, _ *http.Request) error {
	d := s.project.state.Load()
	out := object{"state": s.o.Runtime.State(), "nodes": len(d.file.Nodes), "rev": d.rev}
	if last, ok := s.project.snaps.newest(); ok {
		out["deployed_at"], out["deployed_by"] = last.Time, last.User
	}
	days := s.o.Written.Days()
	list := []object{}
	for _, day := range slices.Backward(slices.Sorted(maps.Keys(days))) {
		sum := int64(0)
		for _, n := range days[day] {
			sum += n
		}
		if list = append(list, object{"day": day, "bytes": sum}); len(list) == 7 {
			break
		}
	}
	out["written"] = list
	return writeJSON(w, http.StatusOK, out)
}

// postPush deploys the flows of another flow server. Credentials don't come with them: nodes of the same id keep those
// that they have here.
func (s *Server) postPush(w http.ResponseWriter, r *http.Request, own []string) error {
	var in struct {
		Flows json.RawMessage `json:"flows"`
	}
	if err := readJSON(w, r, maxFlows, &in); err != nil {
		return err
	}
	pushed, err := parseFlows(in.Flows)
	if err != nil {
		return err
	}
	var list []json.RawMessage
	for _, n := range pushed.Nodes {
		if !slices.Contains(own, n.ID) {
			list = append(list, n.Raw)
		}
	}
	for _, n := range s.project.state.Load().file.Nodes {
		if slices.Contains(own, n.ID) {
			list = append(list, n.Raw)
		}
	}
	file, err := parseFlows(append(append([]byte("["), bytes.Join(asBytes(list), []byte(","))...), ']'))
	if err != nil {
		return err
	}
	d, err := s.project.deploy(r.Context(), file, nil, flow.DeployFull)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]string{"rev": d.rev})
}
