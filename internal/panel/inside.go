package panel

import (
	"context"
	"net/http"
	"strings"
)

// AccountHeader names, by id or e-mail, the account that a request by Inside is about where its path names nothing of it.
// Requests from anywhere else are not asked for it.
const AccountHeader = "Tsunagi-Account"

// insideKey marks the context of requests that came by Inside. Nothing else can: the type is known in this package
// alone, and no listener of the panel's hands contexts of its own on.
type insideKey struct{}

func comesFromInside(ctx context.Context) bool {
	inside, _ := ctx.Value(insideKey{}).(bool)
	return inside
}

// Inside is the API for who runs the server: whoever reaches the handler may do everything with everything, without
// rate limits. It is for the admin socket, which nobody else can open, and must never be put on a network.
func (p *Panel) Inside() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), insideKey{}, true))
		if r.URL.Path != "/api/openapi.json" && !strings.HasPrefix(r.URL.Path, "/api/v1/") {
			p.refuse(w, r, http.StatusNotFound, "") // pages, and the API of others with keys of its own
			return
		}
		p.inside.ServeHTTP(w, r)
	})
}

// ceremonies are the routes that make sense in a browser, or for who holds a link alone, with what who runs the server
// is told instead.
var ceremonies = map[string]string{
	"create-owner": "api.admin.accounts", "sign-up": "api.admin.accounts", "accept-invitation": "api.admin.link", "get-invitation": "api.admin.link",
	"get-team-invitation": "api.admin.link", "accept-team-invitation": "api.admin.link", "join-team": "api.admin.link",
	"check-reset": "api.admin.link", "accept-reset": "api.admin.link",

	"sign-in": "api.admin.browser", "sign-in-code": "api.admin.browser", "sign-in-second": "api.admin.browser", "sign-out": "api.admin.browser",
	"begin-passkey-sign-in": "api.admin.browser", "sign-in-passkey": "api.admin.browser", "begin-provider-sign-in": "api.admin.browser",
	"end-provider-sign-in": "api.admin.browser", "list-confirm-ways": "api.admin.browser", "begin-confirm": "api.admin.browser", "end-confirm": "api.admin.browser", "begin-provider-confirm": "api.admin.browser",
	"begin-passkey": "api.admin.browser", "create-passkey": "api.admin.browser",
	"begin-identity": "api.admin.browser", "begin-factor": "api.admin.browser", "create-factor": "api.admin.browser",
	"new-recovery-codes": "api.admin.browser", "switch-team": "api.admin.browser", "leave-team": "api.admin.browser", "delete-own-account": "api.admin.browser", "show-phone": "api.admin.browser",
	"mint-web-token": "api.admin.browser", "open-flow-server": "api.admin.browser", "open-device": "api.admin.browser", "open-device-pages": "api.admin.browser",
	"pair-device": "api.admin.device",
}
