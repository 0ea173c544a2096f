package panel

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// versioned are the changes of things that several may edit at once: they take If-Match.
var versioned = map[string]bool{
	"change-instance": true, "delete-instance": true, "change-user": true, "delete-user": true, "change-rule": true, "delete-rule": true,
	"change-logins": true, "change-guard": true, "change-address-rule": true, "delete-address-rule": true, "change-bridge": true, "delete-bridge": true, "change-device": true, "unpair-device": true,
	"change-any-account": true, "delete-account": true, "change-hook": true, "delete-hook": true, "change-history": true, "change-retained-expiry": true, "change-client-ids": true,
	"rename-team": true, "change-member": true, "remove-member": true,
}

// Groups of routes, in the order of the reference page, with what their paths begin with. The first that fits counts.
var groups = []struct {
	tag      string
	prefixes []string
}{
	{"cloudmqtt", []string{"/api/user", "/api/acl", "/api/info/", "/api/instance/", "/api/instances"}},
	{"server", []string{"/api/openapi", "/api/reference", "/api/v1/status", "/healthz", "/ca.", "/device-ca.h", "/api/v1/certificates", "/api/v1/log"}},
	{"users", []string{"/api/v1/instances/{id}/users", "/api/v1/instances/{id}/rules", "/api/v1/instances/{id}/import", "/api/v1/instances/{id}/exposures", "/api/v1/instances/{id}/keys"}},
	{"logins", []string{"/api/v1/instances/{id}/logins", "/api/v1/instances/{id}/client-", "/api/v1/instances/{id}/token-keys", "/api/v1/instances/{id}/publishable-keys",
		"/api/v1/instances/{id}/guard", "/api/v1/instances/{id}/addresses", "/api/v1/instances/{id}/bans"}},
	{"messages", []string{"/api/v1/instances/{id}/retained", "/api/v1/instances/{id}/subscribe", "/api/v1/instances/{id}/publish",
		"/api/v1/instances/{id}/web-token", "/api/v1/instances/{id}/topics", "/api/v1/instances/{id}/history"}},
	{"clients", []string{"/api/v1/instances/{id}/connections", "/api/v1/instances/{id}/sessions", "/api/v1/instances/{id}/why",
		"/api/v1/instances/{id}/log", "/api/v1/instances/{id}/stat", "/api/v1/instances/{id}/metrics", "/api/v1/instances/{id}/loss"}},
	{"forwarding", []string{"/api/v1/instances/{id}/bridges", "/api/v1/instances/{id}/hooks", "/api/v1/instances/{id}/webhooks"}},
	{"instances", []string{"/api/v1/instances", "/api/v1/plans", "/api/v1/regions"}},
	{"flows", []string{"/api/v1/flow-servers", "/api/v1/devices"}},
	{"account", []string{"/api/v1/"}},
}

// tagOf is the group of a path.
func tagOf(path string) string {
	for _, g := range groups {
		if slices.ContainsFunc(g.prefixes, func(p string) bool { return strings.HasPrefix(path, p) }) {
			return g.tag
		}
	}
	return ""
}

const about = "The HTTP API that the panel itself uses, and the one that CloudMQTT had. Failures are application/problem+json (RFC 9457) " +
	"with a stable code. Lists come in pages: next is the cursor of the next one. A POST that makes something takes Idempotency-Key: " +
	"for 24 hours the same key gets the same answer, and nothing is made twice. Things that several may edit have an ETag, which " +
	"If-Match takes. Every answer says in RateLimit what is left. A readable form stands at /api/reference."

// eventKind is the content type of server-sent events.
const eventKind = "text/event-stream"

// rawAnswers are the content types of answers that are no JSON.
var rawAnswers = map[string][]string{
	"get-metrics": {"text/plain"}, "get-retained": {"text/plain", "application/octet-stream"}, "subscribe": {eventKind}, "follow-log": {eventKind},
	"get-history-csv": {"text/csv"}, "get-users-csv": {"text/csv"}, "export-instance": {"application/zip"}, "watch-topics": {eventKind},
}

// describe writes what the document says of the whole API.
func describe(doc *huma.OpenAPI) {
	doc.Servers = []*huma.Server{{URL: "/"}}
	doc.Info.Description = about
	for _, g := range groups {
		doc.Tags = append(doc.Tags, &huma.Tag{Name: g.tag})
	}
	text := &huma.Schema{Type: huma.TypeString}
	doc.Components.Headers = map[string]*huma.Param{
		"RateLimit":       {Schema: text, Description: "r: requests that are left; t: seconds until all are back"},
		"RateLimitPolicy": {Schema: text, Description: "q: requests; w: in so many seconds"},
		"RetryAfter":      {Schema: &huma.Schema{Type: huma.TypeInteger}, Description: "Seconds"},
	}
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session":      {Type: "apiKey", In: "cookie", Name: CookieName, Description: "A browser that is signed in"},
		"token":        {Type: "http", Scheme: "bearer", Description: "API token, made at /account. One with the scope publish, subscribe or publish-subscribe is only for the routes publish and publish-batch, or subscribe and get-retained, of its instance and on its topics"},
		"metricsToken": {Type: "http", Scheme: "bearer", Description: "Metrics token of one instance"},
		"instanceKey":  {Type: "http", Scheme: "basic", Description: "CloudMQTT's form: an empty user name, and the instance's API key as password"},
		"accountKey":   {Type: "http", Scheme: "basic", Description: "CloudMQTT's form: an API token as user name, and no password"},
	}
}

// describeRoute adds what a route has by its kind, before it is registered.
func describeRoute(op *huma.Operation, who access) {
	op.Tags = []string{tagOf(op.Path)}
	op.Errors = []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError}
	if op.OperationID == "get-metrics" {
		op.Security = []map[string][]string{{"metricsToken": {}}}
	}
	if len(op.Security) > 0 {
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	if strings.Contains(op.Path, "{") || who == public {
		op.Errors = append(op.Errors, http.StatusNotFound)
	}
	if op.Method != http.MethodGet {
		op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
			http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	slices.Sort(op.Errors)
	op.Errors = slices.Compact(op.Errors)
	text := &huma.Schema{Type: huma.TypeString}
	if doneOnce(op) {
		longest := maxOnceKey
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &longest},
			Description: "A text of your choice for this request, such as a random UUID: sent again within 24 hours, the request is answered the same and not done again"})
	}
	if versioned[op.OperationID] {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "If-Match", In: "header", Schema: text,
			Description: "The ETag that was read: where the thing has changed since, the answer is 412 and nothing is done"})
	}
}

// describeAnswers adds the headers that every answer of a route has, after it was registered.
func describeAnswers(path *huma.PathItem, method string) {
	op := operationOf(path, method)
	for status, answer := range op.Responses {
		if answer.Headers == nil {
			answer.Headers = map[string]*huma.Param{}
		}
		if n, _ := strconv.Atoi(status); n == http.StatusTooManyRequests {
			answer.Headers["Retry-After"] = &huma.Param{Ref: "#/components/headers/RetryAfter"}
		} else if kinds := rawAnswers[op.OperationID]; len(kinds) > 0 && n < 300 {
			answer.Content = map[string]*huma.MediaType{}
			for _, kind := range kinds {
				answer.Content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
			}
		}
		if strings.HasPrefix(op.Path, "/api/v1") || slices.Contains(op.Tags, "cloudmqtt") {
			answer.Headers["RateLimit"] = &huma.Param{Ref: "#/components/headers/RateLimit"}
			answer.Headers["RateLimit-Policy"] = &huma.Param{Ref: "#/components/headers/RateLimitPolicy"}
		}
	}
}

// operationOf is the operation of a path by its method.
func operationOf(path *huma.PathItem, method string) *huma.Operation {
	return map[string]*huma.Operation{http.MethodGet: path.Get, http.MethodPost: path.Post, http.MethodPut: path.Put,
		http.MethodPatch: path.Patch, http.MethodDelete: path.Delete, http.MethodHead: path.Head}[method]
}
