package editor

import (
	"net/url"
	"strings"
	"testing"
)

// TestStoredScripts is attack row 27: what people write into labels, names and titles comes back as data and never as a
// page, and no answer lets a browser guess or a foreign page frame it.
func TestStoredScripts(t *testing.T) {
	const script = `<img src=x onerror=alert(1)><script>alert(2)</script>`
	w := newWorld(t, Options{Title: script})
	quoted := strings.ReplaceAll(script, `"`, `\"`)
	revOf(t, w.deploy(`{"flows":[{"id":"t","type":"tab","label":"`+quoted+`","info":"`+quoted+`"},{"id":"n","z":"t","type":"mystery","name":"`+quoted+`"}]}`))
	for _, path := range []string{"/", "/flows", "/settings", "/theme", "/nodes", "/tsunagi/about", "/flow/t", "/flow/" + url.PathEscape(script), "/icons/" + url.PathEscape(script) + "/x"} {
		a := w.get(path)
		kind := a.header.Get("Content-Type")
		if strings.HasPrefix(kind, "text/html") && (strings.Contains(a.body, "<img src=x") || strings.Contains(a.body, "<script>alert")) {
			t.Errorf("%s is a page with the script: %s", path, a.body)
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: headers %v", path, a.header)
		}
	}
	if a := w.get("/theme"); strings.Contains(a.body, `"title":"<img`) && !strings.Contains(a.body, `&lt;img`) {
		t.Errorf("the header's title is not escaped: %s", a.body)
	}
}
