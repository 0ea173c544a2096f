package editor

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"tsunagi/internal/flow"
)

// kept is what the editor sends for a password that it does not know and that was not changed. It is never stored.
const kept = `"__PWRD__"`

// mergeCredentials returns the credentials of a flow file: the stored ones of every node that is still there, changed by
// what the file brings along. Neither the file nor old is changed. kinds tells what a node type keeps; nil means that
// any key is taken.
func mergeCredentials(file *flow.File, old flow.Credentials, kinds func(string) map[string]string) flow.Credentials {
	next := make(flow.Credentials, len(old))
	for _, n := range file.Nodes {
		stored := old[n.ID]
		var sent map[string]json.RawMessage
		if n.Credentials != nil && json.Unmarshal(n.Credentials, &sent) == nil && sent != nil {
			if n.Type == "global-config" {
				stored = mergeMap(stored, sent)
			} else {
				stored = mergeNode(n.Type, stored, sent, kinds(n.Type))
			}
		}
		if len(stored) > 0 {
			next[n.ID] = stored
		}
	}
	return next
}

// mergeNode applies what was sent for one node: a missing key and an unchanged password stay, a blank value deletes.
// Of a type with a definition other keys are ignored. Subflows and their instances lose the keys that are missing.
func mergeNode(nodeType string, stored, sent map[string]json.RawMessage, kinds map[string]string) map[string]json.RawMessage {
	next := maps.Clone(stored)
	if next == nil {
		next = map[string]json.RawMessage{}
	}
	for key, value := range sent {
		if _, defined := kinds[key]; kinds != nil && !defined && !freeKeys(nodeType) {
			continue
		}
		switch {
		case string(value) == kept:
		case blank(value):
			delete(next, key)
		default:
			next[key] = bytes.Clone(value)
		}
	}
	if isSubflow(nodeType) {
		maps.DeleteFunc(next, func(key string, _ json.RawMessage) bool { _, there := sent[key]; return !there })
	}
	return next
}

// mergeMap applies what was sent for the global-config node: one object "map", whose missing keys are deleted.
func mergeMap(stored, sent map[string]json.RawMessage) map[string]json.RawMessage {
	var old, brought map[string]json.RawMessage
	json.Unmarshal(stored["map"], &old) // absent or damaged: empty
	if json.Unmarshal(sent["map"], &brought) != nil {
		return stored
	}
	next := map[string]json.RawMessage{}
	for key, value := range brought {
		switch {
		case strings.HasPrefix(key, "has_"):
		case string(value) == kept:
			if was, ok := old[key]; ok {
				next[key] = was
			}
		case !blank(value):
			next[key] = value
		}
	}
	for key := range next {
		if !strings.HasPrefix(key, "has_") {
			next["has_"+key] = json.RawMessage("true")
		}
	}
	if len(next) == 0 {
		return nil
	}
	text, err := json.Marshal(next)
	if err != nil {
		return stored // raw messages that were valid a moment ago
	}
	return map[string]json.RawMessage{"map": text}
}

// isSubflow tells a subflow's definition or instance.
func isSubflow(t string) bool { return t == "subflow" || strings.HasPrefix(t, "subflow:") }

// freeKeys tells the types whose credentials have names chosen by the user.
func freeKeys(t string) bool { return isSubflow(t) || t == "tab" || t == "group" }

// blank tells a value that means "delete": null, or a string of nothing but white space.
func blank(value json.RawMessage) bool {
	if string(value) == "null" {
		return true
	}
	var s string
	return json.Unmarshal(value, &s) == nil && strings.TrimSpace(s) == ""
}

// sameCredentials compares two sets by content.
func sameCredentials(a, b flow.Credentials) bool {
	return maps.EqualFunc(a, b, func(x, y map[string]json.RawMessage) bool {
		return maps.EqualFunc(x, y, func(v, w json.RawMessage) bool { return bytes.Equal(v, w) })
	})
}

// getCredentials answers with the text values of a node, and with has_<key> in place of every password.
func (s *Server) getCredentials(w http.ResponseWriter, r *http.Request) error {
	nodeType := r.PathValue("type")
	stored := s.project.state.Load().creds[r.PathValue("id")]
	out := map[string]any{}
	switch {
	case stored == nil:
	case freeKeys(nodeType):
		for key, value := range stored {
			out["has_"+key] = !blank(value)
		}
	case nodeType == "global-config":
		out["map"] = maskMap(stored["map"])
	default:
		for key, kind := range s.credentialKinds(nodeType) {
			value, there := stored[key]
			switch {
			case kind == "password":
				out["has_"+key] = there && !blank(value)
			case there:
				out[key] = value
			default:
				out[key] = ""
			}
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

// maskMap keeps the has_<key> flags of the global-config node's credentials, and no value.
func maskMap(text json.RawMessage) map[string]any {
	var all map[string]json.RawMessage
	json.Unmarshal(text, &all) // absent: empty
	out := map[string]any{}
	for key, value := range all {
		if !strings.HasPrefix(key, "has_") {
			out["has_"+key] = !blank(value)
		}
	}
	return out
}

// credentialKinds finds the definition of a type whose spaces the editor wrote as dashes.
func (s *Server) credentialKinds(dashed string) map[string]string {
	for _, t := range s.o.Runtime.Types() {
		if strings.ReplaceAll(t, " ", "-") == strings.ReplaceAll(dashed, " ", "-") {
			return s.o.Runtime.CredentialKinds(t)
		}
	}
	return nil
}
