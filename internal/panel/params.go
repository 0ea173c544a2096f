package panel

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// param is a field of an input that comes from the path, the query or a header.
type param struct {
	field     []int
	name, in  string
	otherwise string // what stands for an empty one
	required  bool
	schema    *huma.Schema
}

var timeType = reflect.TypeFor[time.Time]()

// paramsOf describes the parameters of an input, those of embedded structs among them.
func paramsOf(registry huma.Registry, op *huma.Operation, t reflect.Type, at []int) (list []param) {
	for i := range t.NumField() {
		f := t.Field(i)
		path := append(append([]int{}, at...), i)
		if f.Anonymous && !f.IsExported() {
			panic(fmt.Sprintf("route %s: the embedded %s has a lower-case name, so that nothing can fill it", op.OperationID, f.Name))
		}
		if !f.IsExported() || f.Name == "Body" {
			continue
		}
		if f.Anonymous {
			list = append(list, paramsOf(registry, op, f.Type, path)...)
			continue
		}
		one := param{field: path, otherwise: f.Tag.Get("default")}
		for _, in := range []string{"path", "query", "header"} {
			if name := f.Tag.Get(in); name != "" {
				one.name, one.in = name, in
				break
			}
		}
		if one.in == "" || !takesText(f.Type) {
			panic(fmt.Sprintf("route %s: field %s is no parameter: texts, numbers, booleans and times from path, query or header are", op.OperationID, f.Name))
		}
		one.required = one.in == "path" || f.Tag.Get("required") == "true"
		one.schema = huma.SchemaFromField(registry, f, "")
		described := &huma.Param{Name: one.name, In: one.in, Description: one.schema.Description, Required: one.required, Schema: one.schema}
		if one.in == "query" {
			described.Explode = new(bool)
		}
		op.Parameters = append(op.Parameters, described)
		list = append(list, one)
	}
	return list
}

// takesText tells whether setText can fill such a field.
func takesText(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
		return true
	}
	return t == timeType
}

// readParams fills the parameters of an input and checks them.
func (e *endpoint) readParams(c huma.Context, in reflect.Value, found *huma.ValidateResult) {
	schemas := e.api.OpenAPI().Components.Schemas
	for _, p := range e.params {
		at := huma.NewPathBuffer(make([]byte, 0, 64), 0)
		at.Push(p.in)
		at.Push(p.name)
		text := p.read(c)
		if text == "" {
			if p.required {
				found.Add(at, "", "required "+p.in+" parameter is missing")
			}
			continue
		}
		value, err := setText(in.FieldByIndex(p.field), text)
		if err != nil {
			found.Add(at, text, err.Error())
			continue
		}
		huma.Validate(schemas, p.schema, at, huma.ModeWriteToServer, value, found)
	}
}

func (p param) read(c huma.Context) (text string) {
	switch p.in {
	case "path":
		text = c.Param(p.name)
	case "query":
		text = c.Query(p.name)
	case "header":
		text = c.Header(p.name)
	}
	if text == "" {
		return p.otherwise
	}
	return text
}

// setText puts text into a field by the field's kind, and returns what a schema checks.
func setText(f reflect.Value, text string) (any, error) {
	switch f.Kind() {
	case reflect.String:
		f.SetString(text)
		return text, nil
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errors.New("invalid integer")
		}
		f.SetInt(n)
		return n, nil
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, errors.New("invalid boolean")
		}
		f.SetBool(b)
		return b, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, errors.New("invalid date/time for format " + time.RFC3339Nano)
	}
	f.Set(reflect.ValueOf(t))
	return text, nil
}
