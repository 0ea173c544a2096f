package panel

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"tsunagi/internal/account"
)

// Problem is a failure as RFC 9457 has it, with a stable code. Values that were sent are never in it.
type Problem struct {
	Type   string  `json:"type" example:"about:blank"`
	Title  string  `json:"title" doc:"Name of the HTTP status"`
	Status int     `json:"status"`
	Detail string  `json:"detail" doc:"Sentence for the person, in the language of the request"`
	Code   string  `json:"code" enum:"invalid,unauthorized,forbidden,not_found,conflict,stale,limit,rate_limited,internal"`
	Errors []Fault `json:"errors,omitempty" doc:"What is wrong with parts of the request"`

	header http.Header
}

// Fault is what is wrong with one part of the request.
type Fault struct {
	Location string `json:"location" example:"body.name"`
	Message  string `json:"message"`
}

func (p *Problem) Error() string             { return p.Code + ": " + p.Detail }
func (p *Problem) GetStatus() int            { return p.Status }
func (p *Problem) ContentType(string) string { return "application/problem+json" }
func (p *Problem) GetHeaders() http.Header   { return p.header }
func newProblem(status int, code string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code}
}

// failure is a refusal that package account doesn't know.
type failure struct {
	status int
	key    string
	args   []any
}

func (f *failure) Error() string { return http.StatusText(f.status) + " " + f.key }

// statuses are the HTTP statuses of the codes.
var statuses = map[account.Code]int{
	account.Invalid:      http.StatusUnprocessableEntity,
	account.Unauthorized: http.StatusUnauthorized,
	account.Forbidden:    http.StatusForbidden,
	account.NotFound:     http.StatusNotFound,
	account.Conflict:     http.StatusConflict,
	account.Stale:        http.StatusPreconditionFailed,
	account.Limit:        http.StatusForbidden,
	account.RateLimited:  http.StatusTooManyRequests,
	account.Internal:     http.StatusInternalServerError,
}

// codeOf is the code of a status that comes from the outside of package account.
func codeOf(status int) (code, key string) {
	switch status {
	case http.StatusUnauthorized:
		return "unauthorized", "api.unauthorized"
	case http.StatusForbidden:
		return "forbidden", "api.forbidden"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "not_found", "api.not_found"
	case http.StatusTooManyRequests:
		return "rate_limited", "api.busy"
	}
	if status >= 500 {
		return "internal", "api.internal"
	}
	return "invalid", "api.invalid"
}

// problem turns any error into what is answered. What a person can't understand is logged here, once, and answered as
// internal.
func (p *Panel) problem(ctx context.Context, err error) *Problem {
	language := requestOf(ctx).language
	var known *Problem
	var refused *account.Error
	var other *failure
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &refused) && refused.Code != account.Internal:
		out := newProblem(statuses[refused.Code], string(refused.Code))
		out.Detail = p.o.Text(language, refused.Key, refused.Args...)
		if refused.Field != "" {
			out.Errors = []Fault{{"body." + refused.Field, out.Detail}}
		}
		if refused.Wait > 0 {
			out.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(refused.Wait.Seconds())))}}
		}
		return out
	case errors.As(err, &other):
		code, key := codeOf(other.status)
		if other.key != "" {
			key = other.key
		}
		out := newProblem(other.status, code)
		out.Detail = p.o.Text(language, key, other.args...)
		return out
	}
	if ctx.Err() == nil {
		p.o.Log.Error("request failed", "route", requestOf(ctx).route, "error", err)
	}
	out := newProblem(http.StatusInternalServerError, "internal")
	key := "api.internal"
	if refused != nil {
		key = refused.Key
	}
	out.Detail = p.o.Text(language, key)
	return out
}

// writeProblem answers outside of huma.
func (p *Panel) writeProblem(w http.ResponseWriter, r *http.Request, out *Problem) {
	for name, values := range out.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(out.Status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(out) // the peer may be gone: nobody is left to tell
	}
}

// problemsOnce guards huma's own place for the form of its errors, which is one for the process.
var problemsOnce sync.Once

// useProblems makes huma's errors (a body that isn't JSON, a missing field) problems of ours. Huma would send back the
// value at fault; that may be a password.
//
// Its other place is the letter case of names: NAME beside name would pass where only name is checked, and be the one that
// is read.
func useProblems() {
	huma.ValidateStrictCasing = true
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		code, _ := codeOf(status)
		out := newProblem(status, code)
		out.Detail = message
		for _, err := range errs {
			var detail huma.ErrorDetailer
			if errors.As(err, &detail) {
				d := detail.ErrorDetail()
				out.Errors = append(out.Errors, Fault{d.Location, d.Message})
			}
		}
		return out
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		out := huma.NewError(status, message, errs...).(*Problem)
		if r := requestOf(ctx.Context()); r.text != nil {
			_, key := codeOf(status)
			out.Detail = r.text(r.language, key)
		}
		return out
	}
}
