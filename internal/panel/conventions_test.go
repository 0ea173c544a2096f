package panel_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// schema is what the tests look at in a schema of the document.
type schema struct {
	Ref         string `json:"$ref"`
	Type        any
	Format      string
	Description string
	Enum        []any
	Example     any
	Examples    []any
	Properties  map[string]*schema
	Items       *schema
	OneOf       []*schema `json:"oneOf"`
	Required    []string
	Additional  any `json:"additionalProperties"`
}

// apiDocument is the OpenAPI document as the tests of its manners read it.
type apiDocument struct {
	Paths map[string]map[string]struct {
		OperationID, Summary string
		Tags                 []string
		Parameters           []struct {
			Name, In, Description string
			Schema                *schema
		}
		RequestBody *struct {
			Content map[string]struct{ Schema *schema }
		}
		Responses map[string]struct {
			Content map[string]struct{ Schema *schema }
		}
	}
	Components struct{ Schemas map[string]*schema }
}

func readDocument(t *testing.T, w *world) (doc apiDocument) {
	t.Helper()
	w.browser().want("GET", "/api/openapi.json", nil, 200, &doc)
	return doc
}

func (d apiDocument) of(s *schema) *schema {
	if s == nil || s.Ref == "" {
		return s
	}
	return d.Components.Schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
}

// TestNamesOfTheAPI: fields and parameters are written in one way, and what is called …_at is a moment.
func TestNamesOfTheAPI(t *testing.T) {
	doc := readDocument(t, newWorld(t))
	others := []string{"NodeBody.queuedBytes"} // as the runtime itself calls it
	snake := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	seen := 0
	for name, s := range doc.Components.Schemas {
		for field, of := range s.Properties {
			seen++
			if !snake.MatchString(field) && !slices.Contains(others, name+"."+field) {
				t.Errorf("%s.%s isn't in small letters", name, field)
			}
			if strings.HasSuffix(field, "_at") && of.Format != "date-time" && !strings.HasSuffix(name, "InputBody") { // "" takes one away
				t.Errorf("%s.%s is no date-time: %v %s", name, field, of.Type, of.Format)
			}
		}
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(op.OperationID) || op.Summary == "" || len(op.Tags) != 1 {
				t.Errorf("%s %s: %q %q %v", method, path, op.OperationID, op.Summary, op.Tags)
			}
			for _, p := range op.Parameters {
				if p.In == "query" && !snake.MatchString(p.Name) {
					t.Errorf("%s %s: parameter %s", method, path, p.Name)
				}
			}
		}
	}
	if seen < 300 {
		t.Errorf("only %d fields", seen)
	}
}

// TestListsHavePages: every list of /api/v1 is {items, total, next}; where it takes limit it takes a cursor, too.
func TestListsHavePages(t *testing.T) {
	doc := readDocument(t, newWorld(t))
	lists := 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			good := doc.of(op.Responses["200"].Content["application/json"].Schema)
			if good == nil || !strings.HasPrefix(path, "/api/v1/") {
				continue
			}
			if good.Type == "array" || slices.Contains(asList(good.Type), "array") {
				t.Errorf("%s %s answers a bare list", method, path)
			}
			if method != "get" || good.Properties["items"] == nil || op.OperationID == "get-stats-history" || op.OperationID == "list-host-names" { // points, a handful
				continue
			}
			lists++
			for _, field := range []string{"total", "next"} {
				if good.Properties[field] == nil {
					t.Errorf("%s %s: a list without %s", method, path, field)
				}
			}
			limit, cursor := false, false
			for _, p := range op.Parameters {
				limit = limit || p.Name == "limit"
				cursor = cursor || p.Name == "cursor" || p.Name == "before"
			}
			if limit != cursor {
				t.Errorf("%s %s: limit %v, cursor %v", method, path, limit, cursor)
			}
		}
	}
	if lists < 25 {
		t.Errorf("only %d lists", lists)
	}
}

func asList(v any) (out []string) {
	list, _ := v.([]any)
	for _, one := range list {
		if text, ok := one.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// TestMomentsAreUTC reads everything that can be read, and wants each moment in RFC 3339 at Z.
func TestMomentsAreUTC(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	things := w.furnish(b, b.instance())
	seen := 0
	var look func(path string, v any)
	look = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, one := range v {
				look(path+"."+k, one)
			}
		case []any:
			for _, one := range v {
				look(path, one)
			}
		case string:
			at, err := time.Parse(time.RFC3339Nano, v)
			if err == nil {
				if seen++; !strings.HasSuffix(v, "Z") || at.IsZero() && !strings.Contains(path, "sessions") && !strings.Contains(path, "fights") { // the fakes say nothing of those

					t.Errorf("%s is %s", path, v)
				}
			}
		}
	}
	for pattern := range operations(t, w) {
		method, path, _ := strings.Cut(pattern, " ")
		if method != "GET" || strings.HasSuffix(path, "/stream") || strings.HasSuffix(path, "/subscribe") {
			continue
		}
		w.panel.ForgetRates()
		_, raw := b.do(method, things.fill(path), nil)
		var v any
		if json.Unmarshal(raw, &v) == nil {
			look(path, v)
		}
	}
	if seen < 30 {
		t.Errorf("only %d moments", seen)
	}
}

// TestEverythingIsDescribed wants a word of every field and parameter, that references in the document lead somewhere,
// and that places in paths are parameters.
func TestEverythingIsDescribed(t *testing.T) {
	doc := readDocument(t, newWorld(t))
	var bare []string
	for name, s := range doc.Components.Schemas {
		for field, of := range s.Properties {
			if of.Description == "" && of.Ref == "" {
				bare = append(bare, name+"."+field)
			}
			if doc.of(of) == nil || of.Items != nil && doc.of(of.Items) == nil {
				t.Errorf("%s.%s leads nowhere", name, field)
			}
			if slices.Contains(s.Required, field) && s.Properties[field] == nil {
				t.Errorf("%s wants %s, which it hasn't", name, field)
			}
		}
	}
	ids := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if ids[op.OperationID] {
				t.Errorf("two routes are called %s", op.OperationID)
			}
			ids[op.OperationID] = true
			places := 0
			for _, p := range op.Parameters {
				if p.In == "path" {
					if places++; !strings.Contains(path, "{"+p.Name+"}") {
						t.Errorf("%s %s has no place for %s", method, path, p.Name)
					}
				} else if p.Description == "" {
					bare = append(bare, op.OperationID+"?"+p.Name)
				}
			}
			if places != strings.Count(path, "{") {
				t.Errorf("%s %s: %d places are parameters", method, path, places)
			}
			for status, answer := range op.Responses {
				for kind, content := range answer.Content {
					if doc.of(content.Schema) == nil {
						t.Errorf("%s %s: %s %s leads nowhere", method, path, status, kind)
					}
				}
			}
		}
	}
	slices.Sort(bare)
	if len(bare) > 0 {
		t.Logf("without a word: %v", bare)
	}
	if len(bare) > 10 { // a few may be on their way
		t.Errorf("%d have no word of what they are (a tag doc, or a line in the glossary): %v", len(bare), bare)
	}
}
