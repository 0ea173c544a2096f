package home

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"tsunagi/internal/markup"
)

// First is the page that a machine without screen shows in its own network as long as it has no owner: how to make the
// first user, and a form that pairs it with a platform. It is plain HTTP, since nobody trusts its authority yet.
//
// It answers private addresses only, under names that no foreign page can have, and nothing at all once there is an
// owner: then it shows the way to https.
type First struct {
	Title string
	Port  string        // of the editor, which is https
	Code  func() string // makes the first user; "" when there is one
	// Pair joins the platform at this address with a code, and a pin where it has no public certificate; the flow server
	// starts anew then.
	Pair func(r *http.Request, platform, code, pin string) error
	Log  *slog.Logger
}

type firstTexts struct{ Lang, Title, Intro, User, UserText, Pair, PairText, Platform, Code, Pin, Go, Failed, Done string }

var firstWords = map[string]firstTexts{
	"en": {"en", "This device has no owner yet", "Whoever is first becomes its owner, so do it now.",
		"Use it here", "Make its first user. The browser warns once: the certificate is the device's own.",
		"Reach it from anywhere", "In the panel of your platform, choose Devices and Add device. Copy address, code and pin from the command that it shows. " +
			"Coming from Node-RED? Before that, stop this program and start it on a new data directory with --import ~/.node-red: it says what it would take over and what not, and does it with --import-now.",
		"Address (https://…)", "Code", "Pin, if the command has one", "Pair", "That did not work: ", "This device is paired. Its editor opens in the panel in a moment."},
	"ja": {"ja", "このデバイスにはまだ所有者がいません", "最初に設定した人が所有者になります。今すぐ設定してください。",
		"このネットワークで使う", "最初のユーザーを作成します。証明書はデバイス自身のものなので、ブラウザーが一度警告します。",
		"どこからでも使う", "プラットフォームのコントロールパネルで「デバイス」→「デバイスを追加」を選び、表示されたコマンドのアドレス、コード、ピンを入力してください。" +
			"Node-RED から移行する場合は、その前にこのプログラムを止め、新しいデータディレクトリで --import ~/.node-red を付けて起動します。引き継ぐものと引き継げないものが表示され、--import-now を付けると実行されます。",
		"アドレス（https://…）", "コード", "ピン（コマンドにある場合）", "ペアリング", "失敗しました：", "ペアリングしました。まもなくコントロールパネルからエディターを開けます。"},
}

const firstPage = `<!DOCTYPE html>
<html lang="{{lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{name}}: {{title}}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 30rem; margin: 6vh auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
label { display: block; margin-top: 1rem; }
input { display: block; box-sizing: border-box; width: 100%; min-height: 44px; font: inherit; padding: .5rem; margin-top: .25rem; }
button { font: inherit; min-height: 44px; margin-top: 1.5rem; padding: .6rem 1.2rem; border: 0; border-radius: .4rem; background: #3567b0; color: #fff; }
a { color: inherit; } .error { color: #b91c1c; } @media (prefers-color-scheme: dark) { .error { color: #fca5a5; } }
</style>
</head>
<body>
<h1>{{name}}: {{title}}</h1>
{{content}}</body>
</html>
`

// What the page shows before and after the device is paired.
const (
	firstDone = `<p role="status">{{done}}</p>
`
	firstWays = `<p>{{intro}}</p>
{{error}}
<h2>{{user}}</h2>
<p>{{userText}}</p>
<p><a href="{{welcome}}">{{welcome}}</a></p>
<h2>{{pair}}</h2>
<p>{{pairText}}</p>
<form method="post" action="/pair">
<label>{{platform}}<input name="platform" inputmode="url" autocomplete="off" autocapitalize="none" maxlength="300" required></label>
<label>{{code}}<input name="code" autocomplete="off" maxlength="64" required></label>
<label>{{pin}}<input name="pin" autocomplete="off" maxlength="200"></label>
<button>{{go}}</button>
</form>
`
)

// ServeHTTP implements http.Handler.
func (f *First) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	host, ok := ownName(r.Host)
	switch {
	case !ok:
		http.Error(w, "This device is not served under that host name.", http.StatusMisdirectedRequest)
	case !Nearby(r.RemoteAddr):
		http.Error(w, "This page answers the device's own network only.", http.StatusForbidden)
	case f.Code() == "":
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "Use https.", http.StatusForbidden)
			return
		}
		http.Redirect(w, r, "https://"+net.JoinHostPort(host, f.Port)+"/", http.StatusTemporaryRedirect)
	case r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		f.show(w, r, http.StatusOK, host, "", false)
	case r.URL.Path == "/pair" && r.Method == http.MethodPost:
		f.pair(w, r, host)
	default:
		http.NotFound(w, r)
	}
}

// pair takes the form.
func (f *First) pair(w http.ResponseWriter, r *http.Request, host string) {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		http.Error(w, "This request comes from another site.", http.StatusForbidden)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(10 * time.Second)) // of a test's recorder: it has none
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form can't be read.", http.StatusBadRequest)
		return
	}
	platform := strings.TrimSuffix(strings.TrimSpace(r.PostForm.Get("platform")), "/")
	if err := f.Pair(r, platform, strings.TrimSpace(r.PostForm.Get("code")), strings.TrimSpace(r.PostForm.Get("pin"))); err != nil {
		f.Log.Info("not paired", "remote", r.RemoteAddr, "error", err)
		f.show(w, r, http.StatusUnprocessableEntity, host, err.Error(), false)
		return
	}
	f.show(w, r, http.StatusOK, host, "", true)
}

func (f *First) show(w http.ResponseWriter, r *http.Request, status int, host, fault string, done bool) {
	t := firstWords["en"]
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), "ja") {
		t = firstWords["ja"]
	}
	content := markup.Fill(firstDone, markup.Values{"done": t.Done})
	if !done {
		content = markup.Fill(firstWays, markup.Values{"intro": t.Intro,
			"error": markup.When(fault != "", `<p class="error" role="alert">{{failed}}{{fault}}</p>`, markup.Values{"failed": t.Failed, "fault": fault}),
			"user":  t.User, "userText": t.UserText, "welcome": "https://" + net.JoinHostPort(host, f.Port) + "/welcome#code=" + f.Code(),
			"pair": t.Pair, "pairText": t.PairText, "platform": t.Platform, "code": t.Code, "pin": t.Pin, "go": t.Go})
	}
	page := markup.Fill(firstPage, markup.Values{"lang": t.Lang, "name": f.Title, "title": t.Title, "content": content})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(page)) // the peer may be gone
}

// Nearby tells whether a peer has an address of a home's network or of this machine.
func Nearby(remote string) bool {
	a, err := netip.ParseAddrPort(remote)
	ip := a.Addr().Unmap()
	return err == nil && (ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast())
}

// ownName is the host of a Host header when no foreign page can have it: an address, localhost, a name of one label or
// one below .local. Public names that were made to point here (DNS rebinding) are none.
func ownName(hostport string) (host string, ok bool) {
	host = hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if _, err := netip.ParseAddr(host); err == nil {
		return host, true
	}
	return host, host != "" && len(host) < 256 && (!strings.Contains(host, ".") || strings.HasSuffix(host, ".local"))
}
