//go:build !no_ui

package editor

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

// allTypes are the node types of Node-RED 5.0.7.
var allTypes = strings.Split("batch,catch,change,comment,complete,csv,debug,delay,exec,file,file in,function,global-config,"+
	"html,http in,http proxy,http request,http response,inject,join,json,junction,link call,link in,link out,mqtt in,mqtt out,"+
	"mqtt-broker,range,rbe,sort,split,status,switch,tcp in,tcp out,tcp request,template,tls-config,trigger,udp in,udp out,"+
	"unknown,watch,websocket in,websocket out,websocket-client,websocket-listener,xml,yaml", ",")

type fullRuntime struct{ fakeRuntime }

func (*fullRuntime) Types() []string { return allTypes }

// TestSameAsNodeRED compares answers with those of Node-RED 5.0.7, recorded as SHA-256: the HTML of the nodes byte for
// byte, catalogues as JSON with sorted keys.
func TestSameAsNodeRED(t *testing.T) {
	assets, err := EmbeddedAssets()
	if err != nil || assets == nil {
		t.Fatal(assets, err)
	}
	w := newWorld(t, Options{Assets: assets, Runtime: &fullRuntime{}})
	for _, tt := range []struct{ path, language, sum string }{
		{"/nodes", "en-US", "cb150de0430e58a8d7ea85cb925d9a335dbdcf9ce2f1db7581a5bf6c9d6448b8"},
		{"/nodes", "ja", "4d61f83a01f41ef82ff3c207612a936f00081a8c0ac97f9ffa95f36b2aef5b0e"},
		{"/nodes", "de", "8cb91b7c56d8f76bdcc38e730ae0db13ab09cf2fd7cb21d477fbd9e7639add9a"},
		{"/nodes", "pt-BR", "f90b532956e03a2950e91e7b4ee8e4fd61e793935dea89b4471b31a8b8e5b31a"},
		{"/nodes", "zh-CN", "14aec858247d1c9170a009b39b5b9b2e96437cc73539540f0d882a441971dbb9"},
		{"/locales/editor?lng=en-US", "en-US", "5b5181cb9216f7051f4a931c47ca002fd0a19c55f41ddd423ec3fca848e41d08"},
		{"/locales/node-red?lng=en-US", "en-US", "4a33266785228b91d3062ab52aa0452c601569e33065fd129f65eef4be704de1"},
		{"/locales/jsonata?lng=en-US", "en-US", "cedf0861919700f726a623511606c9ce9d97b9bbfd35b14e394e846891138ca3"},
		{"/locales/infotips?lng=en-US", "en-US", "73c729a159b27371e384b71b286cc98aad39a959f98b6fe156b7dcd64838f104"},
		{"/locales/editor?lng=ja", "ja", "31285f7cefbe86f76421afdae94f9dd57209af1386615a960f2e3f50d4a19b1d"},
		{"/locales/node-red?lng=ja", "ja", "2034e693751a9941ee47c77509e8dd1f25abb49901561a8fec12565dfa9c6163"},
		{"/locales/jsonata?lng=ja", "ja", "3b31aebf46660f05b634aeea5482cb9943388f2fb0f426ddbb36f12662ddcecf"},
		{"/locales/infotips?lng=ja", "ja", "307442b1de9383dfc6b8f69631845b92a756950408814700b29822add2db4bfc"},
		{"/locales/editor?lng=fr", "fr", "9c2e4ab48d532d45a60f2943354ae2ba242f4bc7e251f42e6e6406402f30f280"},
		{"/locales/node-red?lng=fr", "fr", "8b51468db67208523caa17cb7e5f82edae49a2b778ff90d1885597cf24976da8"},
		{"/locales/jsonata?lng=fr", "fr", "e16926cf1d97d08609eaed3207107a0f798290e01ceab7f69a14b8a90a8bf9fb"},
		{"/locales/infotips?lng=fr", "fr", "343b07c4394cf29b3250745d3ef1f9d50227e4785cc06bc82cc5da0b7bfdaf24"},
	} {
		a := w.get(tt.path, "Accept", "text/html", "Accept-Language", tt.language)
		text := []byte(a.body)
		if strings.HasPrefix(tt.path, "/locales") {
			var v any
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			text, _ = json.Marshal(v) // it was JSON
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != tt.sum {
			t.Errorf("%s in %s is not what Node-RED answers (%d bytes)", tt.path, tt.language, len(text))
		}
	}
	list := w.get("/nodes", "Accept", "application/json")
	if sum := sha256.Sum256([]byte(list.body)); hex.EncodeToString(sum[:]) != "a120b50505c5b28349aad5ab6d0743274e246cc3f55dfd42e9d727087533f7da" {
		t.Errorf("the list of nodes is not what Node-RED answers: %s", list.body)
	}
}

func TestRealPage(t *testing.T) {
	assets, err := EmbeddedAssets()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, Options{Assets: assets})
	page := w.get("/").body
	if strings.Contains(page, "{{") || !strings.Contains(page, "<title>Tsunagi</title>") || strings.Contains(page, "ace-bootstrap") {
		t.Errorf("page %s", page)
	}
	for _, tag := range strings.Split(page, `="`)[1:] {
		link, _, _ := strings.Cut(tag, `"`)
		if strings.Contains(link, "/") && !strings.HasPrefix(link, "image/") {
			if a := w.get("/" + link); a.status != 200 {
				t.Errorf("the page asks for %s, which is answered with %d", link, a.status)
			}
		}
	}
	for _, path := range []string{"vendor/monaco/dist/editor.js", "vendor/monaco/dist/ts.worker.js", "vendor/mermaid/mermaid.min.js", "red/keymap.json", "types/node/fs.d.ts", "favicon.ico", "tsunagi/notices.txt"} {
		if a := w.get("/" + path); a.status != 200 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, path := range []string{"red/red.js", "vendor/ace/ace.js", "red/tours/4.1/welcome.js"} {
		if a := w.get("/" + path); a.status != 404 {
			t.Errorf("%s was packed", path)
		}
	}
}
