package hosted

import (
	"net/http"

	"tsunagi/internal/notice"
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

var pages = notice.Texts{
	"en": {
		pageUnknown:  {Title: "No flow server of that name", Words: "Look for its address in the panel."},
		pageSlow:     {Title: "The flow server does not answer", Words: "It runs, but took too long. If this stays so, restart it in the panel."},
		pageStarting: {Title: "The flow server is starting", Words: "This page opens the editor as soon as it can."},
		pageStopped:  {Title: "The flow server is stopped", Words: "Start it in the panel. Its flows are kept."},
		pageFailed:   {Title: "The flow server is not running", Words: "It is started again by itself after a while; this page then opens the editor. You can also restart it in the panel. Its flows are kept."},
	},
	"ja": {
		pageUnknown:  {Title: "その名前のフローサーバーはありません", Words: "コントロールパネルでアドレスを確認してください。"},
		pageSlow:     {Title: "フローサーバーが応答しません", Words: "動作していますが、応答に時間がかかりすぎました。続くようならコントロールパネルで再起動してください。"},
		pageStarting: {Title: "フローサーバーを起動しています", Words: "準備ができしだい、このページにエディターが開きます。"},
		pageStopped:  {Title: "フローサーバーは停止しています", Words: "コントロールパネルで起動してください。フローは保存されています。"},
		pageFailed:   {Title: "フローサーバーが動いていません", Words: "しばらくすると自動的に再起動され、このページにエディターが開きます。コントロールパネルで再起動することもできます。フローは保存されています。"},
	},
}

// explain answers with a page that says what is the matter, or with a line of text where no page is wanted.
func (m *Manager) explain(w http.ResponseWriter, r *http.Request, status int, page, cause string) {
	answer := notice.Page{Status: status, Name: page, Cause: cause, Panel: m.o.Panel}
	if page == pageStarting || page == pageFailed {
		answer.Reload = 5
	}
	pages.Write(w, r, answer)
}
