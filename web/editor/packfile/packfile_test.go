package packfile

import (
	"bytes"
	"strings"
	"testing"
)

var sample = []Source{
	{"b/long.js", []byte(strings.Repeat("let a = 1;\n", 500))},
	{"a/tiny.txt", []byte("x")},
	{"a/empty", nil},
}

func pack(t *testing.T, files []Source) (string, string) {
	t.Helper()
	var b bytes.Buffer
	digest, err := Write(&b, "1.2.3", files)
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), digest
}

func TestRoundTrip(t *testing.T) {
	data, digest := pack(t, sample)
	p, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	if p.Version != "1.2.3" || p.Digest != digest {
		t.Errorf("version %q, digest %q; want 1.2.3, %q", p.Version, p.Digest, digest)
	}
	for _, f := range sample {
		got := p.Lookup(f.Path)
		if got == nil {
			t.Fatalf("%s is missing", f.Path)
		}
		content, err := got.Content()
		if err != nil || !bytes.Equal(content, f.Content) {
			t.Errorf("%s: %d bytes, %v; want %d", f.Path, len(content), err, len(f.Content))
		}
	}
	if f := p.Lookup("b/long.js"); !f.Gzip || len(f.Stored()) > 200 {
		t.Errorf("long.js: gzip %v, %d bytes; want a short gzip stream", f.Gzip, len(f.Stored()))
	}
	if p.Lookup("a/tiny.txt").Gzip {
		t.Error("tiny.txt is compressed although that makes it longer")
	}
	var under []string
	for f := range p.Under("a/") {
		under = append(under, f.Path)
	}
	if strings.Join(under, " ") != "a/empty a/tiny.txt" {
		t.Errorf("Under(a/) = %v", under)
	}
}

func TestReproducible(t *testing.T) {
	one, _ := pack(t, sample)
	two, _ := pack(t, []Source{sample[2], sample[0], sample[1]})
	if one != two {
		t.Error("the order of the sources changes the archive")
	}
	_, other := pack(t, []Source{{"a/empty", []byte("y")}})
	_, digest := pack(t, sample)
	if other == digest {
		t.Error("other content, same digest")
	}
}

func TestRefuses(t *testing.T) {
	if _, err := Write(&bytes.Buffer{}, "1", []Source{{"a", nil}, {"a", nil}}); err == nil {
		t.Error("a path that comes twice was packed")
	}
	data, _ := pack(t, sample)
	for name, bad := range map[string]string{"empty": "", "cut": data[:len(data)/2], "not a zip": strings.Repeat("x", 400)} {
		if _, err := Open(bad); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	var b bytes.Buffer
	if _, err := Write(&b, "1", sample); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Fuzz(func(t *testing.T, data string) {
		p, err := Open(data)
		if err != nil {
			return
		}
		for file := range p.Under("") {
			file.Content()
		}
	})
}
