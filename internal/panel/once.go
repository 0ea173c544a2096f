package panel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tsunagi/internal/account"
)

// doneOnce says whether a route takes the header Idempotency-Key: all that make something.
func doneOnce(op *huma.Operation) bool {
	return op.Method == http.MethodPost && op.DefaultStatus == http.StatusCreated && len(op.Security) > 0
}

// maxOnceKey is the longest Idempotency-Key, in bytes.
const maxOnceKey = 255

// once does a request whose key hasn't come before. One that has gets the answer of the first time again, and nothing
// else happens. Only what worked is kept: what failed may be tried again with the same key.
func (p *Panel) once(c huma.Context, key string, next func(huma.Context)) {
	r, w := humago.Unwrap(c)
	refuse := func(err error) { p.writeProblem(w, r, p.problem(c.Context(), err)) }
	if len(key) > maxOnceKey || !plainKey(key) {
		refuse(&account.Error{Code: account.Invalid, Key: "api.once.key", Args: []any{"limit", maxOnceKey}})
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(bodyTime)) // where it can't be set, the server has its own
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, c.Operation().MaxBodyBytes))
	_ = c.SetReadDeadline(time.Time{})
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		refuse(&failure{status: http.StatusRequestEntityTooLarge})
		return
	}
	if err != nil {
		refuse(&failure{status: http.StatusBadRequest})
		return
	}
	h := sha256.New()
	for _, part := range []string{r.Method, r.URL.Path, r.URL.RawQuery, string(body)} {
		n := sha256.Sum256([]byte(part))
		h.Write(n[:])
	}
	call := account.OnceCall{Key: key}
	h.Sum(call.Digest[:0])
	by := actor(c.Context())
	answered, err := p.o.Accounts.BeginOnce(c.Context(), by, call)
	if err != nil {
		refuse(err)
		return
	}
	if answered != nil {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Idempotent-Replayed", "true")
		w.WriteHeader(answered.Status)
		_, _ = w.Write(answered.Body) // the peer may be gone
		return
	}
	again := r.Clone(c.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	kept := &keeping{ResponseWriter: w, status: http.StatusOK}
	defer func() { // also when it panics: then nothing is kept, as nobody knows how far it came
		p.endOnce(c.Context(), by, call, kept)
	}()
	next(humago.NewContext(c.Operation(), again, kept))
	kept.done = true
}

// endOnce keeps what was answered. A peer that has gone away must find it, so its leaving doesn't end the call.
func (p *Panel) endOnce(ctx context.Context, by account.Actor, call account.OnceCall, kept *keeping) {
	if !kept.done {
		return // it stays as one whose end nobody knows
	}
	var answer *account.OnceAnswer
	if kept.status == http.StatusCreated {
		answer = &account.OnceAnswer{Status: kept.status, Body: kept.body.Bytes()}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bodyTime)
	defer cancel()
	if err := p.o.Accounts.EndOnce(ctx, by, call, answer); err != nil {
		p.o.Log.Error("the answer of a request that is done once could not be kept", "route", requestOf(ctx).route, "error", err)
	}
}

// keeping keeps what is written.
type keeping struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	done   bool
}

func (k *keeping) WriteHeader(status int) { k.status = status; k.ResponseWriter.WriteHeader(status) }
func (k *keeping) Write(b []byte) (int, error) {
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}
func (k *keeping) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// plainKey says whether a key has visible ASCII alone.
func plainKey(key string) bool {
	return strings.IndexFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) < 0
}

// entityTags are the tags of If-Match without quotes. A weak one matches nothing [RFC 9110, 13.1.1].
func entityTags(headers []string) []string {
	tags := []string{}
	for tag := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		tag = strings.TrimSpace(tag)
		if inner, ok := strings.CutPrefix(tag, `"`); ok && strings.HasSuffix(inner, `"`) {
			tag = strings.TrimSuffix(inner, `"`)
		} else if tag != "*" {
			tag = "" // nothing has it
		}
		tags = append(tags, tag)
	}
	return tags
}

// tagged is the answer of a route about one thing that several may change.
type tagged[T any] struct {
	ETag string `header:"ETag" doc:"Version of the thing; in If-Match it makes a change only while nobody else has changed it"`
	Body T
}

// tag answers with a row's version.
func tag[T any](p *Panel, row account.Row, body T) *tagged[T] {
	return &tagged[T]{p.etag(row), body}
}

// etag is a row's version as it stands in ETag and If-Match.
func (p *Panel) etag(row account.Row) string { return `"` + p.o.Accounts.Version(row) + `"` }

// VersionBody is part of what stands in lists of things that have versions.
type VersionBody struct {
	ETag string `json:"etag,omitempty" doc:"In a list: version of the thing, for If-Match. Alone it has its version in the header ETag"`
}

func (v *VersionBody) setVersion(etag string) { v.ETag = etag }

// inList is show for a list: each thing has its version with it.
func inList[R account.Row, B any, PB interface {
	*B
	setVersion(etag string)
}](p *Panel, show func(R) B) func(R) B {
	return func(row R) B {
		body := show(row)
		PB(&body).setVersion(p.etag(row))
		return body
	}
}
