package network

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"tsunagi/internal/flow/value"
)

// bodyFault is why a body is refused.
type bodyFault struct {
	status int
	text   string
	silent bool // the client gets the status alone, the flow's author a warning
}

var (
	errTooLarge = errors.New("request entity too large")
	errHeld     = errors.New("the bodies of all requests together are too large")
)

// readBody reads the body of a request into in.body, and says how many bytes it holds on to.
func (n *httpIn) readBody(w http.ResponseWriter, r *http.Request, in *request) (held int64, fault *bodyFault) {
	in.body = value.NewMap(0).Value()
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	has := r.ContentLength > 0 || r.ContentLength < 0 || r.Header.Get("Content-Length") != ""
	switch {
	case n.raw != "" && n.raw == routeKey(pathOf(r.URL)):
		body, fault := n.readAll(r, n.web.o.MaxRaw)
		in.body = value.Data(body)
		return int64(len(body)), fault
	case has && err == nil && kind == "application/json":
		return n.readJSON(r, in)
	case has && err == nil && kind == "application/x-www-form-urlencoded":
		body, fault := n.readPacked(r)
		if fault == nil {
			in.body = parseForm(string(body), formBounds).Value()
		}
		return int64(len(body)), fault
	case n.upload && n.route.method == http.MethodPost:
		if err != nil || !strings.HasPrefix(kind, "multipart/") {
			return 0, nil // Node-RED leaves the body of anything else alone, too
		}
		return n.readFiles(r, in, params["boundary"])
	}
	return n.readText(r, in, kind, err)
}

// readAll reads a body of limit bytes at most. The bytes count as held until the request ends.
func (n *httpIn) readAll(r *http.Request, limit int64) ([]byte, *bodyFault) {
	if r.ContentLength > limit {
		return nil, &bodyFault{status: http.StatusRequestEntityTooLarge, text: "PayloadTooLargeError: request entity too large"}
	}
	b, err := n.readBounded(r.Body, limit, max(r.ContentLength, 0))
	switch {
	case errors.Is(err, errTooLarge):
		return b, &bodyFault{status: http.StatusRequestEntityTooLarge, text: "PayloadTooLargeError: " + err.Error()}
	case errors.Is(err, errHeld):
		return b, &bodyFault{status: http.StatusServiceUnavailable, text: err.Error()}
	case err != nil:
		return b, &bodyFault{status: http.StatusBadRequest, text: "BadRequestError: request aborted"}
	}
	return b, nil
}

// readBounded reads until the end or limit.
func (n *httpIn) readBounded(from io.Reader, limit, hint int64) ([]byte, error) {
	b := make([]byte, 0, min(hint+1, 64<<10))
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		got, err := from.Read(b[len(b):cap(b)])
		b = b[:len(b)+got]
		full := n.web.held.Add(int64(got)) > n.web.o.MaxHeld
		switch {
		case int64(len(b)) > limit:
			return b, errTooLarge
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		case full:
			return b, errHeld
		}
	}
}

// readPacked reads a body that may be compressed.
func (n *httpIn) readPacked(r *http.Request) ([]byte, *bodyFault) {
	limit := n.web.o.MaxBody
	var in io.Reader
	var err error
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return n.readAll(r, limit)
	case "gzip":
		in, err = gzip.NewReader(r.Body)
	case "deflate":
		in, err = zlib.NewReader(r.Body)
	default:
		return nil, &bodyFault{status: http.StatusUnsupportedMediaType, text: fmt.Sprintf("UnsupportedMediaTypeError: unsupported content encoding \"%s\"", encoding)}
	}
	if err != nil {
		return nil, &bodyFault{status: http.StatusBadRequest, text: "BadRequestError: " + err.Error()}
	}
	body, err := n.readBounded(in, limit, 0)
	var broken flate.CorruptInputError
	switch {
	case errors.Is(err, errTooLarge):
		return body, &bodyFault{status: http.StatusRequestEntityTooLarge, text: "PayloadTooLargeError: request entity too large"}
	case errors.As(err, &broken) || err != nil:
		return body, &bodyFault{status: http.StatusBadRequest, text: "BadRequestError: " + err.Error()}
	}
	return body, nil
}

func (n *httpIn) readJSON(r *http.Request, in *request) (int64, *bodyFault) {
	body, fault := n.readPacked(r)
	held := int64(len(body))
	if fault != nil || len(body) == 0 {
		return held, fault
	}
	text := value.DecodeUTF8(body)
	first := strings.TrimLeft(text, " \t\n\r")
	if first != "" && first[0] != '{' && first[0] != '[' {
		return held, &bodyFault{status: http.StatusBadRequest, text: fmt.Sprintf("SyntaxError: Unexpected token '%c', \"%s\" is not valid JSON", first[0], cut(first, 10))}
	}
	v, err := value.ParseString(text)
	if err != nil {
		return held, &bodyFault{status: http.StatusBadRequest, text: "SyntaxError: " + err.Error()}
	}
	in.body = v
	return held, nil
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}

// readText reads a body of any other kind, as a text or as bytes.
func (n *httpIn) readText(r *http.Request, in *request, kind string, err error) (int64, *bodyFault) {
	if r.Header.Get("Content-Type") != "" && (err != nil || !strings.Contains(kind, "/")) {
		return 0, &bodyFault{status: http.StatusInternalServerError, text: "TypeError: invalid media type", silent: true}
	}
	body, fault := n.readAll(r, n.web.o.MaxRaw)
	if fault == nil {
		in.body = value.Data(body)
		if isText(kind) {
			in.body = value.Str(value.DecodeUTF8(body))
		}
	}
	return int64(len(body)), fault
}

// isText says which bodies are texts for Node-RED.
func isText(kind string) bool {
	typ, sub, _ := strings.Cut(kind, "/")
	switch {
	case kind == "" || typ == "text" || sub == "xml" || strings.HasSuffix(sub, "+xml"):
		return true
	case typ != "application":
		return false
	}
	return sub != "octet-stream" && sub != "cbor" && sub != "x-protobuf"
}

// Bounds of an upload beside its bytes.
const maxParts = 1000

// readFiles reads an upload as the multer module does: fields into the body, files beside it.
func (n *httpIn) readFiles(r *http.Request, in *request, boundary string) (held int64, fault *bodyFault) {
	bad := func(err error) (int64, *bodyFault) {
		switch {
		case errors.Is(err, errTooLarge):
			return held, &bodyFault{status: http.StatusRequestEntityTooLarge, text: "Error: " + err.Error(), silent: true}
		case errors.Is(err, errHeld):
			return held, &bodyFault{status: http.StatusServiceUnavailable, text: "Error: " + err.Error(), silent: true}
		}
		return held, &bodyFault{status: http.StatusInternalServerError, text: "Error: " + err.Error(), silent: true}
	}
	if boundary == "" {
		return bad(errors.New("Multipart: Boundary not found")) //nolint:staticcheck // Node-RED's words
	}
	parts := multipart.NewReader(r.Body, boundary)
	files, fields := value.NewList(), newObject()
	for count := 0; ; count++ {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return bad(err)
		}
		if count >= maxParts {
			return bad(fmt.Errorf("%w: more than %d parts", errTooLarge, maxParts))
		}
		body, err := n.readBounded(p, n.web.o.MaxRaw-held, 0)
		held += int64(len(body))
		if err != nil {
			return bad(err)
		}
		name := p.FormName()
		if _, file := disposition(p)["filename"]; file || p.Header.Get("Content-Type") == "application/octet-stream" {
			files.Append(fileObject(p, name, body))
		} else if built := nest(name, &tree{text: value.DecodeUTF8(body)}, formBounds); built != nil {
			fields = merge(fields, built)
		}
	}
	in.body, in.files = fields.value(), files.Value()
	return held, nil
}

func disposition(p *multipart.Part) map[string]string {
	_, params, _ := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
	return params
}

func fileObject(p *multipart.Part, field string, body []byte) value.Value {
	kind := p.Header.Get("Content-Type")
	if kind == "" {
		kind = "text/plain"
	}
	encoding := p.Header.Get("Content-Transfer-Encoding")
	if encoding == "" {
		encoding = "7bit"
	}
	return value.MapOf("fieldname", field, "originalname", p.FileName(), "encoding", strings.ToLower(encoding), "mimetype", kind,
		"buffer", value.Data(body), "size", len(body)).Value()
}
