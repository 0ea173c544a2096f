package panel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// answerHeader is a field of an output that goes into a header.
type answerHeader struct {
	field []int
	name  string
}

// streamBody is the Body of an output that writes itself.
var streamBody = reflect.TypeFor[func(huma.Context)]()

// answerOf describes what a route answers: headers, and the index of the body in the output, or -1.
func answerOf(registry huma.Registry, op *huma.Operation, output reflect.Type) (headers []answerHeader, body int) {
	body = -1
	status := strconv.Itoa(op.DefaultStatus)
	answer := &huma.Response{Description: http.StatusText(op.DefaultStatus)}
	op.Responses[status] = answer
	if f, ok := output.FieldByName("Body"); ok {
		if len(f.Index) != 1 {
			panic("route " + op.OperationID + ": the body of the answer is in an embedded struct")
		}
		body = f.Index[0]
		answer.Headers = map[string]*huma.Param{}
		refuseHidden(op.OperationID, f.Type, nil)
		if f.Type != streamBody {
			answer.Content = map[string]*huma.MediaType{
				"application/json": {Schema: huma.SchemaFromField(registry, f, hint(output, op.OperationID+"Response"))}}
		}
	}
	headers = headersOf(output, nil)
	for _, h := range headers {
		if answer.Headers == nil {
			answer.Headers = map[string]*huma.Param{}
		}
		answer.Headers[h.name] = &huma.Header{Schema: huma.SchemaFromField(registry, output.FieldByIndex(h.field), "")}
	}
	return headers, body
}

// refuseHidden panics for an embedded struct with a lower-case name: its fields would be in the answer and not in the
// API's document.
func refuseHidden(route string, t reflect.Type, within []reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		refuseHidden(route, t.Elem(), within)
	case reflect.Struct:
		if slices.Contains(within, t) {
			return
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous && !f.IsExported() {
				panic(fmt.Sprintf("route %s: the embedded %s has a lower-case name, so that the API's document has nothing of it", route, f.Name))
			}
			if f.IsExported() {
				refuseHidden(route, f.Type, append(within, t))
			}
		}
	}
}

// headersOf are the fields of an output beside its body: texts, each with the name of a header.
func headersOf(t reflect.Type, at []int) (list []answerHeader) {
	for i := range t.NumField() {
		f := t.Field(i)
		path := append(append([]int{}, at...), i)
		switch name := f.Tag.Get("header"); {
		case !f.IsExported() || f.Name == "Body":
		case f.Anonymous:
			list = append(list, headersOf(f.Type, path)...)
		case name == "" || f.Type.Kind() != reflect.String:
			panic(fmt.Sprintf("field %s of %s: an answer has a Body, and texts with the tag header", f.Name, t))
		default:
			list = append(list, answerHeader{path, name})
		}
	}
	return list
}

// reply answers with an output, a pointer that may be nil.
func (e *endpoint) reply(c huma.Context, out reflect.Value) {
	if out.IsNil() {
		c.SetStatus(e.op.DefaultStatus)
		return
	}
	out = out.Elem()
	kind := ""
	for _, h := range e.headers {
		text := out.FieldByIndex(h.field).String()
		if text == "" {
			continue
		}
		if h.name == "Content-Type" {
			kind = text
		}
		c.SetHeader(h.name, text)
	}
	if e.answer < 0 {
		c.SetStatus(e.op.DefaultStatus)
		return
	}
	switch body := out.Field(e.answer).Interface().(type) {
	case func(huma.Context):
		body(c)
	case []byte:
		c.SetStatus(e.op.DefaultStatus)
		_, _ = c.BodyWriter().Write(body) // the peer may be gone
	default:
		e.write(c, e.op.DefaultStatus, kind, body)
	}
}

// write answers with a body in the form that the caller accepts. A body that can't be written out is our own bug.
func (e *endpoint) write(c huma.Context, status int, kind string, body any) {
	if kind == "" {
		var err error
		if kind, err = e.api.Negotiate(c.Header("Accept")); err != nil {
			_ = huma.WriteErr(e.api, c, http.StatusNotAcceptable, "unable to marshal response", err)
			return
		}
		if other, ok := body.(huma.ContentTypeFilter); ok {
			kind = other.ContentType(kind)
		}
		c.SetHeader("Content-Type", kind)
	}
	body, err := e.api.Transform(c, strconv.Itoa(status), body)
	if err != nil {
		panic(fmt.Errorf("answer of %s: %w", e.op.OperationID, err))
	}
	c.SetStatus(status)
	if status == http.StatusNoContent || status == http.StatusNotModified {
		return
	}
	if err := e.api.Marshal(c.BodyWriter(), kind, body); err != nil && !errors.Is(c.Context().Err(), context.Canceled) {
		panic(fmt.Errorf("answer of %s: %w", e.op.OperationID, err))
	}
}
