package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// accountHeader names the account that a call is about; the API reads it from this socket alone.
const accountHeader = "Tsunagi-Account"

// apiBase is where the paths of the API begin.
const apiBase = "/api/v1"

// OnAPI has h answer everything below /api/: it takes whoever comes by the socket for who runs the server. end is called
// at Stop, so that streams don't keep it waiting. It comes before Start; without it there is no API here.
func (s *Server) OnAPI(h http.Handler, end func()) {
	s.api = h
	s.http.RegisterOnShutdown(end)
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	if s.api == nil {
		tell(w, http.StatusNotFound, fault{"not_found", "what runs here has no API: it is not `tsunagi serve`"})
		return
	}
	s.api.ServeHTTP(w, r)
}

// request is a call of the API.
type request struct {
	method, path string // escaped; behind apiBase where it doesn't begin with /api/
	query        url.Values
	account      string // id or e-mail; "" for none
	kind         string // of the body [application/json]
	body         io.Reader
}

// takes has fields be the body; nil: there is none.
func (q *request) takes(body fields) error {
	if body == nil {
		return nil
	}
	raw, err := json.Marshal(body)
	q.body = bytes.NewReader(raw)
	return err
}

// ask makes a call. An answer that isn't 2xx is an error in words; the body of any other is the caller's to close. It
// takes as long as it takes: streams end when ctx does.
func (c *client) ask(ctx context.Context, q request) (*http.Response, error) {
	at := q.path
	if !strings.HasPrefix(at, "/api/") {
		at = apiBase + at
	}
	if len(q.query) > 0 {
		at += "?" + q.query.Encode()
	}
	if q.body == nil {
		q.body = http.NoBody
	}
	r, err := http.NewRequestWithContext(ctx, q.method, "http://admin"+at, q.body)
	if err != nil {
		return nil, err
	}
	if q.body != http.NoBody {
		if q.kind == "" {
			q.kind = "application/json"
		}
		r.Header.Set("Content-Type", q.kind)
	}
	r.Header.Set("Accept-Language", "en")
	if q.account != "" {
		r.Header.Set(accountHeader, q.account)
	}
	unhurried := c.http
	unhurried.Timeout = 0
	answer, err := unhurried.Do(r)
	if err != nil {
		return nil, c.explain(err)
	}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, problem(answer)
}

// problem is what an answer says went wrong.
func problem(answer *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	var p struct {
		Detail string
		Errors []struct{ Location, Message string }
	}
	if json.Unmarshal(raw, &p) != nil || p.Detail == "" {
		return fmt.Errorf("the server answered %s: %s", answer.Status, strings.TrimSpace(string(raw)))
	}
	words := []string{p.Detail}
	for _, e := range p.Errors {
		if e.Message != p.Detail {
			words = append(words, strings.TrimPrefix(e.Location, "body.")+": "+e.Message)
		}
	}
	return errors.New(strings.Join(words, "; "))
}

// askJSON makes a call and reads the answer whole. Numbers stay as they are written.
func (c *client) askJSON(ctx context.Context, q request) (out any, raw []byte, err error) {
	answer, err := c.ask(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	if raw, err = io.ReadAll(answer.Body); err != nil {
		return nil, nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(raw) == 0 {
		return nil, nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return nil, nil, fmt.Errorf("answer of the server: %w", err)
	}
	return out, raw, nil
}

// apiCommand calls any operation.
func apiCommand() command {
	return command{words: "api", args: "METHOD PATH", help: "call any operation of the API (/api/openapi.json) and print its answer", flags: func(f *pflag.FlagSet) {
		f.StringArray("field", nil, "field of the body, or of the query of a GET: name=text, or name:=JSON; may be given again")
		f.String("in", "", "file that is the body, - for standard input")
		f.String("type", "", "content type of --in [application/json]")
		accountFlag(f)
	}, run: callAPI}
}

func accountFlag(f *pflag.FlagSet) {
	f.String("account", "", "account that it is about, by e-mail or id [the owner of the installation]")
}

func callAPI(k *call) error {
	q := request{method: strings.ToUpper(k.args[0]), account: k.text("account"), kind: k.text("type")}
	at, query, _ := strings.Cut(k.args[1], "?")
	if !strings.HasPrefix(at, "/") {
		return &usageError{"PATH begins with /, such as /instances"}
	}
	q.path = at
	var err error
	if q.query, err = url.ParseQuery(query); err != nil {
		return &usageError{"PATH: " + err.Error()}
	}
	given, err := k.fields()
	if err != nil {
		return err
	}
	switch name := k.text("in"); {
	case name != "" && len(given) > 0:
		return &usageError{"want --in or --field, not both"}
	case name == "-":
		q.body = k.in
	case name != "":
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		q.body = f
	case q.method == http.MethodGet:
		for name, value := range given {
			text := string(value)
			_ = json.Unmarshal(value, &text) // what is no text stays as it is written
			q.query.Set(name, text)
		}
	case len(given) > 0:
		raw, err := json.Marshal(given)
		if err != nil {
			return err
		}
		q.body = bytes.NewReader(raw)
	}
	answer, err := k.client.ask(k.ctx, q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return k.copyAnswer(answer)
}

// fields are the fields that the flags give, each as JSON.
func (k *call) fields() (map[string]json.RawMessage, error) {
	list, err := k.flags.GetStringArray("field")
	if err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for _, one := range list {
		name, value, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return nil, &usageError{fmt.Sprintf("--field %q: want name=text or name:=JSON", one)}
		}
		if plain, isJSON := strings.CutSuffix(name, ":"); isJSON {
			if !json.Valid([]byte(value)) {
				return nil, &usageError{fmt.Sprintf("--field %s: what follows := is no JSON", plain)}
			}
			out[plain] = json.RawMessage(value)
			continue
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		out[name] = raw
	}
	return out, nil
}

// copyAnswer prints an answer: JSON indented, anything else as it comes.
func (k *call) copyAnswer(answer *http.Response) error {
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") && !strings.HasSuffix(kind, "+json") {
		if _, err := io.Copy(k.out, answer.Body); err != nil && k.ctx.Err() == nil {
			return fmt.Errorf("the answer broke off (the server's log says why, where it is to blame): %w", err)
		}
		return nil
	}
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return k.printRaw(raw)
}

// printRaw prints JSON as the server wrote it, indented.
func (k *call) printRaw(raw []byte) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(raw), "", "  "); err != nil {
		return fmt.Errorf("answer of the server: %w", err)
	}
	b.WriteByte('\n')
	_, err := k.out.Write(b.Bytes())
	return err
}
