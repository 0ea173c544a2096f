package panel_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// TestTokensOfTheAPI calls routes with API tokens: within their scope, and never what only a browser may.
func TestTokensOfTheAPI(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	b.refused("POST", "/api/v1/tokens", `{"name":"r","scope":"read"}`, 403, "forbidden") // it asks again
	made := func(body string) *browser {
		body = strings.TrimSuffix(body, "}") + `,"password":"` + password + `"}`
		var out struct{ Token string }
		b.want("POST", "/api/v1/tokens", body, 201, &out)
		return &browser{w: w, header: http.Header{"Authorization": {"Bearer " + out.Token}}}
	}
	read, manage := made(`{"name":"r","scope":"read"}`), made(`{"name":"m","scope":"manage","days":30}`)
	one := made(`{"name":"o","scope":"manage","instance":"` + id + `"}`)
	read.want("GET", "/api/v1/instances/"+id, nil, 200, nil)
	read.refused("PATCH", "/api/v1/instances/"+id, `{"name":"y"}`, 403, "forbidden")
	manage.want("PATCH", "/api/v1/instances/"+id, `{"name":"y"}`, 200, nil)
	var other struct{ ID string }
	manage.want("POST", "/api/v1/instances", `{"name":"z"}`, 201, &other)
	one.want("GET", "/api/v1/instances/"+id+"/users", nil, 200, nil)
	one.refused("GET", "/api/v1/instances/"+other.ID, nil, 404, "not_found")
	for pattern, op := range operations(t, w) {
		method, path, _ := strings.Cut(pattern, " ")
		for _, s := range op.Security {
			if _, ok := s["token"]; ok {
				path = ""
			}
		}
		if len(op.Security) == 0 || path == "" {
			continue
		}
		path = strings.NewReplacer("{id}", id, "{name}", "x").Replace(path)
		var in any
		if body := bodies[op.OperationID]; body != "" {
			in = body
		}
		manage.refused(method, path, in, 403, "forbidden")
	}
	wrong := &browser{w: w, header: http.Header{"Authorization": {"Bearer tsu_" + strings.Repeat("A", 43)}}}
	wrong.refused("GET", "/api/v1/instances", nil, 401, "unauthorized")
	wrong.cookie = b.cookie
	wrong.refused("GET", "/api/v1/instances", nil, 401, "unauthorized") // the token decides, not the cookie beside it
	if _, raw := b.do("GET", "/api/v1/tokens", nil); strings.Contains(string(raw), "tsu_") {
		t.Errorf("the list shows tokens: %s", raw)
	}
}

func TestTwoStepSignIn(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	var begun struct {
		Secret, URL string
		QR          struct {
			Size int
			Path string
		}
	}
	b.want("POST", "/api/v1/factors/new", nil, 200, &begun)
	if !strings.Contains(begun.URL, begun.Secret) || begun.QR.Size < 20 || !strings.HasPrefix(begun.QR.Path, "M") {
		t.Fatalf("%+v", begun)
	}
	code, err := totp.GenerateCode(begun.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var added struct{ Recovery []string }
	b.want("POST", "/api/v1/factors", map[string]any{"password": password, "name": "phone", "secret": begun.Secret, "code": code}, 201, &added)
	fresh := w.browser()
	var in struct{ Ticket string }
	fresh.want("POST", "/api/v1/session", map[string]any{"email": "owner@example.org", "password": password}, 200, &in)
	if in.Ticket == "" || fresh.cookie != "" {
		t.Fatalf("signed in without the second step: %+v", in)
	}
	fresh.refused("GET", "/api/v1/session", nil, 401, "unauthorized")
	fresh.want("POST", "/api/v1/session/second", map[string]any{"ticket": in.Ticket, "code": added.Recovery[0]}, 204, nil)
	fresh.want("GET", "/api/v1/session", nil, 200, nil)
	if _, raw := b.do("GET", "/api/v1/factors", nil); strings.Contains(string(raw), begun.Secret) {
		t.Errorf("the list shows the key: %s", raw)
	}
	var list struct {
		Items []struct {
			ID   string
			This bool
		}
	}
	fresh.want("GET", "/api/v1/sessions", nil, 200, &list)
	if len(list.Items) != 2 || !list.Items[0].This {
		t.Fatalf("%+v", list)
	}
	fresh.want("DELETE", "/api/v1/sessions/others", nil, 204, nil)
	b.refused("GET", "/api/v1/session", nil, 401, "unauthorized")
}
