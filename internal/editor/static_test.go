package editor

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

func TestStaticFiles(t *testing.T) {
	w := newWorld(t, Options{})
	a := w.get("/red/red.min.js?v=1", "Accept-Encoding", "gzip, br")
	if a.status != 200 || a.header.Get("Content-Encoding") != "gzip" || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
		t.Fatalf("%d %v", a.status, a.header)
	}
	z, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != strings.Repeat("code();\n", 500) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	plain := w.get("/red/red.min.js")
	if plain.header.Get("Content-Encoding") != "" || len(plain.body) != 4000 || plain.header.Get("Cache-Control") != "no-cache" {
		t.Errorf("without gzip: %d bytes, %v", len(plain.body), plain.header)
	}
	w.get("/red/red.min.js", "If-None-Match", `"x", W/`+plain.header.Get("ETag")).want(t, 304, "")

	for path, kind := range map[string]string{"/types/node/fs.d.ts": "text/plain", "/vendor/font.woff2": "font/woff2",
		"/tsunagi/logo.svg": "image/svg+xml", "/red/images/icons/arrow-in.svg": "image/svg+xml", "/tsunagi/notices.txt": "text/plain"} {
		if a := w.get(path); a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s", path, a.status, a.header.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/nope", "/red/", "/../nodes/icons/inject.svg", "/red/..%2f..%2f..%2fnodes/LICENSE"} {
		if a := w.get(path); a.status != 404 && a.status/100 != 3 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestIndex(t *testing.T) {
	w := newWorld(t, Options{Title: "A <b> & C"})
	a := w.get("/")
	const want = "<title>A &lt;b&gt; &amp; C</title>red/red.min.js?v="
	if a.status != 200 || !strings.HasPrefix(a.body, want) || strings.Contains(a.body, "ace") || strings.Contains(a.body, "{{") || strings.Contains(a.body, "<script>") {
		t.Errorf("page %q", a.body)
	}
	if !strings.Contains(a.body, `<link href="tsunagi/editor.css?v=`) || !strings.HasSuffix(a.body, "end") {
		t.Errorf("page %q", a.body)
	}
	for name, part := range map[string]string{"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
		if !strings.Contains(a.header.Get(name), part) {
			t.Errorf("%s: %q", name, a.header.Get(name))
		}
	}
	w.get("/theme").wantPart(t, 200, `"title":"A \u0026lt;b\u0026gt; \u0026amp; C"`)
}

func TestIndexShowsAFailedSignIn(t *testing.T) {
	w := newWorld(t, Options{})
	w.get("/", "Cookie", failedCookie+"=1").wantPart(t, 200, `<script>x = ["The sign-in was not`)
}

func TestAbout(t *testing.T) {
	w := newWorld(t, Options{Release: "v9"})
	w.get("/tsunagi/about").wantPart(t, 200, `Flow server v9, with the editor of Node-RED 5.0.7`)
	w.get("/tsunagi/notices.txt").want(t, 200, "licences")
}

func TestPathPrefix(t *testing.T) {
	w := newWorld(t, Options{})
	w.http.Config.Handler = stripPrefix("/i/abc", w.Server)
	a := w.get("/i/abc?code=1")
	if a.status != 301 || a.header.Get("Location") != "abc/?code=1" {
		t.Errorf("%d %q", a.status, a.header.Get("Location"))
	}
	w.get("/i/abc/").wantPart(t, 200, "<title>Tsunagi")
	w.get("/i/abc/settings").wantPart(t, 200, `"version":"5.0.7"`)
}

func TestWithoutAssets(t *testing.T) {
	w := newWorld(t, Options{})
	w.o.Assets, w.nodes, w.index, w.locales = nil, nil, nil, nil
	w.get("/").wantPart(t, 404, "no_ui")
	w.get("/flows").want(t, 200, "[]")
	w.get("/nodes", "Accept", "application/json").want(t, 200, "[]")
	w.get("/nodes", "Accept", "text/html").want(t, 200, "")
	w.get("/locales/editor?lng=ja").want(t, 200, "{}")
	w.get("/icons").want(t, 200, "{}")
	w.get("/nodes/node-red/inject").want(t, 404, "")
	for _, path := range []string{"/icons/a/b.svg", "/debug/view/view.html", "/red/red.min.js", "/resources/a/b"} {
		w.get(path).want(t, 404, "")
	}
}

func TestDebugView(t *testing.T) {
	w := newWorld(t, Options{Auth: NewLogin()})
	if a := w.get("/debug/view/debug-utils.js"); a.status != 200 || a.body != "utils()" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/javascript") {
		t.Errorf("%d %q %v", a.status, a.body, a.header)
	}
	w.get("/debug/view/view.html").want(t, 200, "<html>debug</html>")
	w.get("/debug/view/nope.js").want(t, 404, "")
}

func TestIcons(t *testing.T) {
	w := newWorld(t, Options{})
	w.get("/icons").want(t, 200, `{"node-red":["both.svg","inject.svg"]}`)
	w.get("/icons/node-red/inject.svg").want(t, 200, "<svg>inject</svg>")
	w.get("/icons/other/inject.svg").want(t, 200, "<svg>inject</svg>")
	w.get("/icons/@scope/other/nope.svg").want(t, 200, "<svg>default</svg>")
}
