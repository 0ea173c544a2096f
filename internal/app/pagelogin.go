package app

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/gate"
)

// Bounds of lines about passwords in pages.
const (
	pageLoginAgain = time.Hour // between two lines about a user
	pageLoginUsers = 10_000    // that are remembered; then all are forgotten
)

// pageLogins notices users with all rights whose password is in a web page, where everybody can read it.
type pageLogins struct {
	mu   sync.Mutex           // guards told
	told map[string]time.Time // by instance and user
}

// notice is a line for the log where a good login deserves one; false: it doesn't. A program may send an origin as well,
// that of the server which it connects to: no page can have that one but the panel's, whose logins are its own.
func (n *pageLogins) notice(h gate.Hello, login *account.Login, now time.Time) (e broker.Event, ok bool) {
	if h.Origin == "" || h.Key != "" || login.Web {
		return e, false
	}
	page, err := url.Parse(h.Origin)
	if err != nil || page.Hostname() == "" || strings.EqualFold(page.Hostname(), h.Host) {
		return e, false
	}
	if !login.Rights.MaySubscribe("#", h.ClientID).Allowed || !n.due(login.Instance.ID+":"+login.User, now) {
		return e, false
	}
	return broker.Event{Kind: "page", Client: h.ClientID, User: login.User, Remote: h.Remote, Gate: "login", Rule: "origin", Time: now,
		Cause: "a page of " + page.Scheme + "://" + page.Host + " logs in with a password that opens every topic, and everybody who sees the page can read it: " +
			"give the page a publishable key (Logins), and this user a new password"}, true
}

// due says whether a user's last line was long ago.
func (n *pageLogins) due(user string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last, ok := n.told[user]; ok && now.Sub(last) < pageLoginAgain {
		return false
	}
	if n.told == nil || len(n.told) >= pageLoginUsers {
		n.told = map[string]time.Time{}
	}
	n.told[user] = now
	return true
}
