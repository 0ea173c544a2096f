package flow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// RawNode is one entry of a flow file, with the order of its keys and every unknown field.
type RawNode struct {
	ID, Type, Z string
	Raw         json.RawMessage // compact, without "credentials"
	Credentials json.RawMessage // the field "credentials" as it was submitted, nil when absent
}

// File is a flow file: the flat array of tabs, subflows, groups, config nodes and nodes.
type File struct{ Nodes []RawNode }

// MaxFile bounds a flow file in bytes, as Node-RED's admin API does.
const MaxFile = 5 << 20

// ParseFile reads a flow file. The error says where in the text the fault is.
func ParseFile(raw []byte) (*File, error) {
	if len(raw) > MaxFile {
		return nil, fmt.Errorf("flow file of %d bytes: at most %d are allowed", len(raw), MaxFile)
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("flow file: %w", err)
	}
	f := &File{}
	for _, e := range entries {
		var n struct{ ID, Type, Z string }
		if err := json.Unmarshal(e, &n); err != nil {
			return nil, fmt.Errorf("flow file: %w", err)
		}
		var b bytes.Buffer
		if err := json.Compact(&b, e); err != nil {
			return nil, fmt.Errorf("flow file: %w", err)
		}
		f.Nodes = append(f.Nodes, RawNode{ID: n.ID, Type: n.Type, Z: n.Z, Raw: b.Bytes()})
	}
	return f, nil
}

// JSON returns the file as compact text in the received key order, without credentials.
func (f *File) JSON() []byte {
	b := []byte{'['}
	for i, n := range f.Nodes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, n.Raw...)
	}
	return append(b, ']')
}

// Rev is Node-RED's revision of the file: SHA-256 of JSON, in hex.
func (f *File) Rev() string {
	sum := sha256.Sum256(f.JSON())
	return hex.EncodeToString(sum[:])
}
