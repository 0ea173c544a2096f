// Package sequence has the node types of the palette's sequence category: split, join, sort
// and batch. What makes messages a sequence is their property parts.
package sequence

import (
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// deaf is a node whose dialog was filled in wrongly: messages to it vanish, as in Node-RED.
type deaf struct{}

func (deaf) Receive(*flow.Msg) {}

// property returns the property of an object, undefined for everything else.
func property(v value.Value, key string) value.Value {
	if o := v.Map(); o != nil {
		return o.Get(key)
	}
	return value.Value{}
}

// has says whether v is an object with the property.
func has(v value.Value, key string) bool {
	o := v.Map()
	return o != nil && o.Has(key)
}

// unescape puts in what the dialog's text names: \n, \r, \t, \f, \0, and \e, which is a plain
// e as it is in Node-RED.
var unescape = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\e`, "e", `\f`, "\f", `\0`, "\x00").Replace

// typeError is what JavaScript throws.
func typeError(text string) error { return &flow.Error{Name: "TypeError", Message: text} }
