package editor

import (
	"bytes"
	"encoding/json"
	"net/http"

	"tsunagi/internal/flow"
)

// apiVersion reads the header that says which form of flows a client wants: v1 (default) or v2.
func apiVersion(r *http.Request) (string, error) {
	switch v := r.Header.Get("Node-RED-API-Version"); v {
	case "", "v1":
		return "v1", nil
	case "v2":
		return v, nil
	}
	return "", refusal(http.StatusBadRequest, "invalid_api_version", "Invalid API Version requested")
}

// getFlows answers with the stored flows: v1 a bare array, v2 an object with the revision.
func (s *Server) getFlows(w http.ResponseWriter, r *http.Request) error {
	version, err := apiVersion(r)
	if err != nil {
		return err
	}
	d := s.project.state.Load()
	if version == "v1" {
		return writeRaw(w, d.json)
	}
	var b bytes.Buffer
	b.Grow(len(d.json) + 100)
	b.WriteString(`{"flows":`)
	b.Write(d.json)
	b.WriteString(`,"rev":"` + d.rev + `"}`)
	return writeRaw(w, b.Bytes())
}

// deployTypes are the values of the header Node-RED-Deployment-Type.
var deployTypes = map[string]flow.DeployType{
	"": flow.DeployFull, "full": flow.DeployFull, "flows": flow.DeployFlows, "nodes": flow.DeployNodes, "reload": flow.DeployReload,
}

// postFlows deploys. Version 1 takes a bare array and answers 204, version 2 takes {"flows","rev"} and answers {"rev"}.
func (s *Server) postFlows(w http.ResponseWriter, r *http.Request) error {
	version, err := apiVersion(r)
	if err != nil {
		return err
	}
	t, ok := deployTypes[r.Header.Get("Node-RED-Deployment-Type")]
	if !ok {
		return refusal(http.StatusBadRequest, "unexpected_error", "The deployment type must be full, flows, nodes or reload.")
	}
	if t == flow.DeployReload {
		d, err := s.project.reload(r.Context())
		if err != nil {
			return err
		}
		return deployAnswer(w, version, d)
	}
	body, err := readBody(w, r, maxFlows)
	if err != nil {
		return err
	}
	flows, rev := json.RawMessage(body), (*string)(nil)
	if version == "v2" {
		var in struct {
			Flows json.RawMessage `json:"flows"`
			Rev   *string         `json:"rev"`
		}
		if err := json.Unmarshal(body, &in); err != nil {
			return badJSON(err)
		}
		flows, rev = in.Flows, in.Rev
	}
	file, err := parseFlows(flows)
	if err != nil {
		return err
	}
	d, err := s.project.deploy(r.Context(), file, rev, t)
	if err != nil {
		return err
	}
	return deployAnswer(w, version, d)
}

// deployAnswer tells the new revision to who understands it.
func deployAnswer(w http.ResponseWriter, version string, d *deployed) error {
	if version == "v1" {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return writeJSON(w, http.StatusOK, map[string]string{"rev": d.rev})
}

// parseFlows reads the array of a deploy.
func parseFlows(text []byte) (*flow.File, error) {
	if text = bytes.TrimSpace(text); len(text) == 0 || text[0] != '[' {
		return nil, refusal(http.StatusBadRequest, "unexpected_error", "The flows must be an array of nodes.")
	}
	file, err := flow.ParseFile(text)
	if err != nil {
		return nil, refusal(http.StatusBadRequest, "unexpected_error", "%s", err)
	}
	return file, nil
}
