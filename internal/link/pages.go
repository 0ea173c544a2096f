package link

import (
	"context"
	"encoding/hex"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"time"

	"tsunagi/internal/account"
)

// What the platform keeps for itself on the origin of pages: it never reaches a device.
const (
	pagesOwn   = "/.tsunagi/"
	pagesEnter = pagesOwn + "enter"
)

// visitHeader tells the device which session of the panel asks, where its pages are not for everybody. It is the
// platform's alone: what a browser says there is thrown away, and no flow sees it.
const visitHeader = "X-Tsunagi-Session"

const (
	visitWait = 15 * time.Second // longest wait of a request until others are done
	maxTo     = 2000             // bytes of the address of a page to go to
)

// pagesDoor names the door to a device's pages in the cookie. It is not the editor's, so that neither opens the other.
func pagesDoor(device string) string { return device + "/pages" }

// word is who may see pages as a device says it, or "" when it says nothing that is known.
func word(pages string) string {
	if _, ok := account.ParsePages(pages); !ok {
		return ""
	}
	return pages
}

// servePages passes a request on to the pages of a device's flows: from everybody when both sides allow that, else from
// browsers of people who may open its editor, and only when the pages themselves or their visitor ask, not a page of
// somebody else's in the visitor's name.
func (h *Hub) servePages(w http.ResponseWriter, r *http.Request, d account.Device) {
	if strings.HasPrefix(r.URL.Path, pagesOwn) {
		h.enterPages(w, r, d)
		return
	}
	s, who := h.find(d.ID), d.Pages
	if s != nil {
		who = who.Least(s.pages)
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if who != account.PagesPublic {
		session, ok := h.visitor(ctx, cancel, r, d.ID)
		if !ok {
			h.signIn(w, r, "/devices/"+d.ID+"/pages?to="+url.QueryEscape(clipTo(r.URL.RequestURI())), pageVisit)
			return
		}
		if !fromItself(r, h.origin(h.PagesHost(d.Name))) {
			h.explain(w, r, http.StatusForbidden, pageElsewhere)
			return
		}
		ctx = context.WithValue(ctx, visitKey{}, session)
	}
	switch {
	case s != nil && s.pagesWord == "":
		h.explain(w, r, http.StatusServiceUnavailable, pageOld)
	case who == account.PagesNone:
		h.explain(w, r, http.StatusForbidden, pageNoPages)
	case s == nil:
		h.explain(w, r, http.StatusServiceUnavailable, pageAway)
	case !s.enter(ctx):
		w.Header().Set("Retry-After", "10")
		h.explain(w, r, http.StatusServiceUnavailable, pageBusy)
	default:
		defer func() { <-s.visits }()
		s.site.ServeHTTP(w, r.WithContext(ctx))
	}
}

// visitKey has the session of a visitor in the context of a request.
type visitKey struct{}

// visitor finds out whose browser asks for pages that are not public. The request ends with that session.
func (h *Hub) visitor(ctx context.Context, cancel func(), r *http.Request, device string) (session string, ok bool) {
	c, err := r.Cookie(doorCookie)
	if err != nil {
		return "", false
	}
	hash, ok := h.openDoor(c.Value, pagesDoor(device))
	if !ok {
		return "", false
	}
	ended, stop := h.o.Devices.SessionEnd(hash)
	go func() { // ends with the request
		defer stop()
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	alive, err := h.o.Devices.EditorAlive(ctx, hash, account.Thing{Kind: account.ThingDevice, ID: device})
	return hex.EncodeToString(hash[:]), err == nil && alive
}

// fromItself says whether a request comes from pages of an origin themselves, or is somebody who goes there. Names below
// one domain are one site to browsers, which send cookies along: without this, the pages of one tenant's flows could ask
// those of another in their visitor's name.
func fromItself(r *http.Request, own string) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	if r.Method == http.MethodGet && site != "" && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" {
		return true
	}
	origin := r.Header.Get("Origin")
	return (origin == "" || strings.EqualFold(origin, own)) && slices.Contains([]string{"", "none", "same-origin"}, site)
}

// entry is the address of the entry on the origin of pages.
func entry(code, to string) string {
	return pagesEnter + "?code=" + url.QueryEscape(code) + "&to=" + url.QueryEscape(to)
}

// enterPages takes a code of the panel and sends the browser on to the page that it wanted.
func (h *Hub) enterPages(w http.ResponseWriter, r *http.Request, d account.Device) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if r.URL.Path != pagesEnter || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	q := r.URL.Query()
	code := q.Get("code")
	if code == "" || len(code) > 200 {
		h.explain(w, r, http.StatusUnauthorized, pageVisit)
		return
	}
	login, err := h.o.Devices.ExchangePagesCode(r.Context(), d.ID, code, r.UserAgent())
	if err != nil {
		h.o.Log.Info("sign-in to the pages of a device refused", "device", d.ID, "error", err)
		h.explain(w, r, http.StatusUnauthorized, pageVisit)
		return
	}
	h.setDoor(w, login.Session, pagesDoor(d.ID))
	w.Header().Set("Location", localPath(q.Get("to")))
	w.WriteHeader(http.StatusSeeOther)
}

// localPath is a path with its query that leads nowhere but to the origin it is used on; "/" for anything else.
func localPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || len(to) > maxTo || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") ||
		strings.Contains(to, `\`) || strings.HasPrefix(u.Path, pagesOwn) {
		return "/"
	}
	return u.RequestURI()
}

func clipTo(to string) string {
	if len(to) > maxTo {
		return "/"
	}
	return to
}

// enter takes a place for a request to the pages, or says no when there is none for too long. Places end with the
// requests; so do WebSockets, which take one each.
func (s *session) enter(ctx context.Context) bool {
	select {
	case s.visits <- struct{}{}:
		return true
	default:
	}
	select {
	case s.queue <- struct{}{}:
		defer func() { <-s.queue }()
	default:
		return false
	}
	late := time.NewTimer(visitWait)
	defer late.Stop()
	select {
	case s.visits <- struct{}{}:
		return true
	case <-late.C:
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	return false
}

// pagesTransport opens connections to the pages, which share half of the device's bandwidth: visitors leave the other
// half to the editor.
func (s *session) pagesTransport() *http.Transport {
	t := s.transport(kindPages, maxVisits)
	in, out := newLimiter(max(s.hub.o.Bandwidth/2, 1)), newLimiter(max(s.hub.o.Bandwidth/2, 1))
	t.DialContext = func(context.Context, string, string) (net.Conn, error) {
		c, err := s.stream(kindPages)
		if err != nil {
			return nil, err
		}
		return &bounded{Conn: c, ctx: s.ctx, in: in, out: out}, nil
	}
	return t
}

// rewritePages makes the request that a device sees of one for its pages.
func (h *Hub) rewritePages(r *httputil.ProxyRequest) {
	h.o.Rewrite(r)
	r.Out.Header.Del(visitHeader)
	if session, ok := r.In.Context().Value(visitKey{}).(string); ok {
		r.Out.Header.Set(visitHeader, session)
	}
}
