package panel

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Bounds of a request.
const (
	maxBody  = 64 << 10
	bodyTime = 10 * time.Second
)

// largeBodies are the bounds, in bytes, of routes that take more.
var largeBodies = map[string]int64{"import-users": 8 << 20, "publish": 256 << 10, "publish-batch": 1 << 20}

// fileBodies are the content types of routes that take a file as it is.
var fileBodies = map[string]string{"restore-instance": "application/zip"}

// mountAll puts everything on mux.
func (p *Panel) mountAll(mux humago.Mux) error {
	api := p.mount(mux)
	p.mountCompat(mux, api.OpenAPI())
	describeFiles(api.OpenAPI())
	explain(api.OpenAPI())
	p.reference = p.newReference(api.OpenAPI())
	mux.HandleFunc("GET /api/reference", p.serveReference)
	mux.HandleFunc("GET /api/reference.css", p.serveReferenceStyle)
	return p.mountFiles(mux)
}

// mount puts the API on mux and returns it.
func (p *Panel) mount(mux humago.Mux) huma.API {
	problemsOnce.Do(useProblems)
	config := huma.DefaultConfig("Tsunagi", p.o.Version)
	config.CreateHooks = nil // no $schema in answers
	config.DocsPath, config.SchemasPath = "", ""
	config.OpenAPIPath = "/api/openapi"
	config.NoFormatFallback = false
	describe(config.OpenAPI)
	api := humago.New(mux, config)
	api.UseMiddleware(p.admit)
	for _, r := range p.routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		op := huma.Operation{OperationID: r.name, Method: method, Path: "/api/v1" + path, Summary: r.summary,
			DefaultStatus: r.status, MaxBodyBytes: maxBody, BodyReadTimeout: bodyTime,
			Metadata: map[string]any{"access": r.access, "thing": thingOf(path)}}
		if larger := largeBodies[r.name]; larger > 0 {
			op.MaxBodyBytes, op.BodyReadTimeout = larger, 3*bodyTime
		}
		if r.access != public {
			op.Security = []map[string][]string{{"session": {}}}
			if !r.access.noTokens() {
				op.Security = append(op.Security, map[string][]string{"token": {}})
			}
		}
		if kind := fileBodies[r.name]; kind != "" {
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{kind: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
		}
		describeRoute(&op, r.access)
		r.register(api, op)
		describeAnswers(api.OpenAPI().Paths[op.Path], op.Method)
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		p.refuse(w, r, http.StatusNotFound, "")
	})
	return api
}

// handle makes a line of the table from a method: its failures become problems in the language of the request.
func handle[I, O any](p *Panel, f func(context.Context, *I) (*O, error)) func(huma.API, huma.Operation) {
	call := func(ctx context.Context, in any) (any, error) { return f(ctx, in.(*I)) }
	return func(api huma.API, op huma.Operation) {
		p.register(api, op, reflect.TypeFor[I](), reflect.TypeFor[O](), call)
	}
}

// register puts a route on the API.
func (p *Panel) register(api huma.API, op huma.Operation, input, output reflect.Type, call func(context.Context, any) (any, error)) {
	e := newEndpoint(api, op, input, output)
	e.call, e.problem = call, p.problem
	api.Adapter().Handle(e.op, api.Middlewares().Handler(e.op.Middlewares.Handler(e.serve)))
}
