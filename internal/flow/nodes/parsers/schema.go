package parsers

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dlclark/regexp2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// schema is a compiled JSON schema of draft 6 or 7, as Node-RED's ajv takes them.
type schema struct {
	source   value.Value
	compiled *jsonschema.Schema
}

// schemaURL is what the schema of a message is called; nothing is fetched.
const schemaURL = "mem:schema"

func compileSchema(v value.Value) (*schema, error) {
	if err := strictSchema(v, 0); err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(value.JSON(v)))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.UseLoader(jsonschema.SchemeURLLoader{})
	c.UseRegexpEngine(func(text string) (jsonschema.Regexp, error) {
		re, err := regexp2.Compile(text, regexp2.ECMAScript|regexp2.Unicode)
		if err != nil {
			return nil, err
		}
		re.MatchTimeout = patternLimit
		return pattern{re}, nil
	})
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(schemaURL)
	if err != nil {
		return nil, err
	}
	return &schema{v.Clone(), compiled}, nil
}

// schemaWords are the keywords that hold no schemas, 1 those that hold one, 2 a list or one, 3
// an object of schemas.
var schemaWords = map[string]int{"$id": 0, "$schema": 0, "$ref": 0, "$comment": 0, "title": 0, "description": 0, "default": 0, "examples": 0,
	"readOnly": 0, "writeOnly": 0, "multipleOf": 0, "maximum": 0, "exclusiveMaximum": 0, "minimum": 0, "exclusiveMinimum": 0, "maxLength": 0,
	"minLength": 0, "pattern": 0, "maxItems": 0, "minItems": 0, "uniqueItems": 0, "maxProperties": 0, "minProperties": 0, "required": 0,
	"const": 0, "enum": 0, "type": 0, "contentMediaType": 0, "contentEncoding": 0, "nullable": 0,
	"additionalItems": 1, "contains": 1, "additionalProperties": 1, "propertyNames": 1, "if": 1, "then": 1, "else": 1, "not": 1,
	"items": 2, "allOf": 2, "anyOf": 2, "oneOf": 2, "definitions": 3, "$defs": 3, "properties": 3, "patternProperties": 3, "dependencies": 3}

// strictSchema refuses what ajv refuses: unknown keywords, formats, other drafts.
func strictSchema(v value.Value, depth int) error {
	o := v.Map()
	if o == nil || depth > maxNesting {
		return nil
	}
	if s := o.Get("$schema"); s.Defined() && depth == 0 {
		if u := strings.TrimSuffix(s.Text(), "#"); u != "http://json-schema.org/draft-07/schema" && u != "http://json-schema.org/draft-06/schema" {
			return fmt.Errorf("no schema with key or ref %q", s.Text())
		}
	}
	for key, sub := range o.All() {
		holds, known := schemaWords[key]
		if !known {
			return fmt.Errorf("strict mode: unknown keyword: %q", key)
		}
		subs := []value.Value{sub}
		if l := sub.List(); l != nil && holds == 2 {
			subs = nil
			for _, e := range l.All() {
				subs = append(subs, e)
			}
		} else if m := sub.Map(); m != nil && holds == 3 {
			subs = nil
			for _, e := range m.All() {
				subs = append(subs, e)
			}
		}
		for _, s := range subs {
			if holds > 0 {
				if err := strictSchema(s, depth+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// patternLimit is how long one pattern of a schema may take on one text.
const patternLimit = 1_000_000_000

type pattern struct{ *regexp2.Regexp }

func (p pattern) MatchString(s string) bool {
	ok, err := p.Regexp.MatchString(s)
	return err == nil && ok
}

func (p pattern) String() string { return p.Regexp.String() }

// fault is one error of a validation, in ajv's words.
type fault struct {
	instance []string
	path     []string // in the schema, with the keyword
	params   *value.Map
	message  string
}

// validate checks a value. The list is what ajv calls errors, the text its errorsText.
func (s *schema) validate(v value.Value) (list value.Value, text string, ok bool) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(value.JSON(v)))
	if err != nil {
		return value.NewList().Value(), "data " + err.Error(), false
	}
	err = s.compiled.Validate(doc)
	if err == nil {
		return list, "", true
	}
	invalid, isFault := err.(*jsonschema.ValidationError) //nolint:errorlint // Validate says so
	if !isFault {
		return value.NewList().Value(), "data " + err.Error(), false
	}
	var faults []fault
	s.collect(invalid, &faults)
	slices.SortStableFunc(faults, func(a, b fault) int { return s.order(a.path, b.path) })
	l := value.NewList()
	var texts []string
	for _, f := range faults {
		at := pointer(f.instance)
		l.Append(value.MapOf("instancePath", at, "schemaPath", "#"+pointer(f.path), "keyword", f.path[len(f.path)-1], "params", f.params, "message", f.message).Value())
		texts = append(texts, "data"+at+" "+f.message)
	}
	return l.Value(), strings.Join(texts, ", "), false
}

func pointer(tokens []string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(t))
	}
	return b.String()
}

// ruleOrder is the order in which ajv looks at keywords.
var ruleOrder = strings.Fields("$ref type nullable maximum minimum exclusiveMaximum exclusiveMinimum multipleOf maxLength minLength pattern const enum " +
	"not anyOf oneOf allOf if maxItems minItems uniqueItems additionalItems items contains maxProperties minProperties required dependencies propertyNames additionalProperties properties patternProperties")

// order compares places in the schema.
func (s *schema) order(a, b []string) int {
	at := s.source
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			x, errX := strconv.Atoi(a[i])
			y, errY := strconv.Atoi(b[i])
			if errX == nil && errY == nil {
				return cmp.Compare(x, y)
			}
			if ra, rb := slices.Index(ruleOrder, a[i]), slices.Index(ruleOrder, b[i]); ra >= 0 && rb >= 0 && i%2 == 0 {
				return cmp.Compare(ra, rb)
			}
			return cmp.Compare(keyIndex(at, a[i]), keyIndex(at, b[i]))
		}
		at, _ = field(at, a[i])
	}
	return cmp.Compare(len(b), len(a)) // what is inside comes first
}

func keyIndex(v value.Value, key string) int {
	keys, _ := keysOf(v)
	return slices.Index(keys, key)
}

// collect makes faults of a tree of errors.
func (s *schema) collect(e *jsonschema.ValidationError, out *[]fault) {
	for _, c := range e.Causes {
		s.collect(c, out)
	}
	_, fragment, _ := strings.Cut(e.SchemaURL, "#")
	var path []string
	for _, t := range strings.Split(strings.TrimPrefix(fragment, "/"), "/") {
		if t != "" {
			path = append(path, strings.NewReplacer("~1", "/", "~0", "~").Replace(t))
		}
	}
	f := fault{instance: e.InstanceLocation, path: append(path, e.ErrorKind.KeywordPath()...)}
	add := func(params *value.Map, format string, a ...any) {
		f.params, f.message = params, fmt.Sprintf(format, a...)
		*out = append(*out, f)
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Group, *kind.Schema, *kind.Reference:
	case *kind.Required:
		for _, name := range k.Missing {
			add(value.MapOf("missingProperty", name), "must have required property '%s'", name)
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			add(value.MapOf("additionalProperty", name), "must NOT have additional properties")
		}
	case *kind.UniqueItems:
		i, j := max(k.Duplicates[0], k.Duplicates[1]), min(k.Duplicates[0], k.Duplicates[1])
		add(value.MapOf("i", j, "j", i), "must NOT have duplicate items (items ## %d and %d are identical)", i, j)
	case *kind.Dependency:
		add(value.MapOf("property", k.Prop, "missingProperty", k.Missing[0], "depsCount", len(k.Missing), "deps", strings.Join(k.Missing, ", ")),
			"must have %s %s when property %s is present", plural(len(k.Missing), "property", "properties"), strings.Join(k.Missing, ", "), k.Prop)
	case *kind.Not: // which names no keyword
		f.path = append(path, "not")
		add(value.NewMap(0), "must NOT be valid")
	case *kind.FalseSchema:
		f.path = append(path, "false schema")
		add(value.NewMap(0), "boolean schema is false")
	default:
		if len(f.path) > 0 {
			s.simple(f, add)
		}
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// simple words the faults that depend on the keyword and its value alone.
func (s *schema) simple(f fault, add func(*value.Map, string, ...any)) {
	at := s.source
	for _, t := range f.path {
		at, _ = field(at, t)
	}
	limits := map[string]string{"maximum": "<=", "minimum": ">=", "exclusiveMaximum": "<", "exclusiveMinimum": ">"}
	counts := map[string][2]string{"maxLength": {"more", "characters"}, "minLength": {"fewer", "characters"}, "maxItems": {"more", "items"},
		"minItems": {"fewer", "items"}, "maxProperties": {"more", "properties"}, "minProperties": {"fewer", "properties"}}
	keyword := f.path[len(f.path)-1]
	if sign, ok := limits[keyword]; ok {
		add(value.MapOf("comparison", sign, "limit", at), "must be %s %s", sign, at.Text())
		return
	}
	if c, ok := counts[keyword]; ok {
		add(value.MapOf("limit", at), "must NOT have %s than %s %s", c[0], at.Text(), c[1])
		return
	}
	switch keyword {
	case "type":
		add(value.MapOf("type", at), "must be %s", at.Text())
	case "enum":
		add(value.MapOf("allowedValues", at), "must be equal to one of the allowed values")
	case "const":
		add(value.MapOf("allowedValue", at), "must be equal to constant")
	case "pattern":
		add(value.MapOf("pattern", at), "must match pattern \"%s\"", at.Text())
	case "multipleOf":
		add(value.MapOf("multipleOf", at), "must be multiple of %s", at.Text())
	case "anyOf":
		add(value.NewMap(0), "must match a schema in anyOf")
	case "oneOf":
		add(value.MapOf("passingSchemas", nil), "must match exactly one schema in oneOf")
	case "contains":
		add(value.MapOf("minContains", 1), "must contain at least 1 valid item(s)")
	case "propertyNames":
		add(value.NewMap(0), "property name must be valid")
	case "additionalItems":
		add(value.NewMap(0), "must NOT have additional items")
	case "allOf", "if", "then", "else":
	default:
		add(value.NewMap(0), "must pass \"%s\" keyword validation", keyword)
	}
}

// check validates what a json node made or was given; with an error the message says more.
func (n *jsonNode) check(m *flow.Msg, v value.Value) error {
	if n.schema == nil {
		return nil
	}
	list, text, ok := n.schema.validate(v)
	if !ok {
		m.Set("schemaError", list)
		return flow.Text("JSON Schema error: " + text)
	}
	m.Delete("schema")
	return nil
}
