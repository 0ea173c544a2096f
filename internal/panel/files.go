package panel

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// asset is one file of the pages, in memory: they are small and part of the program.
type asset struct {
	raw, gzip []byte // nil: not there
	kind      string // content type
	tag       string // ETag
	forever   bool   // its name changes with its content
}

// hashed are the names that the build gives to files by their content.
var hashed = regexp.MustCompile(`^assets/.*-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

// types are content types that don't depend on what the machine has in its mime tables.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".ico": "image/x-icon", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".png": "image/png", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json", ".woff2": "font/woff2",
}

// loadAssets reads the pages; file.gz is the compressed form of a file, which need not be there itself.
func loadAssets(pages fs.FS) (map[string]asset, error) {
	all := map[string]asset{}
	if pages == nil {
		return all, nil
	}
	err := fs.WalkDir(pages, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(pages, name)
		if err != nil {
			return err
		}
		name, packed := strings.CutSuffix(name, ".gz")
		a := all[name]
		if packed {
			a.gzip = body
		} else {
			a.raw = body
		}
		sum := sha256.Sum256(body)
		kind := types[path.Ext(name)]
		if kind == "" {
			kind = mime.TypeByExtension(path.Ext(name))
		}
		if kind == "" {
			kind = "application/octet-stream"
		}
		a.kind, a.tag, a.forever = kind, base64.RawURLEncoding.EncodeToString(sum[:12]), hashed.MatchString(name)
		all[name] = a
		return nil
	})
	return all, err
}

// mountFiles puts on mux what isn't the API: the authority's certificate, health, and the pages.
func (p *Panel) mountFiles(mux humago.Mux) error {
	pages, err := loadAssets(p.o.Pages)
	if err != nil {
		return err
	}
	mux.HandleFunc("/ca.pem", p.download("ca.pem", "application/x-pem-file", p.o.Authority.PEM))
	mux.HandleFunc("/device-ca.h", p.download("device-ca.h", "text/x-c", p.o.Device.Header))
	mux.HandleFunc("/ca.der", p.download("ca.der", "application/pkix-cert", p.o.Authority.DER))
	mux.HandleFunc("GET /healthz", p.health)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { p.page(w, r, pages) })
	return nil
}

// page serves a file of the pages. A path that is no file is a place in the panel: it gets index.html.
func (p *Panel) page(w http.ResponseWriter, r *http.Request, pages map[string]asset) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		p.refuse(w, r, http.StatusMethodNotAllowed, "")
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	a, ok := pages[name]
	if !ok && (path.Ext(name) == "" || strings.Count(name, "/") > 1) && !strings.HasPrefix(name, "assets/") {
		a, ok = pages["index.html"]
	}
	if !ok && len(pages) == 0 && name == "" {
		a, ok = asset{raw: []byte("This build of Tsunagi has no pages. Build it with make, or use the API at /api/v1.\n"), kind: types[".txt"], tag: "none"}, true
	}
	if !ok {
		p.refuse(w, r, http.StatusNotFound, "")
		return
	}
	a.serve(w, r)
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "no-cache") // ask each time whether the tag still holds
	if a.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, tag := a.raw, a.tag
	if a.gzip != nil {
		h.Set("Vary", "Accept-Encoding")
		if takesGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body, tag = a.gzip, a.tag+"-gz"
		}
	}
	if body == nil && a.gzip != nil { // browsers and curl --compressed never ask for it
		plain, err := unpack(a.gzip)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		body = plain
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// unpack gives the plain form of a file of ours.
func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func takesGzip(header string) bool {
	for wish := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(wish, " ", ""), ";")
		if name == "gzip" && weight != "q=0" && weight != "q=0.0" {
			return true
		}
	}
	return false
}

// download serves a part of the local authority; without one there is nothing to trust by hand.
func (p *Panel) download(name, kind string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(body) == 0 || r.Method != http.MethodGet && r.Method != http.MethodHead {
			p.refuse(w, r, http.StatusNotFound, "api.no_ca")
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", `attachment; filename="tsunagi-`+name+`"`)
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

// health answers those who watch the process.
func (p *Panel) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	text := `{"status":"ok"}`
	if p.o.Store != nil && !p.o.Store().Healthy {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = `{"status":"store"}`
	}
	_, _ = w.Write([]byte(text + "\n")) // the peer may be gone
}
