package panel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tsunagi/internal/account"
)

// The API that CloudMQTT had, for client libraries and scripts made for it: only their host changes. The instance's
// half wants Basic with the instance's API key, the account's half with an API token. Clients send it as the password
// of an empty user name, or as user name without a password; both are taken. What it can do is a part of /api/v1, with
// the same rules behind it.

// compatRoute is one line of its table. in and out are empty values of what its body and answer look like, for the
// document; nil for none.
type compatRoute struct {
	pattern string
	account bool // of the account, not of one instance
	run     func(*compatCall) (any, error)
	name    string
	summary string
	in, out any
}

func (p *Panel) compatRoutes() []compatRoute {
	return []compatRoute{
		{"GET /api/user", false, p.compatUsers, "compat-list-users", "Users; query is the beginning of the name", nil, []compatName{}},
		{"POST /api/user", false, p.compatCreateUser, "compat-create-user", "Make a user", compatLogin{}, nil},
		{"PUT /api/user", false, p.compatChangeUser, "compat-change-user", "Give a user another password", compatLogin{}, nil},
		{"GET /api/user/{name}", false, p.compatUser, "compat-get-user", "One user with its rules", nil, compatUserBody{}},
		{"PUT /api/user/{name}", false, p.compatChangeUser, "compat-change-named-user", "Give a user another password", compatPassword{}, nil},
		{"DELETE /api/user/{name}", false, p.compatDeleteUser, "compat-delete-user", "Delete a user", nil, nil},
		{"GET /api/acl", false, p.compatRules, "compat-list-rules", "Rules; with the header Api-Version: 1 as the items of an object", nil, []compatRule{}},
		{"POST /api/acl", false, p.compatCreateRule, "compat-create-rule", "Make a rule", compatRuleWish{}, nil},
		{"DELETE /api/acl", false, p.compatDeleteRule, "compat-delete-rule", "Delete a rule", compatRuleWish{}, nil},
		{"GET /api/info/connections", false, p.compatConnections, "compat-list-connections", "Connected clients", nil, []compatConnection{}},
		{"POST /api/instance/restart", false, p.compatRestart, "compat-restart", "End all connections and load the state anew", nil, nil},
		{"POST /api/instance/reset", false, p.compatReset, "compat-reset", "Forget all sessions, queued and retained messages", nil, nil},

		{"GET /api/instances", true, p.compatInstances, "compat-list-instances", "Instances of the account", nil, []compatInstance{}},
		{"POST /api/instances", true, p.compatCreateInstance, "compat-create-instance", "Make an instance", compatInstanceWish{}, compatInstance{}},
		{"GET /api/instances/{id}", true, p.compatInstance, "compat-get-instance", "One instance, with address and key for a token that may manage", nil, compatInstance{}},
		{"PUT /api/instances/{id}", true, p.compatChangeInstance, "compat-change-instance", "Another name or plan", compatInstanceWish{}, compatInstance{}},
		{"DELETE /api/instances/{id}", true, p.compatDeleteInstance, "compat-delete-instance", "Delete an instance with all that is in it", nil, nil},
	}
}

// compatCall is one request.
type compatCall struct {
	ctx      context.Context
	by       account.Actor
	instance account.Instance // of the instance's half
	r        *http.Request
	body     map[string]any // of a JSON object or a form
}

func (p *Panel) mountCompat(mux humago.Mux, doc *huma.OpenAPI) {
	for _, route := range p.compatRoutes() {
		describeCompat(doc, route)
		serve := func(w http.ResponseWriter, r *http.Request) { p.serveCompat(w, r, route) }
		mux.HandleFunc(route.pattern, serve)
		mux.HandleFunc(route.pattern+"/{$}", serve) // what clients make of "user/" and no name
	}
}

func (p *Panel) serveCompat(w http.ResponseWriter, r *http.Request, route compatRoute) {
	req := request{by: account.Actor{Via: "token", Remote: remoteHost(r), Agent: r.UserAgent()}, language: p.language(r, ""), route: route.pattern, text: p.o.Text}
	refuse := func(err error) {
		problem := p.problem(context.WithValue(r.Context(), requestKey{}, req), err)
		if problem.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="Tsunagi"`)
		}
		p.writeProblem(w, r, problem)
	}
	w.Header().Set("Cache-Control", "no-store")
	c := &compatCall{r: r}
	err := p.compatSignIn(c, route, req.by)
	if err == nil {
		req.by, req.language = c.by, p.language(r, c.by.Account.Language)
	}
	left := p.rates.take(req.by)
	if left.tell(w.Header()); left.wait > 0 {
		refuse(left.busy())
		return
	}
	if err == nil && c.by.Scope.OfMessages() {
		err = &failure{status: http.StatusForbidden, key: "api.token.messages"}
	}
	if err == nil && c.by.Scope == account.ScopeRead && r.Method != http.MethodGet {
		err = &failure{status: http.StatusForbidden, key: "api.token.read"}
	}
	if err == nil {
		c.by, err = p.o.Accounts.Judge(r.Context(), c.by, signedIn.role(r.Method), c.about())
	}
	if err == nil {
		req.by = c.by
		c.body, err = compatBody(w, r)
	}
	if err != nil {
		refuse(err)
		return
	}
	c.ctx = context.WithValue(r.Context(), requestKey{}, req)
	out, err := route.run(c)
	if err != nil {
		refuse(err)
		return
	}
	if out == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // the peer may be gone: nobody is left to tell
}

// compatSignIn judges the key of a request.
func (p *Panel) compatSignIn(c *compatCall, route compatRoute, by account.Actor) (err error) {
	user, key, _ := c.r.BasicAuth()
	if key == "" {
		user, key = "", user
	}
	if route.account {
		if key == "" || user != "" {
			return &failure{status: http.StatusUnauthorized, key: "api.key.account"}
		}
		c.by, err = p.o.Accounts.ByToken(c.r.Context(), key, by.Remote, by.Agent)
		return err
	}
	if key == "" || user != "" && !account.ValidInstanceID(user) {
		return &failure{status: http.StatusUnauthorized, key: "api.key.instance"}
	}
	c.by, c.instance, err = p.o.Accounts.ByInstanceKey(c.r.Context(), key, by.Remote, by.Agent)
	if err == nil && user != "" && user != c.instance.ID { // some can't send an empty user name; the instance's was CloudMQTT's first form
		c.by, c.instance = by, account.Instance{}
		return &failure{status: http.StatusUnauthorized, key: "api.key.instance"}
	}
	return err
}

// about is the instance that a call is about; zero for the account as a whole.
func (c *compatCall) about() account.Thing {
	id := c.instance.ID
	if id == "" {
		id = compatID(c.r.PathValue("id"))
	}
	if id == "" {
		return account.Thing{}
	}
	return account.Thing{Kind: account.ThingInstance, ID: id}
}

// compatBody reads a JSON object or a form; nothing is an empty one.
func compatBody(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	if !hasBody(r) {
		return nil, nil
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTime)) // where it can't be set, the server has its own
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = control.SetReadDeadline(time.Time{})
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok && tooLarge != nil {
		return nil, &failure{status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return nil, &failure{status: http.StatusBadRequest}
	}
	if len(raw) == 0 {
		return nil, nil
	}
	body := map[string]any{}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		kind = "application/json" // as curl -d sends it when nobody tells it what it is
	}
	switch kind {
	case "application/json":
		if err := json.Unmarshal(raw, &body); err != nil || body == nil {
			return nil, &failure{status: http.StatusBadRequest, key: "api.compat.object"}
		}
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, &failure{status: http.StatusBadRequest, key: "api.compat.object"}
		}
		for name, values := range form {
			body[name] = values[0]
		}
	default:
		return nil, &failure{status: http.StatusUnsupportedMediaType, key: "api.compat.kind"}
	}
	return body, nil
}

// text is a field of the body; null and no field are "".
func (c *compatCall) text(name string) (string, error) {
	switch v := c.body[name].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	return "", &account.Error{Code: account.Invalid, Key: "api.compat.text", Args: []any{"name", name}, Field: name}
}

// flag is a field of the body that is true or false; given says whether it is there.
func (c *compatCall) flag(name string) (on, given bool, err error) {
	switch v := c.body[name].(type) {
	case nil:
		return false, false, nil
	case bool:
		return v, true, nil
	case string:
		if on, err := strconv.ParseBool(strings.ToLower(v)); err == nil {
			return on, true, nil
		}
	}
	return false, true, &account.Error{Code: account.Invalid, Key: "api.compat.flag", Args: []any{"name", name}, Field: name}
}

// page is what the query asks of a list: at most limit behind the first skip.
func (c *compatCall) page() (skip, limit int, err error) {
	limit, number := 1000, 1
	query := c.r.URL.Query()
	for name, into := range map[string]*int{"limit": &limit, "page": &number} {
		if text := query.Get(name); text != "" {
			if *into, err = strconv.Atoi(text); err != nil || *into < 1 || *into > 1_000_000 {
				return 0, 0, &account.Error{Code: account.Invalid, Key: "api.compat.page", Field: name}
			}
		}
	}
	limit = min(limit, 1000)
	return (number - 1) * limit, limit, nil
}

// cut is the part of a list that the query asks for.
func cut[T any](c *compatCall, list []T) ([]T, error) {
	skip, limit, err := c.page()
	if err != nil {
		return nil, err
	}
	list = list[min(skip, len(list)):]
	return list[:min(limit, len(list))], nil
}
