package editor

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// platformLife is how long a token of Platform is good for, if the session it came from lasts that long.
const platformLife = 7 * 24 * time.Hour

// A session is looked up again after aliveTime. When it can't be, the last answer holds for aliveGrace.
const (
	aliveTime  = time.Minute
	aliveGrace = 10 * time.Minute
)

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
	// Alive asks the platform whether User.Session still holds [it does].
	Alive func(ctx context.Context, session string) (bool, error)

	mu    sync.Mutex
	alive map[string]lookup // by session
}

// lookup is what the platform said of a session.
type lookup struct {
	at    time.Time
	alive bool
}

func (p *Platform) prompts(*http.Request) object {
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
	if user.Session != "" {
		p.note(user.Session, lookup{time.Now(), true})
	}
	user.Name = strings.Map(func(c rune) rune { // the editor puts the name into its menu as HTML
		if strings.ContainsRune(`<>&"`, c) {
			return -1
		}
		return c
	}, user.Name)
	return user, nil
}

func (p *Platform) current(u User) (User, bool) {
	if p.Alive == nil || u.Session == "" {
		return u, true
	}
	p.mu.Lock()
	last, known := p.alive[u.Session]
	p.mu.Unlock()
	now := time.Now()
	if known && now.Sub(last.at) < aliveTime {
		return u, last.alive
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	alive, err := p.Alive(ctx, u.Session)
	if err != nil {
		return u, known && last.alive && now.Sub(last.at) < aliveGrace
	}
	p.note(u.Session, lookup{now, alive})
	return u, alive
}

// note remembers an answer, and forgets old ones.
func (p *Platform) note(session string, l lookup) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.alive == nil {
		p.alive = map[string]lookup{}
	}
	if len(p.alive) > 2*maxSessions {
		maps.DeleteFunc(p.alive, func(_ string, old lookup) bool { return l.at.Sub(old.at) > aliveGrace })
	}
	p.alive[session] = l
}

// ended notes that a session is over.
func (p *Platform) ended(session string) { p.note(session, lookup{time.Now(), false}) }

func (p *Platform) life() time.Duration { return platformLife }

func (p *Platform) goodbye(*http.Request) string {
	if p.LogoutURL != "" {
		return p.LogoutURL
	}
	u, err := url.Parse(p.LoginURL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/"
}
