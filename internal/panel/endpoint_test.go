package panel

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

type probeInput struct {
	ProbeID
	Limit int64     `query:"limit" minimum:"1" default:"7"`
	All   bool      `query:"all"`
	From  time.Time `query:"from"`
	Mark  string    `header:"X-Mark" maxLength:"3"`
	Body  struct {
		Name string   `json:"name" minLength:"2"`
		More []string `json:"more,omitempty"`
	}
}

type ProbeID struct {
	ID string `path:"id" maxLength:"4"`
}

type probeOutput struct {
	Tag  string `header:"X-Tag"`
	Body probeInput
}

// probe serves one route made from f's types.
func probe[I, O any](t *testing.T, f func(context.Context, *I) (*O, error)) http.Handler {
	problemsOnce.Do(useProblems)
	mux := http.NewServeMux()
	config := huma.DefaultConfig("probe", "1")
	config.CreateHooks = nil
	api := humago.New(mux, config)
	p := &Panel{o: Options{Text: func(_, key string, _ ...any) string { return key }}}
	handle(p, f)(api, huma.Operation{OperationID: "probe", Method: http.MethodPost, Path: "/{id}", DefaultStatus: 200, MaxBodyBytes: 64, BodyReadTimeout: time.Second})
	return mux
}

func TestEndpointReads(t *testing.T) {
	h := probe(t, func(_ context.Context, in *probeInput) (*probeOutput, error) { return &probeOutput{"x", *in}, nil })
	tests := []struct {
		name, target, mark, body string
		status                   int
		location                 string // of the fault
	}{
		{"all in order", "/ab?limit=3&all=true&from=2026-01-02T03:04:05Z", "m", `{"name":"me","more":["a"]}`, 200, ""},
		{"nothing but what must be", "/ab", "", `{"name":"me"}`, 200, ""},
		{"a path that is too long", "/abcde", "", `{"name":"me"}`, 422, "path.id"},
		{"no number", "/ab?limit=x", "", `{"name":"me"}`, 422, "query.limit"},
		{"a number too small", "/ab?limit=0", "", `{"name":"me"}`, 422, "query.limit"},
		{"no boolean", "/ab?all=x", "", `{"name":"me"}`, 422, "query.all"},
		{"no time", "/ab?from=x", "", `{"name":"me"}`, 422, "query.from"},
		{"a header that is too long", "/ab", "mmmm", `{"name":"me"}`, 422, "header.X-Mark"},
		{"a field too short", "/ab", "", `{"name":"m"}`, 422, "body.name"},
		{"a field of another type", "/ab", "", `{"name":7}`, 422, "body.name"},
		{"an unknown field", "/ab", "", `{"name":"me","x":1}`, 422, "body.x"},
		{"a missing field", "/ab", "", `{}`, 422, "body"},
		{"no JSON", "/ab", "", `{`, 400, "body"},
		{"no body", "/ab", "", "", 400, ""},
		{"a body beyond the bound", "/ab", "", `{"name":"` + strings.Repeat("m", 64) + `"}`, 413, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, tt.target, strings.NewReader(tt.body))
			r.Header.Set("X-Mark", tt.mark)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			var fault Problem
			_ = json.Unmarshal(w.Body.Bytes(), &fault) // an answer without faults has none
			if w.Code != tt.status || tt.location != "" && (len(fault.Errors) != 1 || fault.Errors[0].Location != tt.location) {
				t.Errorf("%d %s, want %d at %q", w.Code, w.Body, tt.status, tt.location)
			}
		})
	}
}

func TestEndpointAnswers(t *testing.T) {
	h := probe(t, func(_ context.Context, in *probeInput) (*probeOutput, error) {
		if in.ID == "none" {
			return nil, nil
		}
		if in.ID == "bad" {
			return nil, &failure{status: http.StatusConflict}
		}
		return &probeOutput{"x", *in}, nil
	})
	for id, want := range map[string]struct {
		status         int
		tag, kind, has string
	}{
		"ab":   {200, "x", "application/json", `"Limit":7`},
		"none": {200, "", "", ""},
		"bad":  {409, "", "application/problem+json", `"code":"invalid"`},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/"+id, strings.NewReader(`{"name":"me"}`)))
		if w.Code != want.status || w.Header().Get("X-Tag") != want.tag || w.Header().Get("Content-Type") != want.kind || !strings.Contains(w.Body.String(), want.has) {
			t.Errorf("%s: %d %v %s", id, w.Code, w.Header(), w.Body)
		}
	}
}

// ownReader is an input that reads its body itself.
type ownReader struct {
	ProbeID
	text string
}

func (in *ownReader) Resolve(c huma.Context) []error {
	raw, err := io.ReadAll(c.BodyReader())
	if err != nil || len(raw) == 0 {
		return []error{&huma.ErrorDetail{Location: "body", Message: "nothing in it"}}
	}
	in.text = in.ID + string(raw)
	return nil
}

func TestEndpointLetsInputsRead(t *testing.T) {
	h := probe(t, func(_ context.Context, in *ownReader) (*tagged[string], error) {
		return &tagged[string]{"", in.text}, nil
	})
	for body, want := range map[string]struct {
		status int
		text   string
	}{"file": {200, `"abfile"`}, "": {422, `"location":"body"`}} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ab", strings.NewReader(body)))
		if w.Code != want.status || !strings.Contains(w.Body.String(), want.text) {
			t.Errorf("%q: %d %s, want %d with %s", body, w.Code, w.Body, want.status, want.text)
		}
	}
}

// TestEndpointRefusesForms gives forms of types that endpoint doesn't know: each must be told when the route is made.
func TestEndpointRefusesForms(t *testing.T) {
	type list struct {
		Names []string `query:"names"`
	}
	type loose struct{ Name string }
	type preset struct {
		Body struct {
			Name string `json:"name" default:"x"`
		}
	}
	type counted struct {
		Count int `header:"X-Count"`
	}
	type nothing struct{}
	type hidden struct{ Name string }
	for name, types := range map[string][2]reflect.Type{
		"a list as parameter":      {reflect.TypeFor[list](), reflect.TypeFor[nothing]()},
		"a field from nowhere":     {reflect.TypeFor[loose](), reflect.TypeFor[nothing]()},
		"a default in a body":      {reflect.TypeFor[preset](), reflect.TypeFor[nothing]()},
		"a header that is no text": {reflect.TypeFor[nothing](), reflect.TypeFor[counted]()},
		"hidden in an answer":      {reflect.TypeFor[nothing](), reflect.TypeFor[struct{ Body []struct{ hidden } }]()},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was taken", name)
				}
			}()
			newEndpoint(humago.New(http.NewServeMux(), huma.DefaultConfig("x", "1")), huma.Operation{OperationID: "x", Method: "POST", Path: "/"}, types[0], types[1])
		}()
	}
}
