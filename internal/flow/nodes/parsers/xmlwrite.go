package parsers

import (
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// xmlElement is an element that is to be written: text has no name.
type xmlElement struct {
	name     string
	text     string // escaped
	attrs    []string
	children []*xmlElement
}

func (o *xmlOptions) lineEnd() string {
	if o.pretty {
		return o.newline
	}
	return ""
}

var (
	escapeText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;").Replace
	escapeAttr = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;").Replace
)

// child adds an element.
func (e *xmlElement) child(name string) (*xmlElement, error) {
	if !xmlName.MatchString(name) {
		return nil, errXMLName
	}
	c := &xmlElement{name: name}
	e.children = append(e.children, c)
	return c, nil
}

func (e *xmlElement) addText(o *xmlOptions, text string) {
	if o.cdata && strings.ContainsAny(text, "&<>") {
		text = "<![CDATA[" + strings.ReplaceAll(text, "]]>", "]]]]><![CDATA[>") + "]]>"
	} else {
		text = escapeText(text)
	}
	if text != "" {
		e.children = append(e.children, &xmlElement{text: text})
	}
}

// fill puts what v holds into an element.
func (o *xmlOptions) fill(e *xmlElement, v value.Value, depth int) error {
	switch {
	case depth > maxNesting:
		return flow.NewError("objects are nested more than %d deep", maxNesting)
	case v.TypeOf() != "object":
		e.addText(o, v.Text())
		return nil
	case v.Is(value.Null):
		return nil
	case v.Is(value.Array):
		for _, item := range v.List().All() {
			if item.TypeOf() != "object" || item.Nullish() {
				continue
			}
			if err := o.each(e, item, depth, false); err != nil {
				return err
			}
		}
		return nil
	}
	return o.each(e, v, depth, true)
}

// each writes the properties of an object; shaped says that attributes and text are theirs.
func (o *xmlOptions) each(e *xmlElement, v value.Value, depth int, shaped bool) error {
	keys, err := keysOf(v)
	if err != nil {
		return err
	}
	for _, key := range keys {
		x, _ := field(v, key)
		items := []value.Value{x}
		switch l := x.List(); {
		case shaped && key == o.attr:
			if attrs := x.Map(); attrs != nil {
				for name, a := range attrs.All() {
					if !a.Nullish() {
						e.attrs = append(e.attrs, name+`="`+escapeAttr(a.Text())+`"`)
					}
				}
			}
			continue
		case shaped && key == o.char:
			e.addText(o, x.Text())
			continue
		case shaped && l != nil:
			items = items[:0]
			for _, item := range l.All() {
				items = append(items, item)
			}
		}
		for _, item := range items {
			c, err := e.child(key)
			if err != nil {
				return err
			}
			if !item.Defined() {
				item = value.Str("")
			}
			if err := o.fill(c, item, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes an element.
func (e *xmlElement) write(b *strings.Builder, o *xmlOptions, level int) {
	indent := func(n int) {
		if o.pretty {
			for range n {
				b.WriteString(o.indent)
			}
		}
	}
	indent(level)
	if e.name == "" {
		b.WriteString(e.text + o.lineEnd())
		return
	}
	b.WriteString("<" + e.name)
	for _, a := range e.attrs {
		b.WriteString(" " + a)
	}
	texts := 0
	for _, c := range e.children {
		if c.name == "" {
			texts++
		}
	}
	switch {
	case len(e.children) == 0:
		b.WriteString("/>")
	case texts > 0: // where text stands, line ends would change it
		b.WriteString(">")
		flat := *o
		flat.pretty = false
		for _, c := range e.children {
			c.write(b, &flat, 0)
		}
		b.WriteString("</" + e.name + ">")
	default:
		b.WriteString(">" + o.lineEnd())
		for _, c := range e.children {
			c.write(b, o, level+1)
		}
		indent(level)
		b.WriteString("</" + e.name + ">")
	}
	if level > 0 {
		b.WriteString(o.lineEnd())
	}
}
