package editor

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// platformLife is how long a token of Platform is good for. The editor fetches a new one by itself as long as its
// user is signed in to the platform.
const platformLife = 12 * time.Hour

// Exchange is what a browser shows to be let in by the platform.
type Exchange struct {
	Code   string // single use, made by the panel
	Remote string // address of the browser, without port
	Agent  string // its User-Agent
}

// Platform signs people in who are signed in to the platform that hosts this flow server.
type Platform struct {
	LoginURL  string // page of the panel that sends the browser back with ?code=
	LogoutURL string // page to go to after signing out [LoginURL's origin]
	Label     string // text of the button ["Tsunagi"]

	// Exchange asks the platform who a code stands for. An error means that it stands for nobody.
	Exchange func(ctx context.Context, e Exchange) (User, error)
}

func (p *Platform) prompts() object {
	label := p.Label
	if label == "" {
		label = "Tsunagi"
	}
	return object{"type": "strategy", "autoLogin": true, "loginRedirect": p.LoginURL,
		"prompts": []object{{"type": "button", "label": label, "url": p.LoginURL, "icon": "fa-sign-in"}}}
}

func (p *Platform) signIn(r *http.Request, form url.Values) (User, error) {
	code := form.Get("code")
	if code == "" || len(code) > 200 {
		return User{}, errCode
	}
	user, err := p.Exchange(r.Context(), Exchange{code, remote(r), r.UserAgent()})
	if err != nil {
		return User{}, err
	}
	user.Name = strings.Map(func(c rune) rune { // the editor puts the name into its menu as HTML
		if strings.ContainsRune(`<>&"`, c) {
			return -1
		}
		return c
	}, user.Name)
	return user, nil
}

func (p *Platform) current(u User) (User, bool) { return u, true }

func (p *Platform) life() time.Duration { return platformLife }

func (p *Platform) goodbye() string {
	if p.LogoutURL != "" {
		return p.LogoutURL
	}
	u, err := url.Parse(p.LoginURL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/"
}
