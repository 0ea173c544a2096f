package parsers

import (
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// xmlNode turns XML into objects of the shape that xml2js gives, and back.
type xmlNode struct {
	b    *flow.Base
	attr string // key of the attributes, "" for that of the message's options
	char string // key of the text
	path *value.Path
	err  error // the property is no path
}

// XML converts between XML text and objects.
func XML() flow.Type {
	return flow.Type{Name: "xml", New: newXML, Fields: []string{"property", "attr", "chr"}}
}

func newXML(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &xmlNode{b: b, attr: c.Str("attr"), char: c.Str("chr")}
	n.path, n.err = value.ParseMessagePath(c.StrOr("property", "payload"))
	return n, nil
}

func (n *xmlNode) Receive(m *flow.Msg) {
	v, ok := n.b.At(m, n.path, n.err)
	if !ok {
		return
	}
	o := xmlOptions{attr: "$", char: "_", child: "$$", root: "root", array: true, explicitRoot: true}
	given := m.Get("options").Map()
	var err error
	if given != nil {
		err = o.read(given)
	}
	switch {
	case err != nil:
		n.b.Done(m, err)
		return
	case !v.Defined():
	case v.TypeOf() == "object":
		if given != nil { // Node-RED writes into the message's options
			m.Set("options", given.Own().Set("async", value.Of(false)).Value())
		}
		text, err := buildXML(v, &o)
		if err != nil {
			n.b.Error(err, m)
			return
		}
		_, _ = m.SetPath(n.path, value.Str(text), true) // it was there
	case v.Is(value.String):
		if n.attr != "" {
			o.attr = n.attr
		}
		if n.char != "" {
			o.char = n.char
		}
		if given != nil {
			m.Set("options", given.Own().Set("async", value.Of(true)).Set("attrkey", value.Str(o.attr)).Set("charkey", value.Str(o.char)).Value())
		}
		parsed, err := parseXML(v.Str(), &o)
		if err != nil {
			n.b.Done(m, err)
			return
		}
		_, _ = m.SetPath(n.path, parsed, true)
	default:
		n.b.Warn("This node only handles xml strings or js objects.")
		n.b.Done(m, nil)
		return
	}
	n.b.Send(m)
	n.b.Done(m, nil)
}

// xmlOptions are those of xml2js that a message may carry.
type xmlOptions struct {
	attr, char, child string
	array             bool // elements are arrays even when there is only one
	explicitRoot      bool
	explicitChar      bool
	ignoreAttrs       bool
	mergeAttrs        bool
	trim, normalize   bool
	lower             bool // names of elements in small letters
	children          bool // children have a property of their own
	empty             value.Value

	root     string // name of the root when an object has more than one key
	headless bool
	cdata    bool
	pretty   bool
	indent   string
	newline  string
	version  string
	encoding string
	alone    value.Value
}

// read takes the options of a message over.
func (o *xmlOptions) read(m *value.Map) error {
	o.pretty, o.indent, o.newline = true, "  ", "\n"
	for key, v := range m.All() {
		switch key {
		case "attrkey":
			o.attr = v.Text()
		case "charkey":
			o.char = v.Text()
		case "childkey":
			o.child = v.Text()
		case "explicitArray":
			o.array = v.Truthy()
		case "explicitRoot":
			o.explicitRoot = v.Truthy()
		case "explicitCharkey":
			o.explicitChar = v.Truthy()
		case "ignoreAttrs":
			o.ignoreAttrs = v.Truthy()
		case "mergeAttrs":
			o.mergeAttrs = v.Truthy()
		case "trim":
			o.trim = v.Truthy()
		case "normalize":
			o.normalize = v.Truthy()
		case "normalizeTags":
			o.lower = v.Truthy()
		case "explicitChildren":
			o.children = v.Truthy()
		case "emptyTag":
			o.empty = v
		case "rootName":
			o.root = v.Text()
		case "headless":
			o.headless = v.Truthy()
		case "cdata":
			o.cdata = v.Truthy()
		case "xmldec":
			o.version, o.encoding, o.alone = property(v, "version").Str(), property(v, "encoding").Str(), property(v, "standalone")
		case "renderOpts":
			o.pretty = property(v, "pretty").Truthy()
			o.indent, o.newline = stringOr(property(v, "indent"), o.indent), stringOr(property(v, "newline"), o.newline)
		case "xmlns", "preserveChildrenOrder", "charsAsChildren", "includeWhiteChars":
			if v.Truthy() {
				return flow.Text("xml: the option " + key + " of msg.options is not supported: take it out")
			}
		case "strict":
			if !v.Truthy() {
				return flow.Text("xml: msg.options can't switch strict off: make the text well-formed")
			}
		}
	}
	return nil
}

func stringOr(v value.Value, other string) string {
	if v.Is(value.String) {
		return v.Str()
	}
	return other
}

func blank(s string) bool { return strings.Trim(s, " \t\r\n\f\v\u00a0\ufeff") == "" }
