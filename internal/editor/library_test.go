package editor

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLocalLibrary(t *testing.T) {
	w := newWorld(t, Options{})
	for _, path := range []string{"/library/local/flows", "/library/local/flows/", "/library/local/functions"} {
		w.get(path).want(t, 200, "[]")
	}
	w.do("POST", "/library/local/flows/a/My%20flow", `[{"id":"1"}]`).want(t, 204, "")
	w.do("POST", "/library/local/functions/b.js", `{"text":"return\nmsg","name":"B\\1","outputs":2,"note":"two\nlines"}`).want(t, 204, "")
	w.get("/library/local/flows").want(t, 200, `["a"]`)
	w.get("/library/local/flows/a").want(t, 200, `[{"fn":"My flow.json"}]`)
	w.get("/library/local/flows/a/My%20flow.json").want(t, 200, "[\n    {\n        \"id\": \"1\"\n    }\n]")
	w.get("/library/local/flows/a/My%20flow").wantPart(t, 200, `"id": "1"`)
	w.get("/library/local/functions").want(t, 200, `[{"fn":"b.js","name":"B\\1","note":"two\nlines","outputs":"2"}]`)
	w.get("/library/local/functions/b.js").want(t, 200, "return\nmsg")
	w.get("/library/local/flows/nope").want(t, 400, `{"code":"unexpected_error","message":"Library Entry not found nope"}`)
	w.get("/library/local/odd").wantPart(t, 400, "Unknown library type: odd")
	w.do("POST", "/library/local/flows/a", `[]`).want(t, 204, "") // a.json, beside the folder
	w.do("POST", "/library/local/functions/b.js/c", `{"text":""}`).want(t, 400, "")
	w.do("POST", "/library/local/functions/d", `{"name":"x"}`).wantPart(t, 400, "no text")
	w.do("POST", "/library/local/flows/x", `[`).wantPart(t, 400, "")
	w.do("POST", "/library/examples/flows/x", `[]`).wantPart(t, 403, "forbidden")
}

func TestLibraryStaysInside(t *testing.T) {
	w := newWorld(t, Options{})
	w.do("POST", "/library/local/flows/a", `[]`).want(t, 204, "")
	for _, path := range []string{"..%2f..%2fflows.json", "%2e%2e%2fx", "a%2f..%2f..%2f..%2fx", ".hidden", "x%5c..%5cy", "x%00"} {
		w.get("/library/local/flows/"+path).wantPart(t, 403, "forbidden")
		w.do("POST", "/library/local/flows/"+path, `[]`).wantPart(t, 403, "forbidden")
	}
	w.get("/library/local/..%2f/x").wantPart(t, 403, "forbidden")
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(w.store.Path(), "lib", "flows", "link")); err != nil {
		t.Skip("no symbolic links here")
	}
	w.get("/library/local/flows/link/secret").wantPart(t, 403, "forbidden")
	w.do("POST", "/library/local/flows/link/new", `[]`).wantPart(t, 403, "forbidden")
	w.get("/library/nope/flows").wantPart(t, 400, "Unknown library")
}

func TestExamples(t *testing.T) {
	w := newWorld(t, Options{})
	w.get("/library/examples/flows").want(t, 200, `["node-red"]`)
	w.get("/library/examples/flows/node-red").want(t, 200, `["common"]`) // nothing runs file
	w.get("/library/examples/flows/node-red/common/inject").want(t, 200, `[{"fn":"01 - Run"}]`)
	w.get("/library/examples/flows/node-red/common/inject/01%20-%20Run").want(t, 200, `[{"id":"1","type":"inject"}]`)
	w.get("/library/examples/flows/node-red/nope").wantPart(t, 404, "not_found")
	w.get("/library/examples/flows/other").wantPart(t, 404, "not_found")
	w.get("/library/examples/functions").want(t, 200, "[]")
}
