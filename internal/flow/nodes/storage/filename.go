package storage

import (
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// fileName compiles the file name of a dialog. Files made before version 3 have no type: an
// empty name stands for msg.filename. static says that the name doesn't come from messages.
func fileName(b *flow.Base, c flow.Config) (p *flow.Property, static bool, err error) {
	name, typ := c.Get("filename"), c.Str("filenameType")
	if typ == "" {
		typ = "str"
		if name.Text() == "" || name.Nullish() {
			name, typ = value.Str("filename"), "msg"
		}
	}
	if name.Nullish() {
		name = value.Str("")
	}
	p, err = b.Property(name, typ)
	return p, typ == "str" || typ == "env", err
}

// evaluateName returns the file name for a message.
func evaluateName(p *flow.Property, m *flow.Msg) (string, error) {
	v, err := p.Eval(m)
	if err != nil || v.Nullish() {
		return "", err
	}
	return v.Text(), nil
}

var lineEnds = strings.NewReplacer("\t", "", "\r", "", "\n", "")

// unnamed is shown at a node whose dialog holds no name.
var unnamed = flow.Status{Fill: "grey", Shape: "dot"}
