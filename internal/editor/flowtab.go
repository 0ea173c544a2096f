package editor

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"

	"tsunagi/internal/flow"
)

// tab is one flow as the admin API's "flow" calls carry it. Fields stay as they were received.
type tab struct {
	ID          string            `json:"id"`
	Label       json.RawMessage   `json:"label,omitempty"`
	Disabled    json.RawMessage   `json:"disabled,omitempty"`
	Info        json.RawMessage   `json:"info,omitempty"`
	Env         json.RawMessage   `json:"env,omitempty"`
	Nodes       []json.RawMessage `json:"nodes,omitzero"`
	Configs     []json.RawMessage `json:"configs,omitempty"`
	Subflows    []json.RawMessage `json:"subflows,omitempty"`
	Credentials json.RawMessage   `json:"credentials,omitempty"`
}

// globalTab is the id under which nodes that belong to no tab are read.
const globalTab = "global"

// getFlow answers with one tab and what it holds, or with the global config nodes and subflows.
func (s *Server) getFlow(w http.ResponseWriter, r *http.Request) error {
	out, err := readTab(s.project.state.Load().file, r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}

// readTab gathers one tab of a file.
func readTab(file *flow.File, id string) (*tab, error) {
	out := &tab{ID: id}
	z := "" // of what belongs to no tab
	if id != globalTab {
		if !tabIDs(file)[id] {
			return nil, notFound("Error")
		}
		z, out.Nodes = id, []json.RawMessage{}
	}
	for _, n := range file.Nodes {
		switch {
		case n.ID == id && n.Type == "tab":
			if err := json.Unmarshal(n.Raw, out); err != nil {
				return nil, err
			}
		case n.Type == "subflow" && id == globalTab:
			nodes, configs := inside(file, n.ID)
			out.Subflows = append(out.Subflows, setList(setList(n.Raw, "nodes", nodes), "configs", configs))
		case n.Z != z || n.Type == "tab" || n.Type == "subflow":
		case isConfig(n):
			out.Configs = append(out.Configs, n.Raw)
		case id != globalTab:
			out.Nodes = append(out.Nodes, n.Raw)
		}
	}
	return out, nil
}

// inside are the nodes and the config nodes that a tab or a subflow holds.
func inside(file *flow.File, z string) (nodes, configs []json.RawMessage) {
	for _, n := range file.Nodes {
		switch {
		case n.Z != z:
		case isConfig(n):
			configs = append(configs, n.Raw)
		default:
			nodes = append(nodes, n.Raw)
		}
	}
	return nodes, configs
}

// tabIDs are the ids of a file's tabs.
func tabIDs(file *flow.File) map[string]bool {
	ids := map[string]bool{}
	for _, n := range file.Nodes {
		if n.Type == "tab" {
			ids[n.ID] = true
		}
	}
	return ids
}

// isConfig tells a config node from one that stands in a flow: it has no position.
func isConfig(n flow.RawNode) bool {
	var at struct{ X, Y json.RawMessage }
	return json.Unmarshal(n.Raw, &at) == nil && at.X == nil && at.Y == nil && n.Type != "group"
}

// postFlow adds a tab and answers with its id.
func (s *Server) postFlow(w http.ResponseWriter, r *http.Request) error {
	in, err := readTabBody(w, r)
	if err != nil {
		return err
	}
	random := make([]byte, 8)
	rand.Read(random)
	in.ID = hex.EncodeToString(random)
	return s.changeTab(w, r, in.ID, func(file *flow.File) ([]json.RawMessage, error) {
		return append(raws(file, func(flow.RawNode) bool { return true }), in.entries()...), nil
	})
}

// putFlow replaces a tab, or all that belongs to no tab.
func (s *Server) putFlow(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	in, err := readTabBody(w, r)
	if err != nil {
		return err
	}
	if id == globalTab {
		return s.changeTab(w, r, id, func(file *flow.File) ([]json.RawMessage, error) {
			tabs := tabIDs(file)
			rest := raws(file, func(n flow.RawNode) bool { return n.Type == "tab" || tabs[n.Z] })
			return append(rest, in.globalEntries()...), nil
		})
	}
	in.ID = id
	return s.changeTab(w, r, id, func(file *flow.File) ([]json.RawMessage, error) {
		if !tabIDs(file)[id] {
			return nil, notFound("Error")
		}
		rest := raws(file, func(n flow.RawNode) bool { return n.Z != id && n.ID != id })
		return append(rest, in.entries()...), nil
	})
}

// deleteFlow removes a tab and all it holds.
func (s *Server) deleteFlow(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if id == globalTab {
		return refusal(http.StatusBadRequest, "unexpected_error", "not allowed to remove global")
	}
	return s.changeTab(w, r, "", func(file *flow.File) ([]json.RawMessage, error) {
		if !tabIDs(file)[id] {
			return nil, notFound("Error")
		}
		return raws(file, func(n flow.RawNode) bool { return n.Z != id && n.ID != id }), nil
	})
}

// changeTab deploys what change makes of the stored flows, and starts over when somebody else deployed meanwhile.
// It answers with id, or with 204 when that is empty.
func (s *Server) changeTab(w http.ResponseWriter, r *http.Request, id string, change func(*flow.File) ([]json.RawMessage, error)) error {
	var err error
	for range 5 {
		d := s.project.state.Load()
		var entries []json.RawMessage
		if entries, err = change(d.file); err != nil {
			return err
		}
		var file *flow.File
		if file, err = parseFlows(joinArray(entries)); err != nil {
			return err
		}
		if err = uniqueIDs(file); err != nil {
			return err
		}
		if _, err = s.project.deploy(r.Context(), file, &d.rev, flow.DeployFlows); err == nil {
			break
		}
		if known, ok := err.(*apiError); !ok || known.code != "version_mismatch" {
			return err
		}
	}
	switch {
	case err != nil:
		return err
	case id == "":
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return writeJSON(w, http.StatusOK, map[string]string{"id": id})
}

// readTabBody decodes a tab and refuses what can't be one.
func readTabBody(w http.ResponseWriter, r *http.Request) (*tab, error) {
	in := &tab{}
	if err := readJSON(w, r, maxFlows, in); err != nil {
		return nil, err
	}
	if in.Nodes == nil && r.PathValue("id") != globalTab {
		return nil, refusal(http.StatusBadRequest, "unexpected_error", "missing nodes property")
	}
	for _, raw := range slices.Concat(in.Nodes, in.Configs) {
		var n struct{ Type string }
		if err := json.Unmarshal(raw, &n); err != nil || n.Type == "" || n.Type == "tab" || n.Type == "subflow" {
			return nil, refusal(http.StatusBadRequest, "unexpected_error", "invalid node type: %.40s", n.Type)
		}
	}
	return in, nil
}

// entries are the tab and its nodes as they stand in a flow file.
func (t *tab) entries() []json.RawMessage {
	head := struct {
		Type        string          `json:"type"`
		Label       json.RawMessage `json:"label,omitempty"`
		ID          string          `json:"id"`
		Info        json.RawMessage `json:"info,omitempty"`
		Disabled    json.RawMessage `json:"disabled,omitempty"`
		Env         json.RawMessage `json:"env,omitempty"`
		Credentials json.RawMessage `json:"credentials,omitempty"`
	}{"tab", t.Label, t.ID, t.Info, t.Disabled, t.Env, t.Credentials}
	text, err := json.Marshal(head)
	if err != nil {
		return nil // raw messages that were just decoded
	}
	out := []json.RawMessage{text}
	for _, n := range slices.Concat(t.Nodes, t.Configs) {
		z, _ := json.Marshal(t.ID) // a string
		out = append(out, setField(n, "z", z))
	}
	return out
}

// raws are the entries of a file that keep tells to keep.
func raws(file *flow.File, keep func(flow.RawNode) bool) []json.RawMessage {
	var out []json.RawMessage
	for _, n := range file.Nodes {
		if keep(n) {
			out = append(out, n.Raw)
		}
	}
	return out
}

// uniqueIDs refuses a file with an id that two entries have.
func uniqueIDs(file *flow.File) error {
	seen := make(map[string]bool, len(file.Nodes))
	for _, n := range file.Nodes {
		if seen[n.ID] {
			return refusal(http.StatusBadRequest, "unexpected_error", "duplicate id")
		}
		seen[n.ID] = true
	}
	return nil
}

// globalEntries are the config nodes and subflows of the global flow as they stand in a flow file.
func (t *tab) globalEntries() []json.RawMessage {
	out := slices.Clone(t.Configs)
	for _, raw := range t.Subflows {
		var held struct{ Nodes, Configs []json.RawMessage }
		json.Unmarshal(raw, &held) // it was decoded before
		out = append(out, setField(setField(raw, "nodes", nil), "configs", nil))
		out = append(out, held.Nodes...)
		out = append(out, held.Configs...)
	}
	return out
}
