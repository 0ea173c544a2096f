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

	pageVisit     = "visit"
	pageNoPages   = "no-pages"
	pageOld       = "old"
	pageElsewhere = "elsewhere"
	pageBusy      = "busy"
	pageAway      = "away"
)

var pages = notice.Texts{
	"en": {
		pageUnknown:   {Title: "No device of that name", Words: "Look for its address in the panel."},
		pageSlow:      {Title: "The device does not answer", Words: "It is connected, but took too long. Its network may be slow; try again in a moment."},
		pageOffline:   {Title: "The device is not connected", Words: "It has no connection to here: it may be switched off, asleep or without Internet. Its flows go on without it, and this page opens the editor as soon as it is back."},
		pageForbidden: {Title: "Remote editing is switched off", Words: "This device's editor can be opened in its own network only. The panel or the device's settings can switch it on again."},
		pageSignIn:    {Title: "Open this editor from the panel", Words: "Only the device's owner can open its editor."},
		pageVisit:     {Title: "Open these pages from the panel", Words: "Only people who may open the device's editor can see its pages."},
		pageNoPages:   {Title: "The pages of this device are switched off", Words: "They can be seen in its own network only. The panel or the device's settings can switch them on."},
		pageOld:       {Title: "The device's program is too old for this", Words: "It can't show its pages here. Update it in the panel."},
		pageElsewhere: {Title: "These pages are not for other sites", Words: "Another site has asked for them in your name. Open them by their own address."},
		pageBusy:      {Title: "Too many visitors at once", Words: "The device's pages are being asked for too often. Try again in a moment."},
		pageAway:      {Title: "The device is not connected", Words: "It has no connection to here: it may be switched off, asleep or without Internet. Its pages are back as soon as it is."},
	},
	"ja": {
		pageUnknown:   {Title: "その名前のデバイスはありません", Words: "コントロールパネルでアドレスを確認してください。"},
		pageSlow:      {Title: "デバイスが応答しません", Words: "接続はされていますが、応答に時間がかかりすぎました。ネットワークが遅い可能性があります。しばらくしてからもう一度お試しください。"},
		pageOffline:   {Title: "デバイスが接続されていません", Words: "電源が切れている、スリープしている、またはインターネットにつながっていない可能性があります。その間もフローは動き続けます。接続が戻りしだい、このページにエディターが開きます。"},
		pageForbidden: {Title: "リモート編集は無効です", Words: "このデバイスのエディターは、デバイスと同じネットワークからだけ開けます。コントロールパネルまたはデバイスの設定で有効にできます。"},
		pageSignIn:    {Title: "コントロールパネルから開いてください", Words: "エディターを開けるのはデバイスの所有者だけです。"},
		pageVisit:     {Title: "コントロールパネルから開いてください", Words: "このデバイスのページを見られるのは、エディターを開ける人だけです。"},
		pageNoPages:   {Title: "このデバイスのページは無効です", Words: "デバイスと同じネットワークからだけ見られます。コントロールパネルまたはデバイスの設定で有効にできます。"},
		pageOld:       {Title: "デバイスのプログラムが古すぎます", Words: "このバージョンではここにページを表示できません。コントロールパネルで更新してください。"},
		pageElsewhere: {Title: "ほかのサイトからは利用できません", Words: "別のサイトがあなたの名前でこのページを要求しました。ページ自身のアドレスを開いてください。"},
		pageBusy:      {Title: "アクセスが集中しています", Words: "このデバイスのページへのアクセスが多すぎます。しばらくしてからもう一度お試しください。"},
		pageAway:      {Title: "デバイスが接続されていません", Words: "電源が切れている、スリープしている、またはインターネットにつながっていない可能性があります。接続が戻りしだい、ページを見られます。"},
	},
}

// explain answers with a page that says what is the matter, or with a line of text where no page is wanted.
func (h *Hub) explain(w http.ResponseWriter, r *http.Request, status int, page string) {
	answer := notice.Page{Status: status, Name: page, Panel: h.o.Panel + "/"}
	if page == pageOffline || page == pageAway {
		answer.Reload = 15
	}
	pages.Write(w, r, answer)
}
