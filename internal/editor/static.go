package editor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"compress/gzip"

	"tsunagi/web/editor/packfile"
)

// kinds are the media types of the files in the archive, by extension. The declarations of TypeScript are text for the
// code editor, not the video format that shares their extension.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".ico": "image/x-icon", ".gif": "image/gif",
	".js": "text/javascript; charset=utf-8", ".json": "application/json; charset=utf-8", ".md": "text/markdown; charset=utf-8",
	".mp4": "video/mp4", ".png": "image/png", ".svg": "image/svg+xml", ".ts": "text/plain; charset=utf-8", ".ttf": "font/ttf",
	".txt": "text/plain; charset=utf-8", ".woff": "font/woff", ".woff2": "font/woff2",
}

// getStatic serves a file of the editor, or one of our own.
func (s *Server) getStatic(w http.ResponseWriter, r *http.Request) error {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if f, ok := own[name]; ok {
		return serveContent(w, r, f.kind, f.content)
	}
	if s.o.Assets == nil {
		return notFound("Not Found")
	}
	if name == "tsunagi/notices.txt" {
		return serveFile(w, r, s.o.Assets.Lookup(noticesFile))
	}
	return serveFile(w, r, s.o.Assets.Lookup(publicDir+name))
}

// hasStatic tells whether getStatic has a file of that name.
func (s *Server) hasStatic(name string) bool {
	if _, ok := own[name]; ok || name == "tsunagi/notices.txt" {
		return true
	}
	return s.o.Assets != nil && s.o.Assets.Lookup(publicDir+name) != nil
}

// serveFile hands out a slice of the archive as it is, unless the browser can't unpack it.
func serveFile(w http.ResponseWriter, r *http.Request, f *packfile.File) error {
	if f == nil {
		return notFound("Not Found")
	}
	h := w.Header()
	h.Set("Content-Type", kindOf(f.Path))
	if fresh(w, r, f.Sum[:32]) {
		return nil
	}
	body := f.Stored()
	if f.Gzip {
		h.Set("Vary", "Accept-Encoding")
		if !takesGzip(r) {
			content, err := f.Content()
			if err != nil {
				return err
			}
			h.Set("Content-Length", strconv.Itoa(len(content)))
			w.Write(content)
			return nil
		}
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	io.WriteString(w, body)
	return nil
}

// kindOf is the media type of a file.
func kindOf(name string) string {
	if kind, ok := kinds[path.Ext(name)]; ok {
		return kind
	}
	return "application/octet-stream"
}

// fresh sets the caching headers and answers 304 when the browser has this version. A request that names a version
// (?v=) may be kept for a year, others are asked for again each time.
func fresh(w http.ResponseWriter, r *http.Request, sum string) bool {
	tag := `"` + sum + `"`
	w.Header().Set("ETag", tag)
	if r.URL.Query().Has("v") {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	for known := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == tag {
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}

// takesGzip tells whether the client unpacks gzip.
func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" || name == "*" {
			return strings.ReplaceAll(q, " ", "") != "q=0"
		}
	}
	return false
}

// blob is made content that is kept ready to be sent: packed, with its digest.
type blob struct {
	plain  []byte
	packed []byte // gzip
	sum    string
}

// newBlob packs content once for all requests.
func newBlob(content []byte) *blob {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(content) // a bytes.Buffer refuses nothing
	z.Close()
	sum := sha256.Sum256(content)
	return &blob{content, b.Bytes(), hex.EncodeToString(sum[:16])}
}

// serveBlob sends made content.
func serveBlob(w http.ResponseWriter, r *http.Request, kind string, b *blob) error {
	w.Header().Set("Content-Type", kind)
	w.Header().Add("Vary", "Accept-Encoding")
	if fresh(w, r, b.sum) {
		return nil
	}
	body := b.plain
	if takesGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		body = b.packed
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
	return nil
}

// serveContent sends a small file of our own.
func serveContent(w http.ResponseWriter, r *http.Request, kind string, content []byte) error {
	sum := sha256.Sum256(content)
	w.Header().Set("Content-Type", kind)
	if !fresh(w, r, hex.EncodeToString(sum[:16])) {
		w.Write(content)
	}
	return nil
}
