// Package markup makes the few pages that are written on the server. A page is a shape, a constant of markup with places
// such as {{title}}, and values that are filled in escaped.
//
// It stands in place of html/template because that calls methods by names known at run time only: one such call in the
// program, and the linker keeps every exported method of every type.
package markup

import (
	"html"
	"strings"
)

// HTML is markup that is safe to stand in a page as it is.
type HTML string

// Values are what the places of a shape hold: a string is escaped for text and for attributes in quotes, HTML stands as
// it is. Nothing is escaped for scripts, styles and attributes without quotes: a shape has no places there, nor where
// an address begins, unless that is checked before.
type Values map[string]any

// Fill puts values into the places of shape, which is a constant. It panics for a place without a value and for a value
// that is neither string nor HTML: these are faults of the caller's that any test of the page meets.
func Fill(shape string, values Values) HTML {
	var b strings.Builder
	b.Grow(len(shape) + 256)
	for {
		before, rest, ok := strings.Cut(shape, "{{")
		b.WriteString(before)
		if !ok {
			return HTML(b.String())
		}
		name, after, ok := strings.Cut(rest, "}}")
		if !ok {
			panic("markup: a place without an end: " + rest)
		}
		switch v := values[name].(type) {
		case string:
			b.WriteString(html.EscapeString(v))
		case HTML:
			b.WriteString(string(v))
		default:
			panic("markup: no text for the place " + name)
		}
		shape = after
	}
}

// When is the filled shape if ok, else nothing.
func When(ok bool, shape string, values Values) HTML {
	if !ok {
		return ""
	}
	return Fill(shape, values)
}

// Each fills the shape for every item and joins what comes out.
func Each[T any](list []T, shape string, values func(T) Values) HTML {
	var b strings.Builder
	for _, item := range list {
		b.WriteString(string(Fill(shape, values(item))))
	}
	return HTML(b.String())
}
