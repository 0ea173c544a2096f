package network

import (
	"crypto/sha1" //nolint:gosec // Express's ETag, no protection
	"encoding/base64"
	"errors"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// response is what answers one request: Express's response as flows use it. Nodes and scripts
// fill it on the loop; the goroutine of the request writes what is sent.
type response struct {
	in     *request
	status int
	header []headerField
	begun  bool // the head is on its way: nothing of it can be changed
	ended  bool

	mu    sync.Mutex // guards what follows
	parts [][]byte   // body that waits to be written
	bytes int        // of parts
	done  bool
	gone  bool
	wake  chan struct{} // holds one token when there is something new

	room [5]headerField // of header, for the first
}

// headerField is a header as it was set: its name keeps its case.
type headerField struct {
	name, key string // key is the name in small letters
	values    []string
}

// maxStreamed bounds the bytes of an answer that wait for a slow client.
const maxStreamed = 16 << 20

func newResponse(in *request) *response {
	s := &response{in: in, status: http.StatusOK, wake: make(chan struct{}, 1)}
	s.header = s.room[:0]
	return s
}

var errHeadersSent = nodeFault("Error", "ERR_HTTP_HEADERS_SENT", "Cannot set headers after they are sent to the client")

// nodeFault is an error that Node.js itself throws: its name shows the code.
func nodeFault(name, code, message string) *flow.Error {
	return &flow.Error{Name: name + " [" + code + "]", Message: message, Code: code}
}

func (s *response) get(key string) (string, bool) {
	for i := range s.header {
		if s.header[i].key == key {
			return strings.Join(s.header[i].values, ", "), true
		}
	}
	return "", false
}

func (s *response) set(name string, values ...string) error {
	if s.begun {
		return errHeadersSent
	}
	if !validHeader(name) {
		return nodeFault("TypeError", "ERR_INVALID_HTTP_TOKEN", "Header name must be a valid HTTP token [\""+name+"\"]")
	}
	for _, v := range values {
		if strings.ContainsAny(v, "\r\n\x00") {
			return nodeFault("TypeError", "ERR_INVALID_CHAR", "Invalid character in header content [\""+name+"\"]")
		}
	}
	key := headerKey(name)
	for i := range s.header {
		if s.header[i].key == key {
			s.header[i] = headerField{name, key, values}
			return nil
		}
	}
	s.header = append(s.header, headerField{name, key, values})
	return nil
}

// headerKey is a name in small letters, without work for those of every answer.
func headerKey(name string) string {
	switch name {
	case "Content-Type":
		return "content-type"
	case "Content-Length":
		return "content-length"
	case "ETag":
		return "etag"
	}
	return strings.ToLower(name)
}

func validHeader(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return name != ""
}

func (s *response) remove(key string) {
	s.header = slices.DeleteFunc(s.header, func(f headerField) bool { return f.key == key })
}

var charset = regexp.MustCompile(`;\s*charset\s*=`)

// setValue sets a header as res.set does: lists are several headers, texts get a charset.
func (s *response) setValue(name string, v value.Value) error {
	if l := v.List(); l != nil {
		list := make([]string, 0, l.Len())
		for _, e := range l.All() {
			list = append(list, e.Text())
		}
		if strings.EqualFold(name, "content-type") {
			return &flow.Error{Name: "TypeError", Message: "Content-Type cannot be set to an Array"}
		}
		return s.set(name, list...)
	}
	text := v.Text()
	if strings.EqualFold(name, "content-type") && !charset.MatchString(text) {
		base, _, _ := strings.Cut(text, ";")
		if strings.HasPrefix(base, "text/") || strings.HasPrefix(base, "application/json") || strings.HasPrefix(base, "application/javascript") {
			text += "; charset=utf-8"
		}
	}
	return s.set(name, text)
}

// json answers with JSON, jsonp with a call of the function that the query names.
func (s *response) json(v value.Value, jsonp bool) error {
	body := value.Append(nil, v)
	if callback := s.callback(); jsonp && callback != "" {
		if err := s.set("X-Content-Type-Options", "nosniff"); err != nil {
			return err
		}
		_ = s.set("Content-Type", "text/javascript; charset=utf-8") // it is a header that can be set
		text := strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`).Replace(string(body))
		return s.sendBytes([]byte("/**/ typeof " + callback + " === 'function' && " + callback + "(" + text + ");"))
	}
	now, ok := s.get("content-type")
	if ok {
		if err := s.set("Content-Type", withUTF8(now)); err != nil {
			return err
		}
	} else {
		if jsonp {
			if err := s.set("X-Content-Type-Options", "nosniff"); err != nil {
				return err
			}
		}
		if err := s.set("Content-Type", "application/json; charset=utf-8"); err != nil {
			return err
		}
	}
	return s.sendBytes(body)
}

var notInCallback = regexp.MustCompile(`[^\[\]\w$.]`)

// callback is the function that the query names for JSONP.
func (s *response) callback() string {
	if !strings.Contains(s.in.r.URL.RawQuery, "callback") {
		return ""
	}
	v := s.in.Property("query").Map().Get("callback")
	if l := v.List(); l != nil {
		v = l.At(0)
	}
	return notInCallback.ReplaceAllString(v.Str(), "")
}

// send answers with a value, as res.send does.
func (s *response) send(v value.Value) error {
	kind := ""
	var body []byte
	switch v.Kind() {
	case value.String:
		kind, body = "text/html; charset=utf-8", []byte(v.Str())
	case value.Bytes:
		kind, body = "application/octet-stream", v.Bytes()
	case value.Undefined:
		return s.end(nil)
	case value.Null:
		return s.sendBytes([]byte{})
	default:
		return s.json(v, false)
	}
	now, has := s.get("content-type")
	switch {
	case !has:
		if err := s.set("Content-Type", kind); err != nil {
			return err
		}
	case v.Is(value.String):
		if err := s.set("Content-Type", withUTF8(now)); err != nil {
			return err
		}
	}
	return s.sendBytes(body)
}

// withUTF8 puts the charset of texts into a media type.
func withUTF8(kind string) string {
	base, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return kind
	}
	if strings.EqualFold(params["charset"], "utf-8") {
		return kind
	}
	params["charset"] = "utf-8"
	return mime.FormatMediaType(base, params)
}

// sendBytes answers with a body: length, ETag, and nothing but the head where the client has it.
func (s *response) sendBytes(body []byte) error {
	if s.begun {
		return errHeadersSent
	}
	if err := s.set("Content-Length", strconv.Itoa(len(body))); err != nil {
		return err
	}
	tag, ok := s.get("etag")
	if !ok {
		tag = etag(body)
		_ = s.set("ETag", tag) // it is a header that can be set
	}
	if s.fresh(tag) {
		s.status = http.StatusNotModified
	}
	switch s.status {
	case http.StatusNoContent, http.StatusNotModified:
		s.remove("content-type")
		s.remove("content-length")
		s.remove("transfer-encoding")
		body = nil
	case http.StatusResetContent:
		_ = s.set("Content-Length", "0") // it is a header that can be set
		s.remove("transfer-encoding")
		body = nil
	}
	return s.end(body)
}

// etag is the tag that Express gives a body.
func etag(body []byte) string {
	sum := sha1.Sum(body) //nolint:gosec // no protection
	var text [28]byte
	base64.StdEncoding.Encode(text[:], sum[:])
	b := make([]byte, 0, 48)
	b = append(b, `W/"`...)
	b = strconv.AppendInt(b, int64(len(body)), 16)
	b = append(b, '-')
	b = append(b, text[:27]...)
	return string(append(b, '"'))
}

// fresh says whether the client has this answer already.
func (s *response) fresh(tag string) bool {
	r := s.in.r
	if r.Method != http.MethodGet && r.Method != http.MethodHead || s.status != http.StatusNotModified && (s.status < 200 || s.status >= 300) {
		return false
	}
	since, match := r.Header.Get("If-Modified-Since"), r.Header.Get("If-None-Match")
	if since == "" && match == "" || strings.Contains(r.Header.Get("Cache-Control"), "no-cache") {
		return false
	}
	if match != "" && match != "*" {
		known := false
		for part := range strings.SplitSeq(match, ",") {
			part = strings.TrimSpace(part)
			known = known || strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/")
		}
		if !known {
			return false
		}
	}
	if since == "" {
		return true
	}
	last, _ := s.get("last-modified")
	changed, err := http.ParseTime(last)
	known, err2 := http.ParseTime(since)
	return err == nil && err2 == nil && !changed.After(known)
}

// end sends the head, if it isn't on its way, and the last of the body.
func (s *response) end(body []byte) error {
	if s.ended {
		return nil
	}
	if _, ok := s.get("content-length"); !ok && !s.begun && s.status != http.StatusNoContent && s.status != http.StatusNotModified && s.in.r.Method != http.MethodHead {
		_ = s.set("Content-Length", strconv.Itoa(len(body))) // it is a header that can be set
	}
	if err := s.begin(); err != nil {
		return err
	}
	s.ended = true
	s.put(body, true)
	return nil
}

// begin closes the head.
func (s *response) begin() error {
	if s.status < 100 || s.status > 999 {
		return nodeFault("RangeError", "ERR_HTTP_INVALID_STATUS_CODE", "Invalid status code: "+strconv.Itoa(s.status))
	}
	s.begun = true
	return nil
}

var errSlow = errors.New("the client does not take the answer: more than 16 MiB wait")

// put hands a part of the body to the goroutine of the request.
func (s *response) put(body []byte, last bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.gone:
		return nil
	case !last && s.bytes+len(body) > maxStreamed:
		return errSlow
	}
	if len(body) > 0 {
		s.parts = append(s.parts, body)
		s.bytes += len(body)
	}
	s.done = s.done || last
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// take returns what waits to be written.
func (s *response) take() (parts [][]byte, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts, s.parts, s.bytes = s.parts, nil, 0
	return parts, s.done
}

// write writes what the flow sends until that has ended or the client has gone. It is the
// request's goroutine; the head belongs to it once the first token has come.
func (s *response) write(w http.ResponseWriter, gone <-chan struct{}) {
	defer func() {
		s.mu.Lock()
		s.gone, s.parts = true, nil
		s.mu.Unlock()
	}()
	head := false
	for {
		select {
		case <-s.wake:
		case <-gone:
			return
		case <-s.in.node.web.ending:
			if !head {
				failPage(w, http.StatusServiceUnavailable, "The flow server is stopping.")
			}
			return
		}
		parts, done := s.take()
		if !head {
			head = true
			s.writeHead(w)
		}
		for _, p := range parts {
			if _, err := w.Write(p); err != nil {
				return
			}
		}
		if done {
			return
		}
		_ = http.NewResponseController(w).Flush() // what can't be flushed comes at the end
	}
}

func (s *response) writeHead(w http.ResponseWriter) {
	h := w.Header()
	if kind, _ := s.get("content-type"); strings.HasPrefix(kind, "application/json") {
		h.Del("Content-Security-Policy") // no page, so nothing to keep apart
	}
	for _, f := range s.header {
		switch f.key {
		case "content-security-policy", "vary":
			h[http.CanonicalHeaderKey(f.name)] = append(h[http.CanonicalHeaderKey(f.name)], f.values...)
		case "connection", "transfer-encoding", "upgrade":
			if f.key == "connection" && strings.EqualFold(f.values[0], "close") {
				h.Set("Connection", "close")
			}
		case "content-length", "content-type", "date":
			h[http.CanonicalHeaderKey(f.name)] = f.values
		default:
			h[f.name] = f.values
		}
	}
	if h["Content-Type"] == nil {
		h["Content-Type"] = nil // not to be guessed
	}
	if s.status < 200 { // an information is no answer
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(s.status)
}

// cookie adds a Set-Cookie header, as res.cookie does.
func (s *response) cookie(name string, v value.Value, o *value.Map) error {
	text := v.Text()
	if v.Is(value.Object) || v.Is(value.Array) {
		text = "j:" + value.JSON(v)
	}
	if o == nil {
		o = value.NewMap(0)
	}
	if !validHeader(name) {
		return &flow.Error{Name: "TypeError", Message: "argument name is invalid: " + name}
	}
	if o.Get("signed").Truthy() {
		return &flow.Error{Message: `cookieParser("secret") required for signed cookies`}
	}
	line, err := cookieLine(name, encodeComponent(text), o)
	if err != nil {
		return err
	}
	old := []string{}
	for _, f := range s.header {
		if f.key == "set-cookie" {
			old = f.values
		}
	}
	if s.begun {
		return errHeadersSent
	}
	return s.set("Set-Cookie", append(slices.Clip(old), line)...)
}

func cookieLine(name, text string, o *value.Map) (string, error) {
	var b strings.Builder
	b.WriteString(name + "=" + text)
	expires := o.Get("expires")
	if age := o.Get("maxAge"); !age.Nullish() {
		ms := age.ToNumber()
		if ms == ms {
			expires = value.Time(time.Now().Add(time.Duration(ms) * time.Millisecond))
			b.WriteString("; Max-Age=" + strconv.FormatInt(int64(ms)/1000, 10))
		}
	}
	if d := o.Get("domain"); d.Truthy() {
		b.WriteString("; Domain=" + d.Text())
	}
	path := "/"
	if p := o.Get("path"); !p.Nullish() {
		path = p.Text()
	}
	if path != "" {
		b.WriteString("; Path=" + path)
	}
	if expires.Truthy() {
		t := expires.Time()
		if !expires.Is(value.Date) {
			parsed, err := time.Parse(time.RFC3339, expires.Text())
			if err != nil {
				return "", &flow.Error{Name: "TypeError", Message: "option expires is invalid"}
			}
			t = parsed
		}
		b.WriteString("; Expires=" + t.UTC().Format(http.TimeFormat))
	}
	for _, flag := range []struct{ key, text string }{{"httpOnly", "; HttpOnly"}, {"secure", "; Secure"}, {"partitioned", "; Partitioned"}} {
		if o.Get(flag.key).Truthy() {
			b.WriteString(flag.text)
		}
	}
	if p := o.Get("priority"); p.Truthy() {
		b.WriteString("; Priority=" + title(p.Text()))
	}
	if s := o.Get("sameSite"); s.Truthy() {
		word := "Strict"
		if !s.Is(value.Bool) {
			word = title(s.Text())
		}
		b.WriteString("; SameSite=" + word)
	}
	line := b.String()
	if strings.ContainsAny(line, "\r\n\x00") {
		return "", &flow.Error{Name: "TypeError", Message: "argument val is invalid"}
	}
	return line, nil
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
}

// clearCookie makes the client forget a cookie.
func (s *response) clearCookie(name string, o *value.Map) error {
	own := value.NewMap(4)
	if o != nil {
		for key, v := range o.All() {
			if key != "maxAge" {
				own.Set(key, v)
			}
		}
	}
	own.Set("expires", value.Time(time.UnixMilli(1)))
	return s.cookie(name, value.Str(""), own)
}
