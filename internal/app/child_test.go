package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestPagesOfAFlowServerNeverShareTheEditorsOrigin(t *testing.T) {
	named := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(name)) })
	}
	h := byOrigin([]string{"home.flows.example.com"}, named("pages"), named("editor"))
	for host, want := range map[string]string{"home.flows.example.com": "pages", "HOME.flows.example.com:8443": "pages", "edit-home.flows.example.com": "editor",
		"edit-home.flows.example.com:8443": "editor", "flow": "editor", "": "editor"} {
		r := httptest.NewRequest("GET", "/hello", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Body.String(); got != want {
			t.Errorf("%q is answered by the %s", host, got)
		}
	}
}
