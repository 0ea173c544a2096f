package parsers

import (
	"fmt"
	"strings"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// htmlNode takes out of HTML what a CSS selector finds.
type htmlNode struct {
	flow.Emitter
	b        *flow.Base
	path     *value.Path
	out      *value.Path
	err      error // a property is no path
	selector string
	ret      string // html, text, attr, compl
	single   bool   // one message with all
	char     string

	last     string // the selector that compiled is of
	compiled cascadia.SelectorGroup
	nothing  bool // the file wants what this node can't give
}

// HTML finds elements by CSS selectors.
func HTML() flow.Type {
	return flow.Type{Name: "html", New: newHTML, Fields: []string{"property", "outproperty", "tag", "ret", "as", "chr"}}
}

func newHTML(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &htmlNode{b: b, selector: c.Str("tag"), ret: c.StrOr("ret", "html"), char: c.StrOr("chr", "_")}
	n.Base, n.Handle = b, n.message
	switch as := c.StrOr("as", "single"); as {
	case "single", "multi":
		n.single = as == "single"
	default:
		return nil, c.Refuse("as", as)
	}
	switch n.ret {
	case "html", "text", "attr", "compl":
	default:
		n.nothing = true // as in Node-RED: nothing is found then
	}
	in := c.StrOr("property", "payload")
	if n.path, n.err = value.ParseMessagePath(in); n.err == nil {
		n.out, n.err = value.ParseMessagePath(c.StrOr("outproperty", in))
	}
	return n, nil
}

func (n *htmlNode) message(m *flow.Msg) {
	v, ok := n.b.At(m, n.path, n.err)
	if !ok {
		return
	}
	if !v.Defined() {
		n.b.Send(m)
		n.b.Done(m, nil)
		return
	}
	found, err := n.find(m, v.Text())
	if err != nil {
		n.b.Done(m, flow.Text(err.Error()))
		return
	}
	if n.single {
		list := value.NewList()
		for _, e := range found {
			list.Append(n.result(e))
		}
		if _, err := m.SetPath(n.out, list.Value(), true); err != nil {
			n.b.Done(m, flow.Text(err.Error()))
			return
		}
		n.b.Send(m)
		n.b.Done(m, nil)
		return
	}
	n.each(m, found)
}

// each sends a message for each element; one of no text or HTML is left out.
func (n *htmlNode) each(m *flow.Msg, found []*html.Node) {
	n.Emit(len(found), func(i int) *flow.Msg {
		v := n.result(found[i])
		if !v.Truthy() {
			return nil
		}
		c := m.Clone()
		_, _ = c.SetPath(n.out, v, true) // where there is no such place nothing is set
		c.Set("parts", value.MapOf("id", m.Get("_msgid"), "index", i, "count", len(found), "type", "string", "ch", "").Value())
		return c
	}, func() { n.b.Done(m, nil) })
}

// find returns the elements that the selector finds.
func (n *htmlNode) find(m *flow.Msg, text string) ([]*html.Node, error) {
	selector := n.selector
	if selector == "" && m.Has("select") {
		selector = m.Get("select").Text()
	}
	if selector == "" || n.nothing {
		return nil, nil
	}
	if n.compiled == nil || n.last != selector {
		compiled, err := cascadia.ParseGroup(selector)
		if err != nil {
			return nil, err
		}
		n.compiled, n.last = compiled, selector
	}
	doc, err := html.ParseWithOptions(strings.NewReader(text), html.ParseOptionEnableScripting(false))
	if err != nil {
		return nil, err
	}
	return cascadia.QueryAll(doc, n.compiled), nil
}

// result is what is wanted of an element.
func (n *htmlNode) result(e *html.Node) value.Value {
	o := value.NewMap(len(e.Attr) + 1)
	switch n.ret {
	case "html":
		return value.Str(inner(e, true))
	case "text":
		return value.Str(textOf(e))
	case "compl":
		o.Set(n.char, value.Str(inner(e, false)))
	}
	for _, a := range e.Attr {
		name := a.Key
		if a.Namespace != "" {
			name = a.Namespace + ":" + a.Key
		}
		o.Set(name, value.Str(a.Val))
	}
	return o.Value()
}

// textOf is the text of an element and of all in it, but for scripts and styles.
func textOf(e *html.Node) string {
	var b strings.Builder
	writeText(&b, e)
	return b.String()
}

func writeText(b *strings.Builder, e *html.Node) {
	if e.Type == html.TextNode {
		b.WriteString(e.Data)
	}
	if e.Data == "script" || e.Data == "style" {
		return
	}
	for c := range e.ChildNodes() {
		writeText(b, c)
	}
}

var (
	htmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\u00a0", "&nbsp;").Replace
	htmlAttr = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "\u00a0", "&nbsp;").Replace
)

// asXML escapes a text so that it is ASCII.
func asXML(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r == '\'':
			b.WriteString("&apos;")
		case r >= 0x80:
			fmt.Fprintf(&b, "&#x%X;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// void are elements without an end in HTML.
var void = map[string]bool{"area": true, "base": true, "br": true, "col": true, "embed": true, "hr": true, "img": true, "input": true,
	"link": true, "meta": true, "param": true, "source": true, "track": true, "wbr": true}

// raw are elements whose text is written as it is.
var raw = map[string]bool{"style": true, "script": true, "xmp": true, "iframe": true, "noembed": true, "noframes": true, "plaintext": true, "noscript": true}

// inner writes what is in an element, as HTML or so that it is XML, too.
func inner(e *html.Node, xml bool) string {
	var b strings.Builder
	for c := range e.ChildNodes() {
		writeHTML(&b, c, xml)
	}
	return trim(b.String())
}

func writeHTML(b *strings.Builder, e *html.Node, xml bool) {
	switch e.Type {
	case html.TextNode:
		switch {
		case xml:
			b.WriteString(asXML(e.Data))
		case e.Parent != nil && raw[e.Parent.Data]:
			b.WriteString(e.Data)
		default:
			b.WriteString(htmlText(e.Data))
		}
		return
	case html.CommentNode:
		b.WriteString("<!--" + e.Data + "-->")
		return
	case html.ElementNode:
	default:
		return
	}
	b.WriteString("<" + e.Data)
	for _, a := range e.Attr {
		escape := htmlAttr
		if xml {
			escape = asXML
		}
		b.WriteString(" " + a.Key)
		b.WriteString(`="` + escape(a.Val) + `"`)
	}
	if xml && e.FirstChild == nil {
		b.WriteString("/>")
		return
	}
	b.WriteString(">")
	if !xml && void[e.Data] {
		return
	}
	for c := range e.ChildNodes() {
		writeHTML(b, c, xml)
	}
	b.WriteString("</" + e.Data + ">")
}

// Close forgets what is being sent.
func (n *htmlNode) Close(_ bool, done func()) {
	n.Stop()
	done()
}
