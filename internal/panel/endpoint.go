package panel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// endpoint is one route: what its input and output types say, read once, and the method behind it.
//
// It does what huma.Register does, for the few forms of inputs and outputs that routes here have, and with the same
// document. It isn't generic: huma makes the code anew for each pair of types, 20 KB for every route.
type endpoint struct {
	api     huma.API
	op      *huma.Operation
	input   reflect.Type
	params  []param
	body    bodyForm
	headers []answerHeader
	answer  int // index of the field Body in the output; -1: there is none
	call    func(context.Context, any) (any, error)
	problem func(context.Context, error) *Problem
}

// bodyForm is the JSON body that a route takes.
type bodyForm struct {
	field  []int // of the input; nil: the route takes none
	schema *huma.Schema
}

// newEndpoint describes a route in the API's document. It panics where a type has a form that it doesn't know, at the
// start of any test.
func newEndpoint(api huma.API, op huma.Operation, input, output reflect.Type) *endpoint {
	registry := api.OpenAPI().Components.Schemas
	op.Responses = map[string]*huma.Response{}
	e := &endpoint{api: api, op: &op, input: input}
	e.params = paramsOf(registry, &op, input, nil)
	e.body = bodyOf(registry, &op, input)
	e.headers, e.answer = answerOf(registry, &op, output)
	if len(e.params) > 0 || e.body.field != nil {
		op.Errors = append(op.Errors, http.StatusUnprocessableEntity)
	}
	op.Errors = append(op.Errors, http.StatusInternalServerError)
	failure := registry.Schema(reflect.TypeFor[Problem](), true, "Problem")
	for _, status := range op.Errors {
		op.Responses[fmt.Sprint(status)] = &huma.Response{Description: http.StatusText(status),
			Content: map[string]*huma.MediaType{"application/problem+json": {Schema: failure}}}
	}
	api.OpenAPI().AddOperation(&op)
	return e
}

// bodyOf describes the field Body of an input.
func bodyOf(registry huma.Registry, op *huma.Operation, input reflect.Type) bodyForm {
	f, ok := input.FieldByName("Body")
	if !ok {
		return bodyForm{}
	}
	refuseDefaults(f.Type, op.OperationID, map[reflect.Type]bool{})
	schema := huma.SchemaFromField(registry, f, hint(input, op.OperationID+"Request"))
	schema.PrecomputeMessages()
	op.RequestBody = &huma.RequestBody{Required: f.Type.Kind() != reflect.Pointer && f.Type.Kind() != reflect.Interface,
		Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
	return bodyForm{f.Index, schema}
}

// refuseDefaults panics for a default inside of a body: nothing would set it.
func refuseDefaults(t reflect.Type, route string, seen map[reflect.Type]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return
	}
	seen[t] = true
	for f := range t.Fields() {
		if f.Tag.Get("default") != "" {
			panic(fmt.Sprintf("route %s: field %s has a default, which bodies can't have", route, f.Name))
		}
		if f.IsExported() {
			refuseDefaults(f.Type, route, seen)
		}
	}
}

// hint names the schema of a type's Body that has no name of its own.
func hint(parent reflect.Type, otherwise string) string {
	if parent.Name() != "" {
		return parent.Name() + "Body"
	}
	return otherwise
}

// takesBody is an input that reads the body itself, as it comes.
type takesBody interface{ take(c huma.Context) }

// serve is one request.
func (e *endpoint) serve(c huma.Context) {
	in := reflect.New(e.input)
	var found huma.ValidateResult
	e.readParams(c, in.Elem(), &found)
	status := http.StatusUnprocessableEntity
	if e.body.field != nil {
		bad, err := e.readBody(c, in.Elem().FieldByIndex(e.body.field), &found)
		if err != nil {
			_ = huma.WriteErr(e.api, c, bad, err.Error()) // it has told where it could not
			return
		}
		if bad != 0 {
			status = bad
		}
	}
	if own, ok := in.Interface().(huma.Resolver); ok { // it reads what no field can say, such as a file
		found.Errors = append(found.Errors, own.Resolve(c)...)
	}
	if len(found.Errors) > 0 {
		_ = huma.WriteErr(e.api, c, status, "validation failed", found.Errors...)
		return
	}
	if own, ok := in.Interface().(takesBody); ok {
		own.take(c)
	}
	out, err := e.call(c.Context(), in.Interface())
	if err != nil {
		p := e.problem(c.Context(), err)
		for name, values := range p.header {
			for _, value := range values {
				c.AppendHeader(name, value)
			}
		}
		e.write(c, p.Status, "", p)
		return
	}
	e.reply(c, reflect.ValueOf(out))
}

// readBody decodes and checks the JSON body into field. A body that can't be read at all is an error with its status;
// faults of its content are in found, and the status that they have is returned.
func (e *endpoint) readBody(c huma.Context, field reflect.Value, found *huma.ValidateResult) (status int, err error) {
	_ = c.SetReadDeadline(time.Now().Add(e.op.BodyReadTimeout)) // of a test's recorder: it has none
	raw, status, err := readAll(c.BodyReader(), e.op.MaxBodyBytes)
	if err != nil {
		return status, err
	}
	if len(raw) == 0 {
		if e.op.RequestBody.Required {
			return http.StatusBadRequest, errors.New("request body is required")
		}
		return 0, nil
	}
	kind := c.Header("Content-Type")
	if kind == "" {
		kind = "application/json"
	}
	fault := func(err error) {
		found.Errors = append(found.Errors, &huma.ErrorDetail{Location: "body", Message: err.Error()})
	}
	var plain any
	if err := e.api.Unmarshal(kind, raw, &plain); err != nil {
		fault(err)
		if errors.Is(err, huma.ErrUnknownContentType) {
			return http.StatusUnsupportedMediaType, nil
		}
		return http.StatusBadRequest, nil
	}
	before := len(found.Errors)
	at := huma.NewPathBuffer(make([]byte, 0, 128), 0)
	at.Push("body")
	huma.Validate(e.api.OpenAPI().Components.Schemas, e.body.schema, at, huma.ModeWriteToServer, plain, found)
	if len(found.Errors) > before {
		return http.StatusUnprocessableEntity, nil
	}
	if err := e.api.Unmarshal(kind, raw, field.Addr().Interface()); err != nil {
		fault(err)
	}
	return 0, nil
}

// readAll reads a body of less than limit bytes. An error comes with its status.
func readAll(from io.Reader, limit int64) (raw []byte, status int, err error) {
	if from == nil {
		return nil, 0, nil
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(from, limit))
	var slow net.Error
	switch {
	case n == limit:
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("request body is too large limit=%d bytes", limit)
	case errors.As(err, &slow) && slow.Timeout():
		return nil, http.StatusRequestTimeout, errors.New("request body read timeout")
	case err != nil:
		return nil, http.StatusInternalServerError, errors.New("cannot read request body")
	}
	return b.Bytes(), 0, nil
}
