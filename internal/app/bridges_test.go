package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// authority is the local authority's certificate as PEM.
func (w *world) authority() string {
	w.t.Helper()
	pem, err := w.client().Get("https://" + strings.Replace(w.https, "127.0.0.1", "localhost", 1) + "/ca.pem")
	if err != nil {
		w.t.Fatal(err)
	}
	defer pem.Body.Close()
	raw, err := io.ReadAll(pem.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(raw)
}

// TestBridgeBetweenInstances makes a bridge by the API from one instance to another of this server, over TLS.
func TestBridgeBetweenInstances(t *testing.T) {
	w := serveWorld(t, "--bridge-allow", "127.0.0.1,::1")
	_, text := w.tryAdmin("account", "link")
	_, token, _ := strings.Cut(text, "token=")
	token = strings.TrimRight(strings.Fields(token)[0], `"',}`)
	var cookie string
	ask := func(method, path string, in, out any) int {
		t.Helper()
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(method, "https://"+strings.Replace(w.https, "127.0.0.1", "localhost", 1)+"/api/v1"+path, bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Cookie", cookie)
		a, err := w.client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		for _, c := range a.Cookies() {
			cookie = c.Name + "=" + c.Value
		}
		raw, _ = io.ReadAll(a.Body)
		if out != nil {
			if err := json.Unmarshal(raw, out); err != nil {
				t.Fatalf("%s %s: %s", method, path, raw)
			}
		}
		return a.StatusCode
	}
	if code := ask("POST", "/owner", map[string]any{"token": token, "email": "owner@example.org", "password": "a long enough pass phrase", "language": "en"}, nil); code != 204 {
		t.Fatalf("owner: %d %s", code, text)
	}
	from, _ := w.instance()
	to, password := w.instance()
	_, port, _ := net.SplitHostPort(w.mqtts)
	var made struct{ ID string }
	ask("POST", "/instances/"+from+"/bridges", map[string]any{"name": "b", "address": "mqtts://localhost:" + port, "roots": w.authority(), "user": to, "password": password,
		"topics": []any{map[string]any{"direction": "out", "filter": "#", "remote": "x/", "qos": 1}}}, &made)
	var st struct {
		State     string
		LastError string `json:"last_error"`
		Sent      int
	}
	until := func(good func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !good(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%+v\n%s", st, w.log)
			}
			ask("GET", "/instances/"+from+"/bridges/"+made.ID+"/state", nil, &st)
		}
	}
	until(func() bool { return st.State == "connected" })
	ask("POST", "/instances/"+from+"/publish", map[string]any{"topic": "a", "payload": "1", "qos": 1}, nil)
	until(func() bool { return st.Sent == 1 })
	if code := ask("DELETE", "/instances/"+from+"/bridges/"+made.ID, nil, nil); code != 204 {
		t.Errorf("delete: %d", code)
	}
}
