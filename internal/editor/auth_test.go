package editor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// newLoginWorld has two users, owner (all) and guest (read).
func newLoginWorld(t *testing.T) (*world, *Login) {
	t.Helper()
	login := NewLogin()
	w := newWorld(t, Options{Auth: login})
	for name, scope := range map[string]string{"owner": "*", "guest": "read"} {
		if err := login.SetPassword(name, "correct horse", scope); err != nil {
			t.Fatal(err)
		}
	}
	return w, login
}

// signIn signs in by password.
func (w *world) signIn(name string) {
	w.t.Helper()
	a := w.form("/auth/token", "client_id", "node-red-editor", "grant_type", "password", "scope", "", "username", name, "password", "correct horse")
	var out struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
		Type    string `json:"token_type"`
	}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != 200 || out.Token == "" || out.Expires != 604800 || out.Type != "Bearer" {
		w.t.Fatalf("sign-in of %s: %d %q", name, a.status, a.body)
	}
	w.token = out.Token
}

func TestNoLogin(t *testing.T) {
	w := newWorld(t, Options{})
	w.get("/auth/login").want(t, 200, "{}")
	w.form("/auth/token", "username", "x").want(t, 404, "")
	if strings.Contains(w.get("/settings").body, `"username"`) {
		t.Error("settings name a user although nobody signs in")
	}
	for host, want := range map[string]int{"localhost:1880": 200, "127.0.0.1": 200, "[::1]:1880": 200, "evil.example.com": 421, "127.0.0.1.evil.example.com": 421} {
		if a := w.getHost("/settings", host); a != want {
			t.Errorf("Host %s: %d, want %d", host, a, want)
		}
	}
}

// getHost asks under another host name.
func (w *world) getHost(path, host string) int {
	w.t.Helper()
	r, err := http.NewRequest("GET", w.http.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Host = host
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestOtherSitesAreRefused(t *testing.T) {
	w := newWorld(t, Options{})
	w.deploy(`{"flows":[]}`, "Sec-Fetch-Site", "cross-site").want(t, 403, "")
	w.deploy(`{"flows":[]}`, "Origin", "https://evil.example.com").want(t, 403, "")
	if a := w.get("/comms", "Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Version", "13",
		"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==", "Origin", "https://evil.example.com"); a.status != 403 {
		t.Errorf("comms from another site: %d", a.status)
	}
	w.get("/comms").wantPart(t, 426, "WebSocket")
}

func TestPasswordLogin(t *testing.T) {
	w, _ := newLoginWorld(t)
	w.get("/auth/login").wantPart(t, 200, `"prompts":[{"id":"username","label":"user.username","type":"text"}`)
	for _, path := range []string{"/settings", "/settings/user", "/flows", "/nodes", "/icons", "/library/local/flows", "/diagnostics", "/context/global", "/credentials/a/b", "/flows/state"} {
		a := w.get(path)
		a.want(t, 401, "Unauthorized")
		if a.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: no challenge", path)
		}
	}
	for _, path := range []string{"/", "/theme", "/locales/editor?lng=ja", "/icons/node-red/inject.svg", "/debug/view/view.html", "/red/red.min.js"} {
		if a := w.get(path); a.status != 200 {
			t.Errorf("%s asks for a token: %d", path, a.status)
		}
	}
	w.form("/auth/token", "username", "owner", "password", "wrong").wantPart(t, 403, `"error":"invalid_grant"`)
	w.form("/auth/token", "username", "nobody", "password", "wrong").wantPart(t, 403, `"error":"invalid_grant"`)

	w.signIn("owner")
	w.get("/settings").wantPart(t, 200, `"user":{"permissions":"*","username":"owner"}`)
	revOf(t, w.deploy(`{"flows":[]}`))
	stored, err := os.ReadFile(filepath.Join(w.store.Path(), sessionsFile))
	if err != nil || strings.Contains(string(stored), w.token) {
		t.Errorf("the token is stored as it is: %v", err)
	}
	old := w.token
	w.form("/auth/revoke", "token", old).want(t, 200, "")
	w.get("/settings").want(t, 401, "")

	w.signIn("guest")
	w.get("/flows").want(t, 200, "[]")
	w.deploy(`{"flows":[]}`).want(t, 401, "")
	w.form("/flows/state", "state", "stop").want(t, 401, "")
	w.form("/debug/known/enable").want(t, 401, "")
	w.get("/settings").wantPart(t, 200, `"permissions":"read"`)
}

func TestTokensOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	login := NewLogin()
	w := newWorld(t, Options{Dir: dir, Auth: login})
	if err := login.SetPassword("owner", "correct horse", ""); err != nil {
		t.Fatal(err)
	}
	w.signIn("owner")
	token := w.token
	w.Server.Close()
	again := newWorld(t, Options{Dir: dir, Auth: NewLogin()})
	again.token = token
	again.get("/settings").wantPart(t, 200, `"username":"owner"`)
}

func TestFiveTries(t *testing.T) {
	w, _ := newLoginWorld(t)
	for range maxAttempts {
		w.form("/auth/token", "username", "owner", "password", "wrong").want(t, 403, "")
	}
	w.form("/auth/token", "username", "owner", "password", "correct horse").want(t, 403, "")
	w.signIn("guest") // others aren't bothered
}

func TestAttemptsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a attempts
		for i := range maxAttempts + 2 {
			if got := a.take("k", time.Now()); got != (i < maxAttempts) {
				t.Errorf("attempt %d: %v", i, got)
			}
		}
		time.Sleep(attemptsTime + time.Second)
		if !a.take("k", time.Now()) {
			t.Error("refused after the time is over")
		}
		for i := range maxAttemptKeys {
			a.take(string(rune(i)), time.Now())
		}
		if a.take("one more", time.Now()) {
			t.Error("more names are remembered than allowed")
		}
		time.Sleep(attemptsTime + time.Second)
		if !a.take("one more", time.Now()) {
			t.Error("old names are not forgotten")
		}
	})
}

func TestFirstOwner(t *testing.T) {
	login := NewLogin()
	w := newWorld(t, Options{Auth: login})
	if a := w.get("/"); a.status != 303 || a.header.Get("Location") != "./welcome" {
		t.Errorf("without a user: %d %v", a.status, a.header)
	}
	w.get("/welcome", "Accept-Language", "ja").wantPart(t, 200, "ようこそ")
	code := login.OwnerCode()
	try := func(code, name, password, again string) answer {
		return w.form("/welcome", "code", code, "username", name, "password", password, "again", again)
	}
	try(code, "owner", "correct horse", "other").wantPart(t, 422, "differ")
	try(code, "owner", "short", "short").wantPart(t, 422, "longer password")
	try(code, "<b>", "correct horse", "correct horse").wantPart(t, 422, "another user name")
	try("wrong", "owner", "correct horse", "correct horse").wantPart(t, 403, "not valid")
	select {
	case <-login.OwnerMade():
		t.Fatal("there is an owner already")
	default:
	}
	a := try(code, "owner", "correct horse", "correct horse")
	if a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "./?code=") {
		t.Fatalf("%d %v", a.status, a.header)
	}
	<-login.OwnerMade()
	once := strings.TrimPrefix(a.header.Get("Location"), "./?code=")
	var out struct{ AccessToken string }
	signed := w.form("/auth/token", "code", once)
	if err := json.Unmarshal([]byte(signed.body), &out); err != nil || out.AccessToken == "" {
		t.Fatalf("%d %q", signed.status, signed.body)
	}
	w.form("/auth/token", "code", once).want(t, 403, "")
	try(code, "second", "correct horse", "correct horse").wantPart(t, 403, "")
	w.get("/welcome").wantPart(t, 200, "already")
	w.token = out.AccessToken
	w.get("/settings").wantPart(t, 200, `"username":"owner"`)
}

func TestWithoutOwnerOnlyThisMachine(t *testing.T) {
	login := NewLogin()
	w := newWorld(t, Options{Auth: login})
	ask := func() int {
		r := httptest.NewRequest("GET", "/welcome", nil)
		r.RemoteAddr = "192.0.2.7:1234"
		out := httptest.NewRecorder()
		w.Server.ServeHTTP(out, r)
		return out.Code
	}
	if got := ask(); got != 403 {
		t.Errorf("another machine got %d", got)
	}
	if err := login.SetPassword("owner", "correct horse", ""); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got != 200 {
		t.Errorf("with an owner another machine got %d", got)
	}
}

func TestPlatformLogin(t *testing.T) {
	alive := true
	p := &Platform{LoginURL: "https://panel.example.com/flow-servers/x/open", Exchange: func(_ context.Context, e Exchange) (User, error) {
		if e.Code != "good" || e.Remote == "" || e.Agent == "" {
			return User{}, errors.New("no")
		}
		return User{Name: "<anna>@example.com", Scope: "*", Session: "s1"}, nil
	}, Alive: func(context.Context, string) (bool, error) { return alive, nil }}
	w := newWorld(t, Options{Auth: p})
	w.get("/auth/login").wantPart(t, 200, `"autoLogin":true,"image":"tsunagi/login.svg","loginRedirect":"https://panel.example.com/flow-servers/x/open"`)

	bad := w.form("/auth/token", "code", "bad")
	bad.want(t, 403, "")
	w.get("/").wantPart(t, 200, "<script>x = [") // a message, so that the editor doesn't leave again at once
	if strings.Contains(w.get("/").body, "<script>x = [") {
		t.Error("the message is shown twice")
	}
	signIn := func() {
		var out struct{ AccessToken string }
		a := w.form("/auth/token", "code", "good")
		if err := json.Unmarshal([]byte(a.body), &out); err != nil || out.AccessToken == "" {
			t.Fatalf("%d %q", a.status, a.body)
		}
		w.token = out.AccessToken
	}
	signIn()
	w.get("/settings").wantPart(t, 200, `"username":"anna@example.com"`)
	b := w.dial(t)
	b.send(`{"auth":"` + w.token + `"}`)
	if got := b.next(); got != `{"auth":"ok"}` {
		t.Fatal(got)
	}
	if err := w.EndSession("s1"); err != nil {
		t.Fatal(err)
	}
	w.get("/settings").want(t, 401, "")
	if got := b.next(); got != `{"auth":"fail"}` {
		t.Errorf("after the end of the session: %s", got)
	}
	b.closed()
	signIn()
	w.form("/auth/revoke", "token", w.token).want(t, 200, `{"redirect":"https://panel.example.com/"}`)
}

func TestPlatformAsksNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, alive, fault := 0, true, error(nil)
		p := &Platform{Alive: func(context.Context, string) (bool, error) { asked++; return alive, fault }}
		u := User{Name: "a", Session: "s"}
		check := func(want bool, times int) {
			t.Helper()
			if _, ok := p.current(u); ok != want || asked != times {
				t.Errorf("in: %v after %d questions, want %v after %d", ok, asked, want, times)
			}
		}
		check(true, 1)
		check(true, 1)
		time.Sleep(aliveTime + time.Second)
		fault = errors.New("not now")
		check(true, 2) // the last answer holds for a while
		time.Sleep(aliveGrace)
		check(false, 3)
		fault, alive = nil, false
		check(false, 4)
	})
}

func TestAllows(t *testing.T) {
	tests := []struct {
		scope, permission string
		want              bool
	}{
		{"*", "flows.write", true}, {"", "flows.read", false}, {"read", "flows.read", true}, {"*.read", "nodes.read", true},
		{"read", "flows.write", false}, {"write", "flows.write", true}, {"flows.read", "flows.read", true},
		{"flows.read", "nodes.read", false}, {"flows.read, nodes.read", "nodes.read", true}, {"rea", "x.read", false},
	}
	for _, tt := range tests {
		if got := allows(tt.scope, tt.permission); got != tt.want {
			t.Errorf("allows(%q, %q) = %v", tt.scope, tt.permission, got)
		}
	}
}

func TestPasswords(t *testing.T) {
	h := hashPassword("correct horse")
	if !checkPassword(h, "correct horse") || checkPassword(h, "wrong") {
		t.Error("passwords are mixed up")
	}
	for _, bad := range []string{"", "x", "$argon2id$v=19$m=99999999999,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=8,t=0,p=1$AAAA$AAAA", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA"} {
		if checkPassword(bad, "") {
			t.Errorf("%q lets everybody in", bad)
		}
	}
}

// Passwords that were taken over from Node-RED are checked as they are.
func TestBcryptPassword(t *testing.T) {
	const hash = "$2b$08$lsWAJu8obqZOIqnabmUVR.UEWsiVoZAATdTg1.Qz7xX46ef/mdCrK"
	if !checkPassword(hash, "password-123") || checkPassword(hash, "password-124") || checkPassword(hash, "") {
		t.Error("the hash fits another password than it should")
	}
	for _, u := range []TakenUser{{"plain", "*"}, {"$2b$20$lsWAJu8obqZOIqnabmUVR.UEWsiVoZAATdTg1.Qz7xX46ef/mdCrK", "*"}, {hash, "<script>"}} {
		if u.Check("name") == nil {
			t.Errorf("%+v is accepted", u)
		}
	}
}
