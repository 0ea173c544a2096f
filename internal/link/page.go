package link

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"
)

// Which page explains what.
const (
	pageUnknown   = "unknown"
	pageSlow      = "slow"
	pageOffline   = "offline"
	pageForbidden = "forbidden"
	pageSignIn    = "sign-in"
)

type words struct{ Title, Text string }

var pages = map[string]map[string]words{
	"en": {
		pageUnknown:   {"No device of that name", "Look for its address in the panel."},
		pageSlow:      {"The device does not answer", "It is connected, but took too long. Its network may be slow; try again in a moment."},
		pageOffline:   {"The device is not connected", "It has no connection to here: it may be switched off, asleep or without Internet. Its flows go on without it, and this page opens the editor as soon as it is back."},
		pageForbidden: {"Remote editing is switched off", "This device's editor can be opened in its own network only. The panel or the device's settings can switch it on again."},
		pageSignIn:    {"Open this editor from the panel", "Only the device's owner can open its editor."},
	},
	"ja": {
		pageUnknown:   {"その名前のデバイスはありません", "コントロールパネルでアドレスを確認してください。"},
		pageSlow:      {"デバイスが応答しません", "接続はされていますが、応答に時間がかかりすぎました。ネットワークが遅い可能性があります。しばらくしてからもう一度お試しください。"},
		pageOffline:   {"デバイスが接続されていません", "電源が切れている、スリープしている、またはインターネットにつながっていない可能性があります。その間もフローは動き続けます。接続が戻りしだい、このページにエディターが開きます。"},
		pageForbidden: {"リモート編集は無効です", "このデバイスのエディターは、デバイスと同じネットワークからだけ開けます。コントロールパネルまたはデバイスの設定で有効にできます。"},
		pageSignIn:    {"コントロールパネルから開いてください", "エディターを開けるのはデバイスの所有者だけです。"},
	},
}

var openPanel = map[string]string{"en": "Open the panel", "ja": "コントロールパネルを開く"}

var explanation = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{{if .Reload}}<meta http-equiv="refresh" content="15">
{{end}}<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
a { color: inherit; }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
<p><a href="{{.Panel}}">{{.Label}}</a></p>
</body>
</html>
`))

// explain answers with a page that says what is the matter, or with a line of text where no page is wanted.
func (h *Hub) explain(w http.ResponseWriter, r *http.Request, status int, page string) {
	language := "en"
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), "ja") {
		language = "ja"
	}
	text := pages[language][page]
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("Referrer-Policy", "no-referrer")
	if page == pageOffline {
		head.Set("Retry-After", "15")
	}
	if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept"), "text/html") || r.Header.Get("X-Requested-With") != "" {
		head.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text.Title)) // the peer may be gone
		return
	}
	var b bytes.Buffer
	err := explanation.Execute(&b, struct {
		Language, Title, Text, Panel, Label string
		Reload                              bool
	}{language, text.Title, text.Text, h.o.Panel + "/", openPanel[language], page == pageOffline})
	if err != nil {
		h.o.Log.Error("page can't be made", "error", err)
	}
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
