package flow

import (
	"regexp"
	"strings"

	"tsunagi/internal/flow/value"
)

var envField = regexp.MustCompile(`^\$(\{\S+\}|\(\S+\))$`)

// substituted returns the fields of a node with every text that is ${NAME} as a whole
// replaced, at every depth.
func (c *container) substituted(b *Base) *value.Map {
	fields := b.def.fields.Clone().Own()
	for i := range fields.Len() {
		key, v := fields.At(i)
		if now := b.substitute(v, fields); now != v {
			fields.Set(key, now)
		}
	}
	return fields
}

func (b *Base) substitute(v value.Value, fields *value.Map) value.Value {
	switch v.Kind() {
	case value.String:
		if s := v.Str(); strings.HasPrefix(s, "$") && envField.MatchString(s) {
			if r := b.setting(s[2:len(s)-1], fields); r.Defined() {
				return r
			}
		}
	case value.Array:
		for i, e := range v.List().All() {
			if now := b.substitute(e, fields); now != e {
				v = v.Own()
				v.List().Set(i, now)
			}
		}
	case value.Object:
		for key, e := range v.Map().All() {
			if now := b.substitute(e, fields); now != e {
				v = v.Own()
				v.Map().Set(key, now)
			}
		}
	}
	return v
}
