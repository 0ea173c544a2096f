package editor

import (
	"strings"
	"testing"
)

func TestLocales(t *testing.T) {
	w := newWorld(t, Options{})
	tests := map[string]string{
		"/locales/editor?lng=en-US":   `{"a":"A","b":{"n_other":"many","x":"X"},"only":"en"}`,
		"/locales/editor":             `{"a":"A","b":{"n_other":"many","x":"X"},"only":"en"}`,
		"/locales/editor?lng=ja":      `{"a":"あ","b":{"n_other":"多","x":"X"},"only":"en"}`,
		"/locales/editor?lng=ja-JP":   `{"a":"あ","b":{"n_other":"多","x":"X"},"only":"en"}`,
		"/locales/node-red?lng=ja":    `{"m":"メ"}`,
		"/locales/editor?lng=en":      `{}`,
		"/locales/editor?lng=xx":      `{}`,
		"/locales/editor?lng=..%2Fja": `{}`,
		"/locales/nope?lng=ja":        `{}`,
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) { w.get(path).want(t, 200, want) })
	}
	if a := w.get("/locales/editor?lng=ja", "Accept-Encoding", "gzip"); a.header.Get("Content-Encoding") != "gzip" {
		t.Error("not packed")
	}
}

func TestNodeList(t *testing.T) {
	w := newWorld(t, Options{})
	set := func(name string, types string) string {
		return `{"id":"node-red/` + name + `","name":"` + name + `","types":[` + types + `],"enabled":true,"local":false,"user":false,"module":"node-red","version":"5.0.7"}`
	}
	list := "[" + strings.Join([]string{set("junction", `"junction"`), set("inject", `"inject"`), set("debug", `"debug"`), set("unknown", `"unknown"`),
		set("mqtt", `"mqtt in","mqtt-broker"`), set("own", `"own"`)}, ",") + "]"
	w.get("/nodes", "Accept", "application/json").want(t, 200, list) // without file: nothing runs it
	w.get("/nodes/node-red/mqtt", "Accept", "application/json").want(t, 200, set("mqtt", `"mqtt in","mqtt-broker"`))
	w.get("/nodes/node-red", "Accept", "application/json").want(t, 200, `{"name":"node-red","nodes":`+list+`,"version":"5.0.7"}`)
	w.get("/nodes/node-red/file", "Accept", "application/json").want(t, 404, `{"code":"not_found","message":"Node not found"}`)
	w.get("/nodes/messages?lng=ja").want(t, 200, "{}")
	w.get("/plugins", "Accept", "application/json").want(t, 200, "[]")
	w.get("/plugins/messages").want(t, 200, "{}")
	if a := w.get("/plugins", "Accept", "text/html"); a.status != 200 || a.body != "" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Errorf("plugins %d %q", a.status, a.body)
	}
	for _, method := range []string{"PUT", "DELETE"} {
		w.do(method, "/nodes/node-red", "{}").wantPart(t, 400, "not_allowed")
	}
	w.do("POST", "/nodes", `{"module":"x"}`).wantPart(t, 400, "not_allowed")
}

func TestNodeHTML(t *testing.T) {
	w := newWorld(t, Options{})
	a := w.get("/nodes", "Accept", "text/html", "Accept-Language", "ja-JP")
	if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Accept, Accept-Language") {
		t.Errorf("headers %v", a.header)
	}
	const junction = "\n<!-- --- [red-module:node-red/junction] --- -->\n<!-- junction -->\n"
	const inject = "\n<!-- --- [red-module:node-red/inject] --- -->\n" +
		`<script type="text/html" data-template-name="inject"><p></p></script>` + "\n" +
		`<script type="text/html" data-help-name="inject">押す</script>`
	if !strings.HasPrefix(a.body, junction+inject+"\n<!-- --- [red-module:node-red/debug] --- -->\n") {
		t.Errorf("HTML %q", a.body)
	}
	const own = "\n<!-- --- [red-module:node-red/own] --- -->\n" +
		`<script type="text/html" data-template-name="own"><p></p></script>` + "\n\nrest\n" +
		`<script data-lang="ja" type="text/html" data-help-name="own">内</script>`
	if !strings.HasSuffix(a.body, own) {
		t.Errorf("HTML %q", a.body)
	}
	for language, word := range map[string]string{"en": "press", "xx": "press", "a/../b": "press", "": "press", "de;q=0.5, ja": "押す"} {
		if a := w.get("/nodes", "Accept", "text/html", "Accept-Language", language); !strings.Contains(a.body, word) {
			t.Errorf("Accept-Language %q: no %q", language, word)
		}
	}
	if len(w.nodes.html) != 2 {
		t.Errorf("%d pages kept for two languages", len(w.nodes.html))
	}
	w.get("/nodes/node-red/own", "Accept", "text/html", "Accept-Language", "ja").want(t, 200, strings.TrimSpace(own))
}

func FuzzParseSet(f *testing.F) {
	f.Add(`<script data-template-name='a'></script><script type="x" data-help-name="a" data-lang="ja">h</script>rest`)
	f.Fuzz(func(t *testing.T, text string) {
		set := parseSet("common", "10-x.html", text)
		if helpBlock.MatchString(text) == (set.main == text) && len(set.help) > 0 {
			t.Errorf("%q: help %v, rest %q", text, set.help, set.main)
		}
	})
}
