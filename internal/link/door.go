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

// ServeHTTP passes a request on to the device whose editor the host names: from browsers that its owner has opened it
// in, and from nobody else. All others are shown the way to the panel, without a word to the device.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d, err := h.byHost(r.Context(), r.Host)
	if err != nil {
		h.explain(w, r, http.StatusNotFound, pageUnknown)
		return
	}
	if !h.admit(w, r, d.ID) {
		if r.Method == http.MethodGet && r.Header.Get("Upgrade") == "" && strings.Contains(r.Header.Get("Accept"), "text/html") {
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Referrer-Policy", "no-referrer")
			http.Redirect(w, r, h.o.Panel+"/devices/"+d.ID+"/open", http.StatusSeeOther)
			return
		}
		h.explain(w, r, http.StatusUnauthorized, pageSignIn)
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
	http.SetCookie(w, &http.Cookie{Name: doorCookie, Value: h.door(hash, device), Path: "/", Secure: true, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, MaxAge: int(7 * 24 * time.Hour / time.Second)})
	return true
}

// door is the cookie's value: a session of the panel, signed for one device.
func (h *Hub) door(session [32]byte, device string) string {
	return hex.EncodeToString(session[:]) + "." + hex.EncodeToString(h.doorSum(session, device))
}

func (h *Hub) doorSum(session [32]byte, device string) []byte {
	key := sha256.Sum256(append([]byte("tsunagi door 1"), h.o.Key.Seed()...))
	m := hmac.New(sha256.New, key[:])
	m.Write(session[:])
	m.Write([]byte(device))
	return m.Sum(nil)
}

func (h *Hub) openDoor(value, device string) (hash [32]byte, ok bool) {
	session, sum, _ := strings.Cut(value, ".")
	hash, err := sessionHash(session)
	if err != nil {
		return hash, false
	}
	given, err := hex.DecodeString(sum)
	return hash, err == nil && hmac.Equal(given, h.doorSum(hash, device))
}
