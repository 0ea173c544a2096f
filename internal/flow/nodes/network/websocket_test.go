package network_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"tsunagi/internal/flow/nodes/network"
)

// browser is a WebSocket to a site.
func (s *site) socket(path string) *websocket.Conn {
	s.t.Helper()
	conn, res, err := websocket.Dial(s.t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.Body != nil {
		defer res.Body.Close()
	}
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

func say(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, conn *websocket.Conn) (string, websocket.MessageType) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kind, data, err := conn.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), kind
}

func TestWebSocketServer(t *testing.T) {
	s := newSite(t, network.WebOptions{}, `[`+tab+`,{'id':'l','type':'websocket-listener','path':'/ws','wholemsg':'false'},{'id':'w','type':'websocket-listener','path':'whole','wholemsg':'true'},
{'id':'l2','type':'websocket-listener','path':'/ws','wholemsg':'false'},
{'id':'n','type':'websocket in','z':'t','server':'l','client':'','wires':[['o','d']]},{'id':'o','type':'websocket out','z':'t','server':'l','client':'','wires':[]},
{'id':'i','type':'inject','z':'t','wires':[['o']]},
{'id':'nw','type':'websocket in','z':'t','server':'w','client':'','wires':[['ow']]},{'id':'ow','type':'websocket out','z':'t','server':'w','client':'','wires':[]},`+shown+`]`)
	s.Until("debug", "Cannot have two WebSocket listeners on the same path: /ws")
	one, two := s.socket("/ws"), s.socket("/ws")
	s.Until("status/n", "connected 2")
	say(t, one, "hello")
	if m := s.Until("debug", `"out"`); !strings.Contains(m, `\"payload\":\"hello\",\"_session\":{\"type\":\"websocket\",\"id\":`) {
		t.Error(m)
	}
	if text, _ := hear(t, one); text != "hello" {
		t.Error(text)
	}
	s.Press("i", `[{'p':'payload','v':'{\"all\":1}','vt':'json'}]`)
	if text, _ := hear(t, two); text != `{"all":1}` {
		t.Error("the answer to one went to all, or:", text)
	}
	s.Press("i", `[{'p':'payload','v':'[1,2]','vt':'bin'}]`)
	if text, kind := hear(t, two); text != "\x01\x02" || kind != websocket.MessageBinary {
		t.Errorf("%q %v", text, kind)
	}
	_ = two.Close(websocket.StatusNormalClosure, "")
	s.Until("status/n", "connected 1")
	_ = one.Close(websocket.StatusNormalClosure, "")
	s.Until("status/n", "common.status.disconnected")

	whole := s.socket("/whole")
	say(t, whole, `{"payload":1,"topic":"x"}`)
	if text, _ := hear(t, whole); !strings.HasPrefix(text, `{"payload":1,"topic":"x","_msgid":"`) || strings.Contains(text, "_session") {
		t.Error(text)
	}
}

func TestWebSocketClient(t *testing.T) {
	got := make(chan string, 10)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"p2"}})
		if err != nil {
			return
		}
		defer conn.CloseNow()
		got <- r.Header.Get("X-Key") + " " + conn.Subprotocol()
		_ = conn.Write(r.Context(), websocket.MessageText, []byte("welcome"))
		for {
			_, data, err := conn.Read(r.Context())
			if err != nil {
				got <- "closed " + websocket.CloseStatus(err).String()
				return
			}
			got <- string(data)
		}
	}))
	t.Cleanup(h.Close)
	address := "ws" + strings.TrimPrefix(h.URL, "http")
	s := newSite(t, network.WebOptions{}, `[`+tab+`,{'id':'c','type':'websocket-client','path':'`+address+`','wholemsg':'false','hb':'1','subprotocol':'p1, p2','headers':[{'keyType':'other','keyValue':'X-Key','valueType':'other','valueValue':'v'}]},
{'id':'n','type':'websocket in','z':'t','server':'','client':'c','wires':[['d']]},{'id':'o','type':'websocket out','z':'t','server':'','client':'c','wires':[]},
{'id':'i','type':'inject','z':'t','wires':[['o']]},`+shown+`]`)
	if text := <-got; text != "v p2" {
		t.Error(text)
	}
	s.Until("status/o", `"connected "`)
	if m := s.Until("debug", `"out"`); !strings.Contains(m, `\"payload\":\"welcome\"`) {
		t.Error(m)
	}
	s.Press("i", `[{'p':'payload','v':'5','vt':'num'}]`)
	if text := <-got; text != "5" {
		t.Error(text)
	}
	s.Load("full", `[`+tab+`]`)
	if text := <-got; text != "closed StatusNormalClosure" {
		t.Error(text)
	}
}
