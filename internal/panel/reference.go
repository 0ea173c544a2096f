package panel

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tsunagi/internal/account"
)

//go:embed reference.css
var referenceStyle []byte

// reference is the OpenAPI document as pages for people, made when the first of a language is asked for.
type reference struct {
	pages map[string]func() []byte // by language
}

func (p *Panel) newReference(doc *huma.OpenAPI) *reference {
	r := &reference{pages: map[string]func() []byte{}}
	for _, language := range p.o.Languages {
		r.pages[language] = sync.OnceValue(func() []byte { return []byte(p.referenceOf(doc, language).page()) })
	}
	return r
}

// serveReference answers in the language of the person.
func (p *Panel) serveReference(w http.ResponseWriter, r *http.Request) {
	language := p.language(r, "")
	if by, err := p.signedIn(r, account.Actor{Via: "panel", Remote: remoteHost(r), Agent: r.UserAgent()}); err == nil {
		language = p.language(r, by.Account.Language)
	}
	w.Header().Set("Vary", "Accept-Language, Cookie")
	asset{raw: p.reference.pages[language](), kind: types[".html"], tag: p.o.Version + "-" + language}.serve(w, r)
}

func (p *Panel) serveReferenceStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", types[".css"])
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(referenceStyle))
}

// summaryKey begins the keys of what operations do, in the catalogue; TestSummaries compares them with the document.
const summaryKey = "api.op."

// What the page shows.
type (
	referenceBody struct {
		Language string
		Text     map[string]string
		Version  string
		Groups   []referenceGroup
	}
	referenceGroup struct {
		Tag, Name string
		Routes    []referenceRoute
	}
	referenceRoute struct {
		ID, Method, Path, Summary, Who string
		Params, Fields, Answers        []referenceField
		Statuses                       []string
		Curl                           string
	}
	referenceField struct {
		Name, In, Type, About string
		Required              bool
	}
)

// referenceOf makes the page's content.
func (p *Panel) referenceOf(doc *huma.OpenAPI, language string) referenceBody {
	t := func(key string) string { return p.o.Text(language, key) }
	out := referenceBody{Language: language, Version: p.o.Version, Text: map[string]string{
		"Title": t("api.reference.title"), "Intro": t("api.reference.intro"), "Begin": t("api.reference.begin"), "Failures": t("api.reference.failures"),
		"Pages": t("api.reference.pages"), "Once": t("api.reference.once"), "Versions": t("api.reference.versions"), "Rates": t("api.reference.rates"),
		"Params": t("api.reference.params"), "Body": t("api.reference.body"), "Answer": t("api.reference.answer"), "Example": t("api.reference.example"),
		"Statuses": t("api.reference.statuses"), "Required": t("api.reference.required"), "Groups": t("api.reference.groups"), "Panel": t("api.reference.panel"),
		"Document": t("api.reference.document"),
	}}
	names := map[string]string{
		"cloudmqtt": t("api.reference.group.cloudmqtt"), "server": t("api.reference.group.server"), "users": t("api.reference.group.users"),
		"logins": t("api.reference.group.logins"), "messages": t("api.reference.group.messages"), "clients": t("api.reference.group.clients"),
		"forwarding": t("api.reference.group.forwarding"), "instances": t("api.reference.group.instances"), "flows": t("api.reference.group.flows"),
		"account": t("api.reference.group.account"),
	}
	who := map[string]string{"": t("api.reference.anybody"), "session": t("api.reference.browser"), "token": t("api.reference.token"),
		"metricsToken": t("api.reference.metrics"), "instanceKey": t("api.reference.instance_key"), "accountKey": t("api.reference.account_key")}
	for _, tag := range []string{"instances", "users", "logins", "messages", "clients", "forwarding", "flows", "account", "server", "cloudmqtt"} {
		g := referenceGroup{Tag: tag, Name: names[tag]}
		for _, path := range sortedPaths(doc) {
			for _, op := range operationsOf(doc.Paths[path]) {
				if slices.Contains(op.Tags, tag) {
					route := p.referenceRoute(doc, op, who)
					route.Summary = t(summaryKey + op.OperationID)
					g.Routes = append(g.Routes, route)
				}
			}
		}
		if len(g.Routes) > 0 {
			out.Groups = append(out.Groups, g)
		}
	}
	return out
}

func sortedPaths(doc *huma.OpenAPI) []string {
	var paths []string
	for path := range doc.Paths {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// operationsOf are a path's, reading ones first.
func operationsOf(path *huma.PathItem) []*huma.Operation {
	return slices.DeleteFunc([]*huma.Operation{path.Get, path.Post, path.Put, path.Patch, path.Delete}, func(op *huma.Operation) bool { return op == nil })
}

func (p *Panel) referenceRoute(doc *huma.OpenAPI, op *huma.Operation, who map[string]string) referenceRoute {
	kind := ""
	for _, one := range op.Security {
		for name := range one {
			kind = name // the last: a token where there may be one
		}
	}
	r := referenceRoute{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Who: who[kind]}
	for _, param := range op.Parameters {
		if param.Name != "Authorization" {
			r.Params = append(r.Params, referenceField{param.Name, param.In, typeOf(doc, param.Schema), param.Description, param.Required})
		}
	}
	body := bodySchema(op)
	r.Fields = fieldsOf(doc, body, "", 0)
	for status, answer := range op.Responses {
		r.Statuses = append(r.Statuses, status)
		if n, _ := strconv.Atoi(status); n >= 200 && n < 300 {
			for _, content := range answer.Content {
				r.Answers = fieldsOf(doc, content.Schema, "", 0)
			}
		}
	}
	slices.Sort(r.Statuses)
	r.Curl = p.curl(doc, op, kind, body)
	return r
}

func bodySchema(op *huma.Operation) *huma.Schema {
	if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil {
		return nil
	}
	return op.RequestBody.Content["application/json"].Schema
}

func resolved(doc *huma.OpenAPI, s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// fieldsOf lists what an object has, what lists and objects in it have behind it.
func fieldsOf(doc *huma.OpenAPI, s *huma.Schema, before string, depth int) (list []referenceField) {
	s = resolved(doc, s)
	if s == nil || depth > 3 {
		return nil
	}
	if len(s.OneOf) > 0 {
		s = resolved(doc, s.OneOf[0])
	}
	if s.Type == huma.TypeArray {
		return fieldsOf(doc, s.Items, before+"[].", depth+1)
	}
	var names []string
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		field := s.Properties[name]
		list = append(list, referenceField{before + name, "", typeOf(doc, field), field.Description, slices.Contains(s.Required, name)})
		list = append(list, fieldsOf(doc, field, before+name+".", depth+1)...)
	}
	return list
}

// typeOf names a type with what may stand there.
func typeOf(doc *huma.OpenAPI, s *huma.Schema) string {
	s = resolved(doc, s)
	switch {
	case s == nil:
		return ""
	case len(s.Enum) > 0:
		var words []string
		for _, v := range s.Enum {
			raw, _ := json.Marshal(v) // texts and numbers
			words = append(words, string(raw))
		}
		return strings.Join(words, " | ")
	case s.Format == "date-time":
		return "time (RFC 3339)"
	case s.Type == huma.TypeArray:
		return "[" + typeOf(doc, s.Items) + "]"
	case s.Nullable:
		return s.Type + " | null"
	}
	return s.Type
}

// curl is a call that works once the places in capitals are filled in.
func (p *Panel) curl(doc *huma.OpenAPI, op *huma.Operation, kind string, body *huma.Schema) string {
	path := strings.NewReplacer("{id}", "$ID", "{name}", "$NAME", "{rule}", "$RULE", "{client_id}", "$CLIENT").Replace(op.Path)
	for strings.Contains(path, "{") {
		a, rest, _ := strings.Cut(path, "{")
		name, b, _ := strings.Cut(rest, "}")
		path = a + "$" + strings.ToUpper(name) + b
	}
	query := url.Values{} // what must be there
	for _, param := range op.Parameters {
		if param.In == "query" && param.Required {
			query.Set(param.Name, fmt.Sprint(example(doc, param.Schema, param.Name, 0)))
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	parts := []string{"curl"}
	switch kind {
	case "token":
		parts = append(parts, `-H "Authorization: Bearer $TOKEN"`)
	case "metricsToken":
		parts = append(parts, `-H "Authorization: Bearer $METRICS_TOKEN"`)
	case "session":
		parts = append(parts, `-b "`+CookieName+`=$SESSION"`)
	case "instanceKey":
		parts = append(parts, `-u ":$API_KEY"`)
	case "accountKey":
		parts = append(parts, `-u "$TOKEN:"`)
	}
	if op.Method != http.MethodGet {
		parts = append(parts, "-X "+op.Method)
	}
	if body != nil {
		raw, err := json.Marshal(example(doc, body, "", 0))
		if err == nil {
			parts = append(parts, "-H 'Content-Type: application/json'", "-d '"+strings.ReplaceAll(string(raw), "'", `'\''`)+"'")
		}
	}
	return strings.Join(append(parts, `"`+p.o.Endpoints.PanelURL+path+`"`), " \\\n  ")
}

// example is a small value that a schema allows: what is required, or the first field where nothing is.
func example(doc *huma.OpenAPI, s *huma.Schema, name string, depth int) any {
	if s = resolved(doc, s); s == nil || depth > 4 {
		return nil
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeObject:
		out := map[string]any{}
		for field, of := range s.Properties {
			if slices.Contains(s.Required, field) || len(of.Examples) > 0 {
				out[field] = example(doc, of, field, depth+1)
			}
		}
		return out
	case huma.TypeArray:
		return []any{example(doc, s.Items, name, depth+1)}
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case huma.TypeBoolean:
		return true
	}
	return map[string]string{"filter": "home/#", "topic": "home/lamp", "email": "you@example.org", "name": "sensor", "effect": "allow", "access": "both",
		"language": "en", "payload": "on", "password": "a long password"}[name]
}
