package panel_test

import (
	"net/url"
	"strings"
	"testing"
)

// TestPhoneSignsInOnce reads the link of the QR code as a phone would.
func TestPhoneSignsInOnce(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	path := "/api/v1/instances/" + b.instance()
	var shown struct {
		URL string
		QR  struct {
			Size int
			Path string
		}
	}
	link := func() string {
		t.Helper()
		b.want("POST", path+"/phone", nil, 200, &shown)
		at, err := url.Parse(shown.URL)
		if err != nil || at.Host != "mqtt.example.org" || at.Path != "/enter" || at.RawQuery != "" || shown.QR.Size < 29 || !strings.HasPrefix(shown.QR.Path, "M") {
			t.Fatalf("%+v, %v", shown, err)
		}
		values, err := url.ParseQuery(at.Fragment)
		if err != nil || values.Get("to") != strings.TrimPrefix(path, "/api/v1") {
			t.Fatalf("%s, %v", at.Fragment, err)
		}
		return values.Get("code")
	}
	code := link()
	phone := w.browser()
	phone.want("POST", "/api/v1/session/code", map[string]any{"code": code}, 204, nil)
	phone.want("GET", path, nil, 200, nil)
	w.browser().refused("POST", "/api/v1/session/code", map[string]any{"code": code}, 401, "unauthorized")
	w.browser().refused("POST", "/api/v1/session/code", map[string]any{"code": ""}, 401, "unauthorized")

	var flow struct{ ID, URL string } // a code of another door opens nothing here
	b.want("POST", "/api/v1/flow-servers", map[string]any{"name": "mine"}, 201, &flow)
	b.want("POST", "/api/v1/flow-servers/"+flow.ID+"/open", nil, 200, &flow)
	at, err := url.Parse(flow.URL)
	if err != nil {
		t.Fatal(err)
	}
	w.browser().refused("POST", "/api/v1/session/code", map[string]any{"code": at.Query().Get("code")}, 401, "unauthorized")

	code = link() // ends with the session that made it
	b.want("DELETE", "/api/v1/session", nil, 204, nil)
	w.browser().refused("POST", "/api/v1/session/code", map[string]any{"code": code}, 401, "unauthorized")
}
