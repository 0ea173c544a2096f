package editor

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"tsunagi/internal/flow"
)

// changedNode is one entry of a difference between two versions of the flows.
type changedNode struct {
	ID     string   `json:"id"`
	Type   string   `json:"type"`
	Name   string   `json:"name,omitempty"`
	Z      string   `json:"z,omitempty"`
	Fields []string `json:"fields,omitempty"` // of a changed one: which
	Moved  bool     `json:"moved,omitempty"`  // only its place on the page is another one
}

// difference is what one version has and the other hasn't.
type difference struct {
	Added   []changedNode `json:"added"`
	Removed []changedNode `json:"removed"`
	Changed []changedNode `json:"changed"`
}

// places are the fields that say where something stands on the page.
var places = []string{"x", "y", "w", "h"}

// compare says how to get from one version to another.
func compare(from, to *flow.File) difference {
	d := difference{Added: []changedNode{}, Removed: []changedNode{}, Changed: []changedNode{}}
	was := make(map[string]flow.RawNode, len(from.Nodes))
	for _, n := range from.Nodes {
		was[n.ID] = n
	}
	for _, n := range to.Nodes {
		old, there := was[n.ID]
		delete(was, n.ID)
		switch {
		case !there:
			d.Added = append(d.Added, entry(n))
		case !bytes.Equal(old.Raw, n.Raw):
			e := entry(n)
			if e.Fields = differing(old.Raw, n.Raw); len(e.Fields) == 0 {
				continue // the order of keys alone
			}
			e.Moved = !slices.ContainsFunc(e.Fields, func(f string) bool { return !slices.Contains(places, f) })
			d.Changed = append(d.Changed, e)
		}
	}
	for _, n := range from.Nodes { // in the order of the file
		if _, gone := was[n.ID]; gone {
			d.Removed = append(d.Removed, entry(n))
		}
	}
	return d
}

func entry(n flow.RawNode) changedNode {
	var named struct{ Name, Label string }
	json.Unmarshal(n.Raw, &named) // another type than text: no name
	if named.Name == "" {
		named.Name = named.Label
	}
	return changedNode{ID: n.ID, Type: n.Type, Name: named.Name, Z: n.Z}
}

// differing are the fields that two entries don't have in common, sorted.
func differing(a, b json.RawMessage) []string {
	var x, y map[string]json.RawMessage
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return nil
	}
	fields := map[string]bool{}
	for key, v := range x {
		if w, ok := y[key]; !ok || !bytes.Equal(v, w) {
			fields[key] = true
		}
	}
	for key := range y {
		if _, ok := x[key]; !ok {
			fields[key] = true
		}
	}
	return slices.Sorted(maps.Keys(fields))
}
