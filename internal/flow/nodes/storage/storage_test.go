package storage_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
)

const around = `{'id':'t','type':'tab'},{'id':'d','type':'debug','z':'t','name':'d','active':true,'complete':'true','targetType':'full','tosidebar':true},
	{'id':'c','type':'catch','z':'t','scope':null,'wires':[['caught']]},
	{'id':'caught','type':'debug','z':'t','name':'caught','active':true,'complete':'true','targetType':'full','tosidebar':true},`

func start(t *testing.T, dir string, change func(*flow.Options), flows string) *flowtest.Server {
	t.Helper()
	s := flowtest.Start(t, nodes.All(), func(o *flow.Options) { o.Dir = dir }, func(o *flow.Options) {
		if change != nil {
			change(o)
		}
	})
	s.Load(flow.DeployFull, "["+around+flows+"]")
	return s
}

func inject(id, to, props string) string {
	return `{'id':'` + id + `','type':'inject','z':'t','props':` + props + `,'wires':[['` + to + `']]}`
}

// shown returns the message that a debug node shows next.
func shown(t *testing.T, s *flowtest.Server, name string) map[string]any {
	t.Helper()
	var out struct{ Msg string }
	if err := json.Unmarshal([]byte(s.Until("debug", `"name":"`+name+`"`)), &out); err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal([]byte(out.Msg), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func fault(t *testing.T, s *flowtest.Server) string {
	t.Helper()
	e, _ := shown(t, s, "caught")["error"].(map[string]any)
	text, _ := e["message"].(string)
	return text
}

const payload = `[{'p':'payload','v':'x','vt':'str'},{'p':'filename','v':'','vt':'str'}]`

// A hosted flow server reaches the files of its own directory and nothing else, whatever name
// a flow or a message gives (reliability, row 25).
func TestConfined(t *testing.T) {
	base := t.TempDir()
	own, outer := filepath.Join(base, "own"), filepath.Join(base, "outer")
	for _, dir := range []string{own, outer} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	secret := filepath.Join(outer, "secret.txt")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link.txt": secret, "dir": outer, "up": "..", "relative.txt": "../outer/secret.txt", "inner.txt": "real.txt"} {
		if err := os.Symlink(to, filepath.Join(own, link)); err != nil {
			t.Skip(err)
		}
	}
	s := start(t, "", func(o *flow.Options) { o.NoLocalFiles, o.FilesDir, o.FilesMax = true, own, 1<<20 },
		inject("i", "r", "[]")+`,{'id':'r','type':'file in','z':'t','filename':'filename','filenameType':'msg','format':'utf8','wires':[['d']]},`+
			inject("j", "w", "[]")+`,{'id':'w','type':'file','z':'t','filename':'filename','filenameType':'msg','overwriteFile':'true','createDir':true,'wires':[['d']]},`+
			inject("k", "x", "[]")+`,{'id':'x','type':'file','z':'t','filename':'filename','filenameType':'msg','overwriteFile':'delete','wires':[['d']]},`+
			inject("l", "a", "[]")+`,{'id':'a','type':'file','z':'t','filename':'filename','filenameType':'msg','overwriteFile':'false','createDir':true,'wires':[['d']]}`)
	for _, name := range []string{secret, "../outer/secret.txt", "a/../../outer/secret.txt", "link.txt", "dir/secret.txt", "up/outer/secret.txt", "relative.txt",
		"/etc/passwd", "/proc/self/environ", "..", own + "/../outer/secret.txt", "./../outer/secret.txt"} {
		for _, button := range []string{"i", "j", "k", "l"} {
			if button == "k" && (name == "link.txt" || name == "relative.txt") {
				continue // the link itself may be deleted
			}
			s.Press(button, fmt.Sprintf(`[{'p':'payload','v':'x','vt':'str'},{'p':'filename','v':'%s','vt':'str'}]`, name))
			if got := fault(t, s); !strings.Contains(got, "EACCES") && !strings.Contains(got, "EISDIR") && !strings.Contains(got, "ENOTDIR") && !strings.Contains(got, "EEXIST") {
				t.Errorf("%s of %s: %q, want a refusal", button, name, got)
			}
		}
	}
	if content, err := os.ReadFile(secret); err != nil || string(content) != "secret" {
		t.Errorf("the file outside is %q, %v", content, err)
	}
	for _, name := range []string{"real.txt", "new/dir/f.txt", "inner.txt", own + "/abs.txt"} {
		s.Press("j", fmt.Sprintf(`[{'p':'payload','v':'mine','vt':'str'},{'p':'filename','v':'%s','vt':'str'}]`, name))
		s.Until("debug", `"name":"d"`)
		s.Press("i", fmt.Sprintf(`[{'p':'filename','v':'%s','vt':'str'}]`, name))
		if m := shown(t, s, "d"); m["payload"] != "mine" {
			t.Errorf("%s: %v", name, m["payload"])
		}
	}
}

// The files of a hosted flow server have a bound in bytes, with room again after a delete.
func TestRoomIsBounded(t *testing.T) {
	dir := t.TempDir()
	s := start(t, "", func(o *flow.Options) { o.NoLocalFiles, o.FilesDir, o.FilesMax = true, dir, 1<<20 },
		inject("i", "w", "[{'p':'payload','v':'"+strings.Repeat("x", 300<<10)+"','vt':'str'}]")+`,{'id':'w','type':'file','z':'t','filename':'f.txt','overwriteFile':'false','wires':[['d']]},`+
			inject("k", "x", payload)+`,{'id':'x','type':'file','z':'t','filename':'f.txt','overwriteFile':'delete','wires':[['d']]}`)
	for range 3 {
		s.Press("i", "")
		s.Until("debug", `"name":"d"`)
	}
	s.Press("i", "")
	if got := fault(t, s); !strings.Contains(got, "EDQUOT") {
		t.Errorf("the fourth write: %q", got)
	}
	s.Press("k", "")
	s.Until("debug", `"name":"d"`)
	s.Press("i", "")
	s.Until("debug", `"name":"d"`)
}

func TestNoFilesAtAll(t *testing.T) {
	s := start(t, "", func(o *flow.Options) { o.NoLocalFiles = true },
		inject("i", "r", payload)+`,{'id':'r','type':'file in','z':'t','filename':'/etc/hostname','format':'utf8','wires':[['d']]}`)
	s.Press("i", "")
	if got := fault(t, s); !strings.Contains(got, "EACCES") {
		t.Errorf("%q", got)
	}
}

// Close waits for what is to be written: nothing that a flow gave to the node is lost.
func TestCloseWrites(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, nil, inject("i", "w", `[{'p':'payload','v':'line','vt':'str'}]`)+`,{'id':'w','type':'file','z':'t','filename':'f.txt','appendNewline':true,'overwriteFile':'false','wires':[['d']]}`)
	for range 200 {
		s.Press("i", "")
	}
	s.Load(flow.DeployFull, `[{'id':'t','type':'tab'}]`)
	content, err := os.ReadFile(filepath.Join(dir, "f.txt"))
	if err != nil || string(content) != strings.Repeat("line\n", 200) {
		t.Errorf("%d bytes, %v", len(content), err)
	}
}

// A file that is moved away is made anew, as logrotate needs it.
func TestAppendAfterRotation(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, nil, inject("i", "w", `[{'p':'payload','v':'line','vt':'str'}]`)+`,{'id':'w','type':'file','z':'t','filename':'f.txt','appendNewline':true,'overwriteFile':'false','wires':[['d']]}`)
	press := func() { s.Press("i", ""); s.Until("debug", `"name":"d"`) }
	press()
	if err := os.Rename(filepath.Join(dir, "f.txt"), filepath.Join(dir, "old.txt")); err != nil {
		t.Fatal(err)
	}
	press()
	press()
	for name, want := range map[string]string{"old.txt": "line\n", "f.txt": "line\nline\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestAppendFails(t *testing.T) {
	s := start(t, t.TempDir(), nil, inject("i", "w", payload)+`,{'id':'w','type':'file','z':'t','filename':'no/such/f.txt','overwriteFile':'false','wires':[['d']]}`)
	s.Press("i", "")
	if got := fault(t, s); got != "failed to append to file: Error: ENOENT: no such file or directory, open 'no/such/f.txt'" {
		t.Error(got)
	}
}

func TestSendError(t *testing.T) {
	s := start(t, t.TempDir(), nil, inject("i", "r", payload)+`,{'id':'r','type':'file in','z':'t','filename':'none.txt','format':'utf8','sendError':true,'wires':[['d']]}`)
	s.Press("i", "")
	if got := fault(t, s); got != "Error: ENOENT: no such file or directory, open 'none.txt'" {
		t.Error(got)
	}
	m := shown(t, s, "d")
	e, _ := m["error"].(map[string]any)
	if _, has := m["payload"]; has || e["code"] != "ENOENT" {
		t.Errorf("%v", m)
	}
}

// Chunks and lines of a file that is larger than one read, with characters across the edges.
func TestLargeFile(t *testing.T) {
	dir := t.TempDir()
	line := strings.Repeat("日本", 40)
	text := strings.Repeat(line+"\n", 2000) // 482 kB
	if err := os.WriteFile(filepath.Join(dir, "f.txt"), []byte(text[:2*65536]), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir, nil, inject("i", "r", `[]`)+`,{'id':'r','type':'file in','z':'t','filename':'f.txt','format':'stream','wires':[['d']]},`+
		inject("j", "l", `[]`)+`,{'id':'l','type':'file in','z':'t','filename':'g.txt','format':'lines','wires':[['sum']]},`+
		`{'id':'sum','type':'function','z':'t','outputs':1,'func':'const n = context.get(\"n\") || [0, 0]; n[0]++; n[1] += msg.payload.length; context.set(\"n\", n); if (msg.parts.count) { msg.payload = n; return msg }','wires':[['d']]}`)
	s.Press("i", "")
	for i, want := range []string{`"index":0,"ch":""`, `"index":1,"ch":""`, `"index":2,"count":2`} {
		raw := s.Until("debug", `"name":"d"`)
		if !strings.Contains(strings.ReplaceAll(raw, `\"`, `"`), want) {
			t.Errorf("part %d: %.300s", i, raw)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "g.txt"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Press("j", "")
	if m := shown(t, s, "d"); fmt.Sprint(m["payload"]) != "[2001 160000]" {
		t.Errorf("lines and characters: %v", m["payload"])
	}
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "w/sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("single.txt", "a")
	s := start(t, dir, nil, `{'id':'w','type':'watch','z':'t','files':'w','recursive':true,'wires':[['d']]},
		{'id':'v','type':'watch','z':'t','files':'single.txt, none.txt','recursive':'','wires':[['d']]}`)
	if got := fault(t, s); got != "Error: none.txt does not exist." {
		t.Error(got)
	}
	expect := func(want string) {
		t.Helper()
		raw := strings.ReplaceAll(s.Until("debug", `"name":"d"`), `\"`, `"`)
		if !strings.Contains(raw, want) {
			t.Errorf("%s\nwant %s", raw, want)
		}
	}
	put("w/a.txt", "four")
	expect(`"payload":"w/a.txt","topic":"w","file":"a.txt","filename":"w/a.txt","event":"update","size":4,"type":"file"`)
	put("w/sub/b.txt", "x")
	expect(`"payload":"w/sub/b.txt","topic":"w","file":"b.txt","filename":"w/sub/b.txt","event":"update","size":1,"type":"file"`)
	if err := os.Mkdir(filepath.Join(dir, "w/new"), 0o700); err != nil {
		t.Fatal(err)
	}
	expect(`"payload":"w/new","topic":"w","file":"new","filename":"w/new","event":"update","type":"directory"`)
	put("w/new/c.txt", "yz")
	expect(`"payload":"w/new/c.txt","topic":"w","file":"c.txt","filename":"w/new/c.txt","event":"update","size":2,"type":"file"`)
	if err := os.Remove(filepath.Join(dir, "w/a.txt")); err != nil {
		t.Fatal(err)
	}
	expect(`"payload":"w/a.txt","topic":"w","file":"a.txt","filename":"w/a.txt","event":"remove","type":"none"`)
	put("single.txt", "ab")
	expect(`"payload":"single.txt","topic":"[\\"single.txt\\",\\"none.txt\\"]","file":"single.txt","filename":"single.txt","event":"update","size":2,"type":"file"`)
}
