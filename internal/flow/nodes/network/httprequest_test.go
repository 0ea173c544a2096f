package network_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
)

// asking runs an http request node with the fields, and shows messages that it sends and errors.
func asking(t *testing.T, fields string, credentials ...string) *flowtest.Server {
	t.Helper()
	s := flowtest.Start(t, nodes.All())
	s.Load(flow.DeployFull, `[`+tab+`,{'id':'i','type':'inject','z':'t','wires':[['q']]},
{'id':'q','type':'http request','z':'t',`+fields+`,'wires':[['d']]},
{'id':'c','type':'catch','z':'t','wires':[['e']]},
{'id':'x','type':'tls-config','z':'t','verifyservercert':false},
{'id':'e','type':'debug','z':'t','name':'caught','active':true,'tosidebar':true,'complete':'error','targetType':'msg'},
{'id':'d','type':'debug','z':'t','name':'out','active':true,'tosidebar':true,'complete':'true','targetType':'full'}]`, credentials...)
	return s
}

// sent is what a debug node named out shows after a message with the properties was given.
func sent(t *testing.T, s *flowtest.Server, props string) map[string]any {
	t.Helper()
	s.Press("i", props)
	var event struct{ Msg string }
	var msg map[string]any
	if err := json.Unmarshal([]byte(s.Until("debug", `"name":"out"`)), &event); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(event.Msg), &msg); err != nil {
		t.Fatal(err, event.Msg)
	}
	return msg
}

// mirror answers with what it was asked.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/redirect":
		http.SetCookie(w, &http.Cookie{Name: "hop", Value: "1", Path: "/"})
		w.Header().Set("Location", "/end?x=1")
		w.WriteHeader(302)
		return
	case "/loop":
		http.Redirect(w, r, "/loop", http.StatusFound)
		return
	case "/slow":
		<-r.Context().Done()
		return
	case "/json":
		fmt.Fprint(w, `{"a":[1]}`)
		return
	case "/nothing":
		w.WriteHeader(204)
		return
	case "/digest":
		if !strings.HasPrefix(r.Header.Get("Authorization"), `Digest username="me", realm="r", nonce="n", uri="/digest?a", qop=auth, response="`) {
			w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth"`)
			w.WriteHeader(401)
			return
		}
	}
	w.Header().Set("X-One", "1")
	fmt.Fprintf(w, "%s %s|%s|%s|%s|%s|%s", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("X-A"), body)
}

func TestHTTPRequests(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(mirror))
	t.Cleanup(h.Close)
	for _, tt := range []struct{ name, fields, props, want string }{
		{"plain", `'method':'GET','url':'U/a b?x=20%&y={{payload}}'`, `[{'p':'payload','v':'1&2'}]`, "GET /a%20b?x=20%25&y=1&amp;2|||||"},
		{"post text", `'method':'POST','url':'U/p'`, `[{'p':'payload','v':'abc'}]`, "POST /p|||||abc"},
		{"post object", `'method':'POST','url':'U/p'`, `[{'p':'payload','v':'{\"a\":1}','vt':'json'}]`, `POST /p|application/json||||{"a":1}`},
		{"form", `'method':'POST','url':'U/p','headers':[{'keyType':'Content-Type','keyValue':'','valueType':'application/x-www-form-urlencoded','valueValue':''}]`,
			`[{'p':'payload','v':'{\"a\":[1,2],\"b\":\"x y\"}','vt':'json'}]`, `POST /p|application/x-www-form-urlencoded||||a=1&a=2&b=x%20y`},
		{"query", `'method':'GET','url':'U/p?z=1','paytoqs':'query'`, `[{'p':'payload','v':'{\"a\":1}','vt':'json'}]`, `GET /p?z=1&a=1|||||`},
		{"body of GET", `'method':'GET','url':'U/p','paytoqs':'body'`, `[{'p':'payload','v':'{\"a\":1}','vt':'json'}]`, `GET /p|||||{"a":1}`},
		{"own method", `'method':'use','url':'U/p'`, `[{'p':'payload','v':'x'},{'p':'method','v':'patch'}]`, `PATCH /p|||||x`},
		{"headers", `'method':'GET','url':'U/p','headers':[{'keyType':'other','keyValue':'x-a','valueType':'msg','valueValue':'topic'}]`, `[{'p':'topic','v':'T'},{'p':'headers','v':'{\"X-A\":\"no\"}','vt':'json'}]`, `GET /p||||T|`},
		{"cookies", `'method':'GET','url':'U/p'`, `[{'p':'cookies','v':'{\"a\":\"b c\",\"n\":null,\"o\":{\"value\":\"%\",\"encode\":false}}','vt':'json'}]`, `GET /p|||a=b%20c; o=%||`},
		{"redirect", `'method':'POST','url':'U/redirect'`, `[{'p':'payload','v':'x'}]`, `GET /end?x=1|||hop=1||`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := asking(t, strings.ReplaceAll(tt.fields, "U/", h.URL+"/"))
			m := sent(t, s, tt.props)
			if m["payload"] != tt.want || m["statusCode"] != 200.0 || m["retry"] != 0.0 {
				t.Errorf("got %v %v\nwant %s", m["statusCode"], m["payload"], tt.want)
			}
			if tt.name == "redirect" && (m["responseUrl"] != h.URL+"/end?x=1" || fmt.Sprint(m["redirectList"]) != "[map[cookies:map[hop:map[Path:/ value:1]] location:/end?x=1]]") {
				t.Errorf("%v %v", m["responseUrl"], m["redirectList"])
			}
		})
	}
}

func TestHTTPRequestReturnsAndSignsIn(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(mirror))
	t.Cleanup(h.Close)
	s := asking(t, `'method':'GET','url':'`+h.URL+`/json','ret':'obj'`)
	if m := sent(t, s, `[{'p':'x'}]`); fmt.Sprint(m["payload"]) != "map[a:[1]]" || m["headers"].(map[string]any)["content-length"] != "9" {
		t.Error(m)
	}
	s = asking(t, `'method':'GET','url':'`+h.URL+`/nothing','ret':'obj'`)
	if m := sent(t, s, `[{'p':'x'}]`); fmt.Sprint(m["payload"]) != "map[]" {
		t.Error(m)
	}
	for auth, want := range map[string]string{"basic": "Basic bWU6cHc=", "bearer": "Bearer pw"} {
		s = asking(t, `'method':'GET','url':'`+h.URL+`/p','authType':'`+auth+`'`, "q", "user", "me", "q", "password", "pw")
		if m := sent(t, s, `[{'p':'x'}]`); m["payload"] != "GET /p||"+want+"|||" {
			t.Error(m["payload"])
		}
	}
	s = asking(t, `'method':'GET','url':'`+h.URL+`/digest?a','authType':'digest'`, "q", "user", "me", "q", "password", "pw")
	if m := sent(t, s, `[{'p':'x'}]`); m["statusCode"] != 200.0 {
		t.Error(m["statusCode"], m["payload"])
	}
}

func TestHTTPRequestFaults(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(mirror))
	t.Cleanup(h.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	s := asking(t, `'method':'GET','url':''`)
	s.Press("i", `[{'p':'url','v':'http://`+closed+`'}]`)
	if e := s.Until("debug", `"name":"caught"`); !strings.Contains(e, "RequestError: connect ECONNREFUSED") {
		t.Error(e)
	}
	if m := s.Until("debug", `"name":"out"`); !strings.Contains(m, "RequestError: connect ECONNREFUSED "+closed+" : http://"+closed) || !strings.Contains(m, `\"statusCode\":\"ECONNREFUSED\"`) {
		t.Error(m)
	}
	s.Until("status/q", `"ECONNREFUSED"`)
	s.Press("i", `[{'p':'url','v':'`+h.URL+`/slow'},{'p':'requestTimeout','v':'50','vt':'num'}]`)
	if e := s.Until("debug", `"name":"caught"`); !strings.Contains(e, "no response from server") {
		t.Error(e)
	}
	if m := s.Until("debug", `"name":"out"`); !strings.Contains(m, "TimeoutError: Timeout awaiting 'request' for 50ms : ") || !strings.Contains(m, "ETIMEDOUT") {
		t.Error(m)
	}
	s.Press("i", `[{'p':'url','v':'`+h.URL+`/loop'}]`)
	if e := s.Until("debug", `"name":"caught"`); !strings.Contains(e, "MaxRedirectsError: Redirected 21 times. Aborting.") {
		t.Error(e)
	}
	s.Press("i", `[{'p':'url','v':''}]`)
	if e := s.Until("debug", `"name":"caught"`); !strings.Contains(e, "No url specified") {
		t.Error(e)
	}
}

func TestHTTPRequestByTLSAndProxy(t *testing.T) {
	h := httptest.NewTLSServer(http.HandlerFunc(mirror))
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(h.Close)
	s := asking(t, `'method':'GET','url':'`+h.URL+`/p'`)
	if m := sent(t, s, `[{'p':'x'}]`); m["statusCode"] == 200.0 {
		t.Error("a certificate of nobody was taken")
	}
	if m := sent(t, s, `[{'p':'rejectUnauthorized','v':'false','vt':'bool'}]`); m["statusCode"] != 200.0 {
		t.Error(m["payload"])
	}
	s = asking(t, `'method':'GET','url':'`+strings.TrimPrefix(h.URL, "https://")+`/p','tls':'x'`)
	if m := sent(t, s, `[{'p':'x'}]`); m["statusCode"] != 200.0 {
		t.Error(m["payload"])
	}
	var through string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through = r.URL.String() + " " + r.Header.Get("Proxy-Authorization")
	}))
	t.Cleanup(proxy.Close)
	u, _ := url.Parse(proxy.URL)
	s = flowtest.Start(t, nodes.All())
	s.Load(flow.DeployFull, `[`+tab+`,{'id':'i','type':'inject','z':'t','wires':[['q']]},{'id':'p','type':'http proxy','url':'http://`+u.Host+`','noproxy':['127.0.0.1']},
{'id':'q','type':'http request','z':'t','method':'GET','url':'','proxy':'p','wires':[['d']]},
{'id':'d','type':'debug','z':'t','name':'out','active':true,'tosidebar':true,'complete':'true','targetType':'full'}]`, "p", "username", "me", "p", "password", "pw")
	sent(t, s, `[{'p':'url','v':'http://elsewhere.example/a'}]`)
	if through != "http://elsewhere.example/a Basic bWU6cHc=" {
		t.Error(through)
	}
	through = ""
	sent(t, s, `[{'p':'url','v':'`+strings.Replace(h.URL, "https", "http", 1)+`/p'}]`)
	if through != "" {
		t.Error("went through the proxy:", through)
	}
}

func TestHTTPRequestSendsForms(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			t.Error(err)
			return
		}
		f := r.MultipartForm.File["f"][0]
		fmt.Fprint(w, r.FormValue("a"), r.FormValue("o"), f.Filename, f.Header.Get("Content-Type"), f.Size)
	}))
	t.Cleanup(h.Close)
	s := asking(t, `'method':'POST','url':'`+h.URL+`'`)
	m := sent(t, s, `[{'p':'headers','v':'{\"content-type\":\"multipart/form-data\"}','vt':'json'},
{'p':'payload','v':'{\"a\":\"x\",\"o\":{\"k\":1},\"f\":{\"value\":\"abc\",\"options\":{\"filename\":\"n.txt\",\"contentType\":\"text/x\"}}}','vt':'json'}]`)
	if m["payload"] != `x{"k":1}n.txttext/x3` {
		t.Error(m["payload"])
	}
}
