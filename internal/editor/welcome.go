package editor

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tsunagi/internal/markup"
)

// welcomeTexts are the words of the page on which the first user is made.
type welcomeTexts struct {
	Lang, Title, Intro, Code, User, Password, Hint, Again, Make string
	WrongCode, Unequal, BadUser, BadPassword, Done              string
}

var welcome = map[string]welcomeTexts{
	"en": {"en", "Welcome", "Choose the user and password with which you will sign in to this flow server.",
		"Code from the terminal or the log", "User", "Password", "At least 10 characters.", "Password again", "Create user",
		"This code is not valid. Take the link that was printed when the flow server was started last.",
		"The two passwords differ.", "Choose another user name: 1 to 64 characters, without < > & and quotes.",
		"Choose a longer password: at least 10 characters.", "This flow server has its first user already. Open the editor and sign in."},
	"ja": {"ja", "ようこそ", "このフローサーバーにサインインするためのユーザー名とパスワードを決めてください。",
		"ターミナルまたはログに表示されたコード", "ユーザー名", "パスワード", "10文字以上", "パスワード（確認）", "ユーザーを作成",
		"コードが正しくありません。フローサーバーを最後に起動したときに表示されたリンクを使ってください。",
		"2つのパスワードが一致しません。", "別のユーザー名にしてください（1〜64文字、< > & と引用符は使えません）。",
		"もっと長いパスワードにしてください（10文字以上）。", "最初のユーザーはすでに作成されています。エディターを開いてサインインしてください。"},
}

const welcomePage = `<!DOCTYPE html>
<html lang="{{lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{title}}: {{heading}}</title>
<link rel="icon" href="tsunagi/logo.svg">
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 6vh auto; padding: 0 1rem; }
img { width: 64px; } h1 { font-size: 1.4rem; }
label:not([hidden]) { display: block; margin-top: 1rem; }
input { display: block; box-sizing: border-box; width: 100%; font: inherit; padding: .5rem; margin-top: .25rem; }
small { opacity: .8; } .error { color: #b91c1c; } @media (prefers-color-scheme: dark) { .error { color: #fca5a5; } }
button { font: inherit; margin-top: 1.5rem; padding: .6rem 1.2rem; border: 0; border-radius: .4rem; background: #3567b0; color: #fff; }
</style>
</head>
<body>
<img src="tsunagi/logo.svg" alt="">
<h1>{{title}}: {{heading}}</h1>
{{content}}
</body>
</html>
`

// What the page shows before and after there is a user.
const (
	welcomeForm = `<p>{{intro}}</p>
{{error}}
<form method="post" action="welcome">
<label id="code-row">{{codeLabel}}<input id="code" name="code" value="{{code}}" autocomplete="off" required></label>
<label>{{userLabel}}<input name="username" value="{{user}}" autocomplete="username" maxlength="64" required></label>
<label>{{password}}<input name="password" type="password" autocomplete="new-password" minlength="10" maxlength="200" required>
<small>{{hint}}</small></label>
<label>{{again}}<input name="again" type="password" autocomplete="new-password" maxlength="200" required></label>
<button>{{make}}</button>
</form>
<script>
const code = new URLSearchParams(location.hash.slice(1)).get("code");
if (code) {
  document.getElementById("code").value = code;
  document.getElementById("code-row").hidden = true;
  history.replaceState(null, "", location.pathname);
}
</script>
`
	welcomeDone = `<p>{{done}}</p><p><a href="./">{{title}}</a></p>`
)

// welcomeData is what the page shows.
type welcomeData struct {
	T                        welcomeTexts
	Title, Code, User, Error string
	Open                     bool
}

// getWelcome shows the page on which the first user is made.
func (s *Server) getWelcome(w http.ResponseWriter, r *http.Request) error {
	return s.showWelcome(w, r, http.StatusOK, welcomeData{})
}

// postWelcome makes the first user and sends the browser to the editor, signed in.
func (s *Server) postWelcome(w http.ResponseWriter, r *http.Request) error {
	login, ok := s.ownLogin(r)
	if !ok {
		return notFound("Not Found")
	}
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	name, password := strings.TrimSpace(form.Get("username")), form.Get("password")
	data := welcomeData{Code: form.Get("code"), User: name}
	t := welcomeIn(r)
	switch {
	case password != form.Get("again"):
		data.Error = t.Unequal
	case checkUserName(name) != nil:
		data.Error = t.BadUser
	case checkNewPassword(password) != nil:
		data.Error = t.BadPassword
	case !login.attempts.take("welcome\x00"+network(remote(r)), time.Now()):
		data.Error = t.WrongCode
	}
	if data.Error != "" {
		return s.showWelcome(w, r, http.StatusUnprocessableEntity, data)
	}
	once, err := login.makeOwner(data.Code, name, password)
	if errors.Is(err, errCode) {
		data.Error = t.WrongCode
		return s.showWelcome(w, r, http.StatusForbidden, data)
	}
	if err != nil {
		return err
	}
	s.log.Info("owner made", "user", name, "remote", remote(r))
	w.Header().Set("Location", "./?code="+url.QueryEscape(once)) // relative, for an editor below a path prefix
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

func (s *Server) showWelcome(w http.ResponseWriter, r *http.Request, status int, data welcomeData) error {
	login, ok := s.ownLogin(r)
	if !ok {
		return notFound("Not Found")
	}
	data.T, data.Title, data.Open = welcomeIn(r), s.o.Title, login.OwnerCode() != ""
	page := data.page()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(page))
	return nil
}

// page makes the markup.
func (d welcomeData) page() markup.HTML {
	content := markup.Fill(welcomeDone, markup.Values{"done": d.T.Done, "title": d.Title})
	if d.Open {
		content = markup.Fill(welcomeForm, markup.Values{"intro": d.T.Intro,
			"error":     markup.When(d.Error != "", `<p class="error" role="alert">{{error}}</p>`, markup.Values{"error": d.Error}),
			"codeLabel": d.T.Code, "code": d.Code, "userLabel": d.T.User, "user": d.User, "password": d.T.Password, "hint": d.T.Hint,
			"again": d.T.Again, "make": d.T.Make})
	}
	return markup.Fill(welcomePage, markup.Values{"lang": d.T.Lang, "title": d.Title, "heading": d.T.Title, "content": content})
}

// welcomeIn chooses the language that the browser likes best.
func welcomeIn(r *http.Request) welcomeTexts {
	base, _, _ := strings.Cut(strings.ToLower(acceptedLanguage(r)), "-")
	if t, ok := welcome[base]; ok {
		return t
	}
	return welcome["en"]
}
