package hosted

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"
)

// Which page explains what.
const (
	pageUnknown  = "unknown"
	pageSlow     = "slow"
	pageStarting = Starting
	pageStopped  = Stopped
	pageFailed   = Failed
)

// pageFor is the page for a state.
func pageFor(state string) string {
	if state == Running { // it has just died
		return pageFailed
	}
	return state
}

// words are the texts of a page.
type words struct{ Title, Text string }

var pages = map[string]map[string]words{
	"en": {
		pageUnknown:  {"No flow server of that name", "Look for its address in the panel."},
		pageSlow:     {"The flow server does not answer", "It runs, but took too long. If this stays so, restart it in the panel."},
		pageStarting: {"The flow server is starting", "This page opens the editor as soon as it can."},
		pageStopped:  {"The flow server is stopped", "Start it in the panel. Its flows are kept."},
		pageFailed:   {"The flow server is not running", "It is started again by itself after a while; this page then opens the editor. You can also restart it in the panel. Its flows are kept."},
	},
	"ja": {
		pageUnknown:  {"その名前のフローサーバーはありません", "コントロールパネルでアドレスを確認してください。"},
		pageSlow:     {"フローサーバーが応答しません", "動作していますが、応答に時間がかかりすぎました。続くようならコントロールパネルで再起動してください。"},
		pageStarting: {"フローサーバーを起動しています", "準備ができしだい、このページにエディターが開きます。"},
		pageStopped:  {"フローサーバーは停止しています", "コントロールパネルで起動してください。フローは保存されています。"},
		pageFailed:   {"フローサーバーが動いていません", "しばらくすると自動的に再起動され、このページにエディターが開きます。コントロールパネルで再起動することもできます。フローは保存されています。"},
	},
}

var labels = map[string]struct{ Cause, Panel string }{
	"en": {"Cause", "Open the panel"},
	"ja": {"原因", "コントロールパネルを開く"},
}

var explanation = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{{if .Reload}}<meta http-equiv="refresh" content="{{.Reload}}">
{{end}}<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } code { overflow-wrap: anywhere; }
a { color: inherit; }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{with .Cause}}<p>{{$.CauseLabel}}: <code>{{.}}</code></p>
{{end}}{{with .Panel}}<p><a href="{{.}}">{{$.PanelLabel}}</a></p>
{{end}}</body>
</html>
`))

// explain answers with a page that says what is the matter, or with a line of text where no page is wanted.
func (m *Manager) explain(w http.ResponseWriter, r *http.Request, status int, page, cause string) {
	language := "en"
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), "ja") {
		language = "ja"
	}
	text := pages[language][page]
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	reload := 0
	if page == pageStarting || page == pageFailed {
		reload = 5
		h.Set("Retry-After", "5")
	}
	if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept"), "text/html") || r.Header.Get("X-Requested-With") != "" {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		w.Write([]byte(text.Title))
		return
	}
	var b bytes.Buffer
	err := explanation.Execute(&b, struct {
		Language, Title, Text, Cause, CauseLabel, Panel, PanelLabel string
		Reload                                                      int
	}{language, text.Title, text.Text, cause, labels[language].Cause, m.o.Panel, labels[language].Panel, reload})
	if err != nil {
		m.o.Log.Error("page can't be made", "error", err)
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}
