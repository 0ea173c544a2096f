package link

import (
	"net/http"

	"tsunagi/internal/notice"
)

// Which page explains what.
const (
	pageUnknown   = "unknown"
	pageSlow      = "slow"
	pageOffline   = "offline"
	pageForbidden = "forbidden"
	pageSignIn    = "sign-in"
)

var pages = notice.Texts{
	"en": {
		pageUnknown:   {Title: "No device of that name", Words: "Look for its address in the panel."},
		pageSlow:      {Title: "The device does not answer", Words: "It is connected, but took too long. Its network may be slow; try again in a moment."},
		pageOffline:   {Title: "The device is not connected", Words: "It has no connection to here: it may be switched off, asleep or without Internet. Its flows go on without it, and this page opens the editor as soon as it is back."},
		pageForbidden: {Title: "Remote editing is switched off", Words: "This device's editor can be opened in its own network only. The panel or the device's settings can switch it on again."},
		pageSignIn:    {Title: "Open this editor from the panel", Words: "Only the device's owner can open its editor."},
	},
	"ja": {
		pageUnknown:   {Title: "その名前のデバイスはありません", Words: "コントロールパネルでアドレスを確認してください。"},
		pageSlow:      {Title: "デバイスが応答しません", Words: "接続はされていますが、応答に時間がかかりすぎました。ネットワークが遅い可能性があります。しばらくしてからもう一度お試しください。"},
		pageOffline:   {Title: "デバイスが接続されていません", Words: "電源が切れている、スリープしている、またはインターネットにつながっていない可能性があります。その間もフローは動き続けます。接続が戻りしだい、このページにエディターが開きます。"},
		pageForbidden: {Title: "リモート編集は無効です", Words: "このデバイスのエディターは、デバイスと同じネットワークからだけ開けます。コントロールパネルまたはデバイスの設定で有効にできます。"},
		pageSignIn:    {Title: "コントロールパネルから開いてください", Words: "エディターを開けるのはデバイスの所有者だけです。"},
	},
}

// explain answers with a page that says what is the matter, or with a line of text where no page is wanted.
func (h *Hub) explain(w http.ResponseWriter, r *http.Request, status int, page string) {
	answer := notice.Page{Status: status, Name: page, Panel: h.o.Panel + "/"}
	if page == pageOffline {
		answer.Reload = 15
	}
	pages.Write(w, r, answer)
}
