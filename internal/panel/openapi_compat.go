package panel

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// What the bodies of CloudMQTT's API look like, for the document; the code reads them field by field.

type compatLogin struct {
	Username string `json:"username" example:"sensor"`
	Password string `json:"password" example:"a long password"`
}

type compatPassword struct {
	Password string `json:"password" example:"a long password"`
}

type compatRuleWish struct {
	Type     string  `json:"type,omitempty" enum:"topic,pattern" doc:"topic: of one user; pattern: of all, with %u and %c"`
	Username *string `json:"username,omitempty" doc:"Of a topic" example:"sensor"`
	User     *string `json:"user,omitempty" doc:"As username"`
	Pattern  string  `json:"pattern,omitempty" example:"home/#"`
	Topic    string  `json:"topic,omitempty" doc:"As pattern"`
	Read     bool    `json:"read,omitempty"`
	Write    bool    `json:"write,omitempty"`
}

type compatInstanceWish struct {
	Name   string `json:"name,omitempty" example:"Home"`
	Plan   string `json:"plan,omitempty"`
	Region string `json:"region,omitempty" doc:"When one is made"`
}

// describeCompat adds one of CloudMQTT's routes to the document.
func describeCompat(doc *huma.OpenAPI, route compatRoute) {
	method, path, _ := strings.Cut(route.pattern, " ")
	op := &huma.Operation{OperationID: route.name, Method: method, Path: path, Summary: route.summary, Tags: []string{tagOf(path)},
		Security: []map[string][]string{{"instanceKey": {}}}, Responses: map[string]*huma.Response{}}
	if route.account {
		op.Security = []map[string][]string{{"accountKey": {}}}
	}
	schema := func(v any) *huma.Schema { return huma.SchemaFromType(doc.Components.Schemas, reflect.TypeOf(v)) }
	if v := route.in; v != nil {
		content := &huma.MediaType{Schema: doc.Components.Schemas.Schema(reflect.TypeOf(v), true, route.name)}
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": content, "application/x-www-form-urlencoded": content}}
	}
	for at := path; strings.Contains(at, "{"); {
		_, rest, _ := strings.Cut(at, "{")
		name, after, _ := strings.Cut(rest, "}")
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: schema("")})
		at = after
	}
	if v := route.out; v != nil && reflect.TypeOf(v).Kind() == reflect.Slice && !route.account {
		op.Parameters = append(op.Parameters,
			&huma.Param{Name: "limit", In: "query", Schema: schema(0), Description: "1 to 1000"},
			&huma.Param{Name: "page", In: "query", Schema: schema(0), Description: "From 1"},
			&huma.Param{Name: "query", In: "query", Schema: schema(""), Description: "Beginning of the name"})
	}
	good := &huma.Response{Description: http.StatusText(http.StatusNoContent)}
	status := http.StatusNoContent
	if v := route.out; v != nil {
		status = http.StatusOK
		answer := doc.Components.Schemas.Schema(reflect.TypeOf(v), true, route.name)
		if answer.Type == huma.TypeArray {
			answer.Nullable = false
		}
		if route.name == "compat-list-rules" {
			answer = &huma.Schema{OneOf: []*huma.Schema{answer, doc.Components.Schemas.Schema(reflect.TypeOf(compatItems{}), true, route.name)}}
		}
		good = &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{"application/json": {Schema: answer}}}
	}
	op.Responses[strconv.Itoa(status)] = good
	fails := []int{401, 403, 404, 422, 429, 500}
	if method != http.MethodGet {
		fails = append(fails, 400, 409, 413, 415)
	}
	for _, status := range fails {
		op.Responses[strconv.Itoa(status)] = problemAnswer(doc, status)
	}
	doc.AddOperation(op)
	describeAnswers(doc.Paths[path], method)
}

// problemAnswer is a failure in the document.
func problemAnswer(doc *huma.OpenAPI, status int) *huma.Response {
	return &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: doc.Components.Schemas.Schema(reflect.TypeOf(&Problem{}), true, "")}}}
}

// describeFiles adds what isn't of the API, but is at the same place.
func describeFiles(doc *huma.OpenAPI) {
	for _, f := range []struct{ path, name, summary, kind, also string }{
		{"/healthz", "health", "Whether the server works", "application/json", "503"},
		{"/ca.pem", "get-ca-pem", "Certificate of the server's own authority", "application/x-pem-file", "404"},
		{"/device-ca.h", "get-device-ca", "C header with the certificate of the authority that small devices trust", "text/x-c", "404"},
		{"/ca.der", "get-ca-der", "Certificate of the server's own authority", "application/pkix-cert", "404"},
		{"/api/openapi.json", "get-openapi", "This document; .yaml is the same, and openapi-3.0 an older form", "application/openapi+json", ""},
		{"/api/openapi.yaml", "get-openapi-yaml", "This document", "application/openapi+yaml", ""},
		{"/api/openapi-3.0.json", "get-openapi-3", "This document for tools that know OpenAPI 3.0", "application/openapi+json", ""},
		{"/api/openapi-3.0.yaml", "get-openapi-3-yaml", "This document for tools that know OpenAPI 3.0", "application/openapi+yaml", ""},
		{"/api/reference", "get-reference", "This document as a page", "text/html", ""},
		{"/api/reference.css", "get-reference-style", "Looks of that page", "text/css", ""},
	} {
		text := &huma.Schema{Type: huma.TypeString}
		if f.kind == "application/json" || f.kind == "application/openapi+json" {
			text = &huma.Schema{Type: huma.TypeObject}
		}
		op := &huma.Operation{OperationID: f.name, Method: http.MethodGet, Path: f.path, Summary: f.summary, Tags: []string{tagOf(f.path)},
			Responses: map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{f.kind: {Schema: text}}}}}
		switch f.also {
		case "404":
			op.Responses[f.also] = problemAnswer(doc, http.StatusNotFound)
		case "503":
			op.Responses[f.also] = &huma.Response{Description: http.StatusText(http.StatusServiceUnavailable), Content: map[string]*huma.MediaType{f.kind: {Schema: text}}}
		}
		doc.AddOperation(op)
	}
}
