package flow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"tsunagi/internal/flow/value"
)

// RawNode is one entry of a flow file, with the order of its keys and every unknown field.
type RawNode struct {
	ID, Type, Z string
	Raw         json.RawMessage // compact, without "credentials"
	Credentials json.RawMessage // the field "credentials" as it was submitted, nil when absent

	parsed *value.Map
}

// File is a flow file: the flat array of tabs, subflows, groups, config nodes and nodes.
type File struct{ Nodes []RawNode }

// Bounds of a flow file: its size in bytes, as Node-RED's admin API has it, and the number
// of entries.
const (
	MaxFile  = 5 << 20
	MaxNodes = 50_000
)

// ParseFile reads a flow file. Of entries with the same id all are kept in the file and the
// last one runs, as in Node-RED. The text comes back from JSON as Node-RED would store it:
// numbers and escapes as JavaScript prints them. The error says where the fault is.
func ParseFile(raw []byte) (*File, error) {
	if len(raw) > MaxFile {
		return nil, fmt.Errorf("flow file of %d bytes: at most %d are allowed", len(raw), MaxFile)
	}
	if len(raw) >= 3 && string(raw[:3]) == "\uFEFF" {
		raw = raw[3:]
	}
	v, err := value.Parse(raw)
	if err != nil {
		return nil, fileFault(raw, err)
	}
	list := v.List()
	if list == nil {
		return nil, errors.New("flow file: want an array of nodes at the top")
	}
	if list.Len() > MaxNodes {
		return nil, fmt.Errorf("flow file of %d nodes: at most %d are allowed", list.Len(), MaxNodes)
	}
	f := &File{Nodes: make([]RawNode, 0, list.Len())}
	for i, e := range list.All() {
		n, err := parseNode(e.Map())
		if err != nil {
			return nil, fmt.Errorf("flow file: entry %d: %w", i, err)
		}
		f.Nodes = append(f.Nodes, n)
	}
	return f, nil
}

// fileFault says in which line the text stops being JSON.
func fileFault(raw []byte, err error) error {
	var at *value.SyntaxError
	if !errors.As(err, &at) {
		return fmt.Errorf("flow file is no JSON: %w", err)
	}
	before := raw[:min(at.Offset, len(raw))]
	return fmt.Errorf("flow file is no JSON, line %d, byte %d: %w", 1+bytes.Count(before, []byte("\n")), at.Offset, err)
}

func parseNode(o *value.Map) (RawNode, error) {
	if o == nil {
		return RawNode{}, errors.New("want an object")
	}
	n := RawNode{ID: o.Get("id").Str(), Type: o.Get("type").Str(), Z: o.Get("z").Str()}
	if n.ID == "" {
		return n, errors.New(`want a text "id"`)
	}
	if n.Type == "" {
		return n, fmt.Errorf(`node %q: want a text "type"`, n.ID)
	}
	if c := o.Get("credentials"); c.Defined() {
		n.Credentials = value.Append(nil, c)
		o.Delete("credentials")
	}
	n.Raw = value.Append(nil, o.Value())
	n.parsed = o
	return n, nil
}

// fields returns the fields of the node. A node that was made by hand, with Raw alone, is
// read now; one that can't be read has none.
func (n *RawNode) fields() *value.Map {
	if n.parsed == nil {
		if v, err := value.Parse(n.Raw); err == nil && v.Map() != nil {
			n.parsed = v.Map()
		} else {
			n.parsed = value.NewMap(0)
		}
	}
	return n.parsed.Clone()
}

// JSON returns the file as compact text in the received key order, without credentials.
func (f *File) JSON() []byte {
	size := 2
	for i := range f.Nodes {
		size += len(f.Nodes[i].Raw) + 1
	}
	b := append(make([]byte, 0, size), '[')
	for i := range f.Nodes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, f.Nodes[i].Raw...)
	}
	return append(b, ']')
}

// Rev is Node-RED's revision of the file: SHA-256 of JSON, in hex.
func (f *File) Rev() string {
	sum := sha256.Sum256(f.JSON())
	return hex.EncodeToString(sum[:])
}
