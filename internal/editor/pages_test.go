package editor

import (
	"net/http"
	"strings"
	"testing"
)

// pages stands for http nodes.
type pages struct{}

func (pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Page", "yes")
	w.Write([]byte("page " + r.Method + " " + r.URL.Path))
}

func TestWhatIsNoneOfTheEditorsGoesToTheFlows(t *testing.T) {
	w := newWorld(t, Options{Pages: pages{}})
	for _, tt := range []struct {
		method, path string
		page         bool
	}{
		{"GET", "/hello", true}, {"POST", "/hello", true}, {"PUT", "/a/b", true}, {"GET", "/red/none.js", true}, {"POST", "/", true},
		{"GET", "/", false}, {"GET", "/flows", false}, {"POST", "/flows", false}, {"GET", "/icons/none/none.svg", false},
		{"GET", "/comms", false}, {"GET", "/settings", false}, {"GET", "/theme", false},
	} {
		a := w.do(tt.method, tt.path, "", "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")
		if got := a.header.Get("X-Page") == "yes"; got != tt.page {
			t.Errorf("%s %s: page %v, %d %s", tt.method, tt.path, got, a.status, a.body)
		}
		if policy := a.header.Get("Content-Security-Policy"); tt.page && policy != "" {
			t.Errorf("%s %s: the editor's policy is on the flow's page", tt.method, tt.path)
		}
	}
	if a := w.do("GET", "/hello", "", "Host", "x"); !strings.HasPrefix(a.body, "page GET") {
		t.Error(a.status, a.body)
	}
}

func TestPagesOfFlowsHaveNoForeignHostWithoutLogin(t *testing.T) {
	w := newWorld(t, Options{Pages: pages{}})
	r, err := http.NewRequest("GET", w.http.URL+"/hello", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "rebound.example"
	res, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusMisdirectedRequest {
		t.Error("a foreign host name got", res.StatusCode)
	}
}
