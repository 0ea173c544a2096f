package editor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"tsunagi/internal/flow"
)

// Bounds of request bodies in bytes.
const (
	maxFlows = flow.MaxFile + 64<<10 // a deploy: the flow file and what is wrapped around it
	maxBody  = 1 << 20               // all other JSON bodies
	maxForm  = 64 << 10              // forms
)

// apiError is an answer that the editor understands: a status and {"code","message"}.
type apiError struct {
	status  int
	code    string
	message string // shown to the user: short, and without anything from inside
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// refusal returns an apiError.
func refusal(status int, code, format string, args ...any) error {
	return &apiError{status, code, fmt.Sprintf(format, args...)}
}

// notFound is Node-RED's answer for something that isn't there.
func notFound(what string) error { return refusal(http.StatusNotFound, "not_found", "%s", what) }

// handler answers one request or returns why it can't.
type handler func(w http.ResponseWriter, r *http.Request) error

// serve runs h and turns its error into an answer. What is not an apiError is our fault: it is logged, not shown.
func (s *Server) serve(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		var known *apiError
		if !errors.As(err, &known) {
			s.log.Error("editor request failed", "method", r.Method, "path", r.URL.Path, "error", err)
			known = &apiError{http.StatusInternalServerError, "unexpected_error", "Something went wrong on the server; its log says what."}
		} else if known.status != http.StatusUnauthorized {
			s.log.Info("editor request refused", "method", r.Method, "path", r.URL.Path, "status", known.status, "code", known.code)
		}
		if known.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		writeJSON(w, known.status, map[string]string{"code": known.code, "message": known.message})
	}
}

// writeJSON answers with v. An error can only be the reader's going away, which needs no answer.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(body)
	return nil
}

// writeRaw answers with JSON text that is ready.
func writeRaw(w http.ResponseWriter, body []byte) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Write(body)
	return nil
}

// writeText answers with a line of plain text.
func writeText(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, text)
	return nil
}

// readBody reads a JSON body of at most limit bytes. No body at all is nil.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refusal(http.StatusRequestEntityTooLarge, "too_large", "That is more than %d MB, the most that is taken at once.", limit>>20)
	case err != nil:
		return nil, refusal(http.StatusBadRequest, "unexpected_error", "The request ended early.")
	case len(body) == 0:
		return nil, nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return nil, refusal(http.StatusUnsupportedMediaType, "unexpected_error", "Send this as application/json.")
	}
	return body, nil
}

// readJSON decodes a JSON body of at most limit bytes into v.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	body, err := readBody(w, r, limit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return badJSON(err)
	}
	return nil
}

// badJSON says where a body stops being JSON, or which field is of the wrong kind.
func badJSON(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return refusal(http.StatusBadRequest, "unexpected_error", "Not valid JSON after %d bytes: %s.", syntax.Offset, syntax)
	case errors.As(err, &kind):
		return refusal(http.StatusBadRequest, "unexpected_error", "The field %q must not be a %s.", kind.Field, kind.Value)
	}
	return refusal(http.StatusBadRequest, "unexpected_error", "Not valid JSON.")
}

// readForm reads an application/x-www-form-urlencoded body, which is what the editor's ajax calls send by default.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, refusal(http.StatusBadRequest, "unexpected_error", "The form can't be read.")
	}
	return r.PostForm, nil
}
