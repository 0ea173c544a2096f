package parsers

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// maxNesting bounds how deep elements, lists and mappings are nested in a text.
const maxNesting = 1000

// element is one that is open.
type element struct {
	name  string
	text  strings.Builder
	cdata bool
	o     *value.Map
}

// xmlReader is the state of reading one text.
type xmlReader struct {
	o     *xmlOptions
	text  string
	stack []*element
}

// parseXML reads a text in the shape of xml2js.
func parseXML(text string, o *xmlOptions) (value.Value, error) {
	if trim(text) == "" {
		return value.Nil(), nil
	}
	r := &xmlReader{o: o, text: strings.TrimPrefix(text, "\ufeff")}
	d := xml.NewDecoder(strings.NewReader(r.text))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // a text is UTF-8 already
	for {
		at := d.InputOffset()
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return value.Value{}, r.fault("Unclosed root tag", int(at))
		}
		if err != nil {
			var s *xml.SyntaxError
			if errors.As(err, &s) {
				return value.Value{}, r.fault(s.Msg, int(d.InputOffset()))
			}
			return value.Value{}, flow.NewError("%s", err.Error())
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(r.stack) >= maxNesting {
				return value.Value{}, flow.NewError("elements are nested more than %d deep", maxNesting)
			}
			r.open(t)
		case xml.EndElement:
			if top := len(r.stack) - 1; top < 0 || r.stack[top].name != r.name(t.Name) {
				return value.Value{}, r.fault("Unexpected close tag", int(d.InputOffset()))
			}
			if v, done := r.close(); done {
				return v, nil
			}
		case xml.CharData:
			if err := r.chars(t, int(at)); err != nil {
				return value.Value{}, err
			}
		}
	}
}

// fault is an error in the words of the sax parser.
func (r *xmlReader) fault(what string, at int) error {
	at = min(at, len(r.text))
	line := strings.Count(r.text[:at], "\n")
	column := at - strings.LastIndexByte(r.text[:at], '\n') - 1
	char := ""
	if at > 0 && what != "Unclosed root tag" {
		char = r.text[at-1 : at]
	}
	return flow.NewError("%s\nLine: %d\nColumn: %d\nChar: %s", what, line, column, char)
}

func (r *xmlReader) name(n xml.Name) string {
	name := n.Local
	if n.Space != "" {
		name = n.Space + ":" + n.Local
	}
	if r.o.lower {
		name = strings.ToLower(name)
	}
	return name
}

func (r *xmlReader) open(t xml.StartElement) {
	e := &element{name: r.name(t.Name), o: value.NewMap(4)}
	e.o.Set(r.o.char, value.Str("")) // to be the first key
	if !r.o.ignoreAttrs && len(t.Attr) > 0 {
		attrs := value.NewMap(len(t.Attr))
		for _, a := range t.Attr {
			name := a.Name.Local
			if a.Name.Space != "" {
				name = a.Name.Space + ":" + name
			}
			if r.o.mergeAttrs {
				r.add(e.o, name, value.Str(a.Value))
			} else {
				attrs.Set(name, value.Str(a.Value))
			}
		}
		if !r.o.mergeAttrs {
			e.o.Set(r.o.attr, attrs.Value())
		}
	}
	r.stack = append(r.stack, e)
}

func (r *xmlReader) chars(t xml.CharData, at int) error {
	if len(r.stack) == 0 {
		if !blank(string(t)) {
			return r.fault("Non-whitespace before first tag.", at+1)
		}
		return nil
	}
	e := r.stack[len(r.stack)-1]
	e.text.Write(t)
	e.cdata = e.cdata || strings.HasPrefix(r.text[at:], "<![CDATA[")
	return nil
}

// add adds a child: the first as it is or in an array, as the options say, others to the array.
func (r *xmlReader) add(o *value.Map, key string, v value.Value) {
	was, ok := o.Get(key), o.Has(key)
	switch {
	case !ok && r.o.array:
		o.Set(key, value.NewList(v).Value())
	case !ok:
		o.Set(key, v)
	case was.Is(value.Array):
		was.List().Append(v)
	default:
		o.Set(key, value.NewList(was, v).Value())
	}
}

var runsOfSpace = regexp.MustCompile(`\s{2,}`)

// close ends the innermost element; done says that it was the root.
func (r *xmlReader) close() (v value.Value, done bool) {
	e := r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	text := e.text.String()
	v = e.o.Value()
	if blank(text) && !e.cdata {
		e.o.Delete(r.o.char)
		if e.o.Len() == 0 {
			v = value.Str(text)
			if r.o.empty.Defined() && !(r.o.empty.Is(value.String) && r.o.empty.Str() == "") {
				v = r.o.empty
			}
		}
	} else {
		if r.o.trim {
			text = trim(text)
		}
		if r.o.normalize {
			text = trim(runsOfSpace.ReplaceAllString(text, " "))
		}
		if e.o.Set(r.o.char, value.Str(text)); e.o.Len() == 1 && !r.o.explicitChar {
			v = value.Str(text)
		}
	}
	if r.o.children && !r.o.mergeAttrs && v.Is(value.Object) {
		v = r.withChildren(e.o)
	}
	if len(r.stack) > 0 {
		r.add(r.stack[len(r.stack)-1].o, e.name, v)
		return v, false
	}
	if r.o.explicitRoot {
		v = value.NewMap(1).Set(e.name, v).Value()
	}
	return v, true
}

// withChildren moves the children of an element into a property of their own.
func (r *xmlReader) withChildren(o *value.Map) value.Value {
	node := value.NewMap(3)
	for _, key := range []string{r.o.attr, r.o.char} {
		if o.Has(key) {
			node.Set(key, o.Get(key))
			o.Delete(key)
		}
	}
	if o.Len() > 0 {
		node.Set(r.o.child, o.Value())
	}
	return node.Value()
}

var xmlName = regexp.MustCompile(`^[\p{L}_:][\p{L}\p{N}_:.\-\x{b7}]*$`)

var errXMLName = flow.NewError("Invalid character in name")

// buildXML writes an object as xml2js does.
func buildXML(v value.Value, o *xmlOptions) (string, error) {
	keys, err := keysOf(v)
	if err != nil {
		return "", err
	}
	name := o.root
	if len(keys) == 1 && o.root == "root" {
		name = keys[0]
		v, _ = field(v, name)
	}
	if !xmlName.MatchString(name) {
		return "", errXMLName
	}
	root := &xmlElement{name: name}
	if err := o.fill(root, v, 0); err != nil {
		return "", err
	}
	var b strings.Builder
	if !o.headless {
		version := o.version
		if version == "" {
			version = "1.0"
		}
		fmt.Fprintf(&b, `<?xml version="%s"`, version)
		switch {
		case o.version == "" && o.encoding == "" && !o.alone.Defined():
			b.WriteString(` encoding="UTF-8" standalone="yes"`)
		default:
			if o.encoding != "" {
				fmt.Fprintf(&b, ` encoding="%s"`, o.encoding)
			}
			if o.alone.Truthy() {
				b.WriteString(` standalone="yes"`)
			} else if o.alone.Defined() {
				b.WriteString(` standalone="no"`)
			}
		}
		b.WriteString("?>" + o.lineEnd())
	}
	root.write(&b, o, 0)
	return b.String(), nil
}
