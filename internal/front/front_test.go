package front

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func request(method, url string, header ...string) *http.Request {
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestRedirect(t *testing.T) {
	sites := &Sites{Domain: "link.example.org"}
	h := Redirect("8443", "link.example.org", sites.Ours)
	ws := []string{"Connection", "Upgrade", "Upgrade", "websocket"}
	tests := []struct {
		name     string
		request  *http.Request
		status   int
		location string
	}{
		{"GET", request("GET", "http://link.example.org:8080/a%2Fb?c=d"), 308, "https://link.example.org:8443/a%2Fb?c=d"},
		{"HEAD", request("HEAD", "http://localhost/x"), 308, "https://localhost:8443/x"},
		{"address", request("GET", "http://[::1]:8080/"), 308, "https://[::1]:8443/"},
		{"foreign host goes home", request("GET", "http://evil.example.com/x"), 308, "https://link.example.org:8443/x"},
		{"two slashes stay on this host", request("GET", "http://link.example.org//evil.example.com/"), 308, "https://link.example.org:8443//evil.example.com/"},
		{"POST is never redirected", request("POST", "http://link.example.org/api/v1/session"), 403, ""},
		{"WebSocket", request("GET", "http://link.example.org/mqtt", ws...), 426, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, tt.request)
			if w.Code != tt.status || w.Header().Get("Location") != tt.location {
				t.Errorf("answer %d to %q, want %d to %q", w.Code, w.Header().Get("Location"), tt.status, tt.location)
			}
			body, _ := io.ReadAll(w.Body)
			if tt.status >= 400 && !strings.Contains(string(body), "tls_required") {
				t.Errorf("body %q does not say what is wrong", body)
			}
		})
	}
}

func TestSites(t *testing.T) {
	site := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name) })
	}
	s := &Sites{Domain: "localhost", Names: []string{"pi.lan"}, Panel: site("panel"), Flows: site("flows"),
		FlowHost: func(h string) bool { return h == "edit-a.flows.localhost" }}
	tests := []struct {
		host, want string
		status     int
	}{
		{"localhost:8443", "panel", 200},
		{"LOCALHOST.:8443", "panel", 200},
		{"127.0.0.1:8443", "panel", 200},
		{"[::1]:8443", "panel", 200},
		{"pi.lan", "panel", 200},
		{"edit-a.flows.localhost:8443", "flows", 200},
		{"evil.example.com", "", 421},
		{"localhost.evil.example.com", "", 421},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		r := request("GET", "https://x/")
		r.Host = tt.host
		s.ServeHTTP(w, r)
		if w.Code != tt.status || tt.want != "" && w.Body.String() != tt.want {
			t.Errorf("host %q: %d %q, want %d %q", tt.host, w.Code, w.Body.String(), tt.status, tt.want)
		}
	}
}
