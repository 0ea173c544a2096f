package panel

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tsunagi/internal/account"
)

// CookieName is the cookie of a browser's session. The prefix makes browsers refuse it from any other origin, without
// TLS, or for a part of the paths.
const CookieName = "__Host-tsunagi"

// request is what is known of a request besides its words.
type request struct {
	by       account.Actor
	language string
	route    string
	text     func(language, key string, args ...any) string
	trip     string // cookie of a visit to a provider; "" for none
	host     string // by which the caller has found this server; "" for the admin socket
}

type requestKey struct{}

func requestOf(ctx context.Context) request {
	r, _ := ctx.Value(requestKey{}).(request)
	return r
}

// actor is who calls.
func actor(ctx context.Context) account.Actor { return requestOf(ctx).by }

// admit is passed by every request of the API: rate limits, sign-in, role. Here and nowhere else it is decided what a
// role may ask for; the levels stand in the table of routes.
func (p *Panel) admit(c huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(c)
	req := request{
		by:       account.Actor{Via: "panel", Remote: remoteHost(r), Agent: r.UserAgent()},
		language: p.language(r, ""),
		route:    c.Operation().OperationID,
		text:     p.o.Text,
	}
	if c, err := r.Cookie(tripCookie); err == nil {
		req.trip = c.Value
	}
	w.Header().Set("Cache-Control", "no-store")
	err := p.arrive(c, &req)
	if err == nil {
		err = mayAsk(c, &req)
	}
	if err == nil {
		err = p.mayTouch(c, &req)
	}
	if err == nil {
		c, err = withVersions(huma.WithValue(c, requestKey{}, req))
	}
	if err != nil {
		p.writeProblem(w, r, p.problem(context.WithValue(r.Context(), requestKey{}, req), err))
		return
	}
	if kinds := rawAnswers[req.route]; r.Method == http.MethodHead && slices.Contains(kinds, eventKind) {
		w.Header().Set("Content-Type", eventKind) // there is nothing to wait for
		return
	}
	if key := r.Header.Get("Idempotency-Key"); key != "" && doneOnce(c.Operation()) {
		p.once(c, key, next)
		return
	}
	next(c)
}

// arrive finds out who asks, in a form that is read here and as often as they may.
func (p *Panel) arrive(c huma.Context, req *request) error {
	r, w := humago.Unwrap(c)
	kind := r.Header.Get("Content-Type")
	if hasBody(r) && !isJSON(kind) && (fileBodies[req.route] == "" || kind != fileBodies[req.route]) {
		return &failure{status: http.StatusUnsupportedMediaType, key: "api.json"}
	}
	by, err := p.who(r, req.by)
	if err == nil {
		req.by = by
		req.language = p.language(r, by.Account.Language)
	}
	if why := ceremonies[req.route]; why != "" && by.Operator {
		return &failure{status: http.StatusForbidden, key: why}
	}
	if !by.Operator {
		req.host = hostOf(r)
		left := p.rates.take(req.by)
		if left.tell(w.Header()); left.wait > 0 {
			return left.busy()
		}
	}
	var refused *account.Error
	if err != nil && (levelOf(c) != public || !errors.As(err, &refused)) {
		return err // when the store failed: for nobody a reason to be taken for a stranger
	}
	return nil
}

func levelOf(c huma.Context) access {
	level, _ := c.Operation().Metadata["access"].(access)
	return level
}

// forMessages are the routes that are for tokens for messages, too, with what their scope must allow. The routes judge
// the topics. All else, also what is public, is not for such a token, whatever it is about.
var forMessages = map[string]account.Access{
	"publish": account.Publish, "publish-batch": account.Publish, "subscribe": account.Subscribe, "get-retained": account.Subscribe,
}

// mayAsk says whether a route is for such as who asks, whatever it is about.
func mayAsk(c huma.Context, req *request) error {
	level, method := levelOf(c), c.Method()
	switch {
	case req.by.Scope.OfMessages() && !req.by.Scope.Allows(forMessages[req.route]):
		return &failure{status: http.StatusForbidden, key: "api.token.messages"}
	case level == owner && req.by.Account.Role != account.RoleOwner && !req.by.Operator:
		return &failure{status: http.StatusForbidden}
	case level.noTokens() && req.by.Via == "token":
		return &failure{status: http.StatusForbidden, key: "api.token.browser"}
	case req.by.Scope == account.ScopeRead && method != http.MethodGet && method != http.MethodHead:
		return &failure{status: http.StatusForbidden, key: "api.token.read"}
	}
	return nil
}

// mayTouch says whether who asks has the role for what the request is about, and keeps whose it is.
func (p *Panel) mayTouch(c huma.Context, req *request) (err error) {
	level, by := levelOf(c), req.by
	about := account.Thing{ID: c.Param("id")}
	if about.Kind, _ = c.Operation().Metadata["thing"].(account.ThingKind); about.Kind == "" {
		about.ID = ""
	}
	if by.Only != "" && about.Kind == "" && level != public && level != glance {
		return &failure{status: http.StatusForbidden, key: "api.token.only"} // not of the account, and not of the server
	}
	role := level.role(c.Operation().Method)
	if role == "" && level != public && level != own && level != owner {
		return errors.New("route without an access level")
	}
	if role == "" && (level == own || by.Operator) {
		role = account.TeamDashboard // nobody needs a role for themselves, but they look at some account
	}
	if role != "" {
		if req.by, err = p.o.Accounts.Judge(c.Context(), by, role, about); err != nil {
			return err
		}
	}
	if level == own && by.Operator && (req.by.Account.ID == "" || req.by.Account.Role == account.RoleTeam) {
		return &failure{status: http.StatusForbidden, key: "api.admin.person"}
	}
	return nil
}

// withVersions hands on the versions that a change asks for. A route that has none takes nothing but *.
func withVersions(c huma.Context) (huma.Context, error) {
	r, _ := humago.Unwrap(c)
	match := r.Header.Values("If-Match")
	if len(match) == 0 || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return c, nil
	}
	switch tags := entityTags(match); {
	case versioned[c.Operation().OperationID]:
		return huma.WithContext(c, account.WithVersions(c.Context(), tags...)), nil
	case !slices.Contains(tags, "*"): // none of these is its
		return c, &account.Error{Code: account.Stale, Key: "api.stale"}
	}
	return c, nil
}

// who is the actor behind the request's API token or cookie. A request with both is judged by the token alone, and one
// that comes by Inside by neither.
func (p *Panel) who(r *http.Request, by account.Actor) (account.Actor, error) {
	if comesFromInside(r.Context()) {
		return account.AdminFor(r.Header.Get(AccountHeader)), nil
	}
	if header := r.Header.Get("Authorization"); header != "" {
		kind, token, _ := strings.Cut(header, " ")
		if strings.HasPrefix(strings.TrimSpace(token), account.MetricsTokenHead) { // nobody's: see getMetrics
			return by, &account.Error{Code: account.Unauthorized, Key: "api.unauthorized"}
		}
		if !strings.EqualFold(kind, "Bearer") {
			return by, &account.Error{Code: account.Unauthorized, Key: "api.token.unknown"}
		}
		return p.o.Accounts.ByToken(r.Context(), strings.TrimSpace(token), by.Remote, by.Agent)
	}
	return p.signedIn(r, by)
}

// signedIn is the actor behind the request's cookie.
func (p *Panel) signedIn(r *http.Request, by account.Actor) (account.Actor, error) {
	cookie, err := r.Cookie(CookieName)
	if err != nil {
		return by, &account.Error{Code: account.Unauthorized, Key: "api.unauthorized"}
	}
	return p.o.Accounts.BySession(r.Context(), cookie.Value, by.Remote, by.Agent)
}

// sessionCookie sets (or with an empty token clears) the cookie of the session.
func sessionCookie(token string) string {
	c := http.Cookie{Name: CookieName, Value: token, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 30 * 24 * 3600}
	if token == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// guard refuses state changes that come from another site, and answers them as problems.
func (p *Panel) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), requestKey{}, request{language: p.language(r, ""), text: p.o.Text})
		p.writeProblem(w, r, p.problem(ctx, &failure{status: http.StatusForbidden, key: "api.origin"}))
	}))
	return cross.Handler(next)
}

// asWritten refuses paths of the API with parts that a mux would put right by sending the caller elsewhere: ".", ".." and
// empty ones but for the last. A client may call itself "..", and ending its session must not become a DELETE of the instance. Where such a
// name is meant, it comes as %2E%2E.
func (p *Panel) asWritten(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		if !strings.HasPrefix(path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		for part := range strings.SplitSeq(strings.TrimSuffix(path[1:], "/"), "/") {
			if part == "" || part == "." || part == ".." {
				p.refuse(w, r, http.StatusNotFound, "")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// recover turns a panic, which is our own bug, into one failed request.
func (p *Panel) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			ctx := context.WithValue(r.Context(), requestKey{}, request{language: p.language(r, ""), text: p.o.Text, route: r.Pattern})
			p.writeProblem(w, r, p.problem(ctx, &panicked{v}))
		}()
		next.ServeHTTP(w, r)
	})
}

func hasBody(r *http.Request) bool {
	return r.ContentLength != 0 && r.Method != http.MethodGet && r.Method != http.MethodHead
}

func isJSON(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json")
}
