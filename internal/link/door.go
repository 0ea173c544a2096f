package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"tsunagi/internal/account"
)

// doorCookie lets a browser through to one device. It is set on the editor's origin by a code of the panel, and passed on
// to no device. The prefix makes browsers refuse it from any other origin.
const doorCookie = "__Host-tsunagi-door"

// ServeHTTP passes a request on to the device whose editor or pages the host names; see serveEditor and servePages.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch d, pages, err := h.byHost(r.Context(), r.Host); {
	case err != nil:
		h.explain(w, r, http.StatusNotFound, pageUnknown)
	case pages:
		h.servePages(w, r, d)
	default:
		h.serveEditor(w, r, d)
	}
}

// serveEditor passes a request on to a device's editor: from browsers that its owner has opened it in, and from nobody
// else. All others are shown the way to the panel, without a word to the device.
func (h *Hub) serveEditor(w http.ResponseWriter, r *http.Request, d account.Device) {
	if !h.admit(w, r, d.ID) {
		h.signIn(w, r, "/devices/"+d.ID+"/open", pageSignIn)
		return
	}
	s := h.find(d.ID)
	switch {
	case d.NoEditing || s != nil && s.noEditing:
		h.explain(w, r, http.StatusForbidden, pageForbidden)
	case s == nil:
		h.explain(w, r, http.StatusServiceUnavailable, pageOffline)
	default:
		s.editor.ServeHTTP(w, r)
	}
}

// signIn sends a person's browser to a page of the panel, which sends it back with a code; anything else is told that it
// may not come in.
func (h *Hub) signIn(w http.ResponseWriter, r *http.Request, at, page string) {
	if r.Method != http.MethodGet || r.Header.Get("Upgrade") != "" || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		h.explain(w, r, http.StatusUnauthorized, page)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, h.o.Panel+at, http.StatusSeeOther)
}

// admit says whether a browser may reach a device: it has the cookie of a session that lives, or a code that gives it.
// The code is looked at and not used up; the device has to exchange it.
func (h *Hub) admit(w http.ResponseWriter, r *http.Request, device string) bool {
	if c, err := r.Cookie(doorCookie); err == nil {
		if hash, ok := h.openDoor(c.Value, device); ok {
			if alive, err := h.o.Devices.EditorAlive(r.Context(), hash, account.Thing{Kind: account.ThingDevice, ID: device}); err == nil && alive {
				return true
			}
		}
	}
	code := r.URL.Query().Get("code")
	if r.Method != http.MethodGet || r.URL.Path != "/" || code == "" || len(code) > 200 {
		return false
	}
	hash, err := h.o.Devices.CheckDeviceCode(r.Context(), device, code, r.UserAgent())
	if err != nil {
		return false
	}
	h.setDoor(w, hash, device)
	return true
}

// setDoor gives a browser the cookie for a door: a device's editor (its id), or its pages.
func (h *Hub) setDoor(w http.ResponseWriter, session [32]byte, door string) {
	http.SetCookie(w, &http.Cookie{Name: doorCookie, Value: h.door(session, door), Path: "/", Secure: true, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, MaxAge: int(7 * 24 * time.Hour / time.Second)})
}

// door is the cookie's value: a session of the panel, signed for one door.
func (h *Hub) door(session [32]byte, door string) string {
	return hex.EncodeToString(session[:]) + "." + hex.EncodeToString(h.doorSum(session, door))
}

func (h *Hub) doorSum(session [32]byte, door string) []byte {
	key := sha256.Sum256(append([]byte("tsunagi door 1"), h.o.Key.Seed()...))
	m := hmac.New(sha256.New, key[:])
	m.Write(session[:])
	m.Write([]byte(door))
	return m.Sum(nil)
}

func (h *Hub) openDoor(value, door string) (hash [32]byte, ok bool) {
	session, sum, _ := strings.Cut(value, ".")
	hash, err := sessionHash(session)
	if err != nil {
		return hash, false
	}
	given, err := hex.DecodeString(sum)
	return hash, err == nil && hmac.Equal(given, h.doorSum(hash, door))
}
