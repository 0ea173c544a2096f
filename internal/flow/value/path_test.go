package value

import (
	"testing"
)

func TestParsePath(t *testing.T) {
	good := []string{"a", "a.b", "a.b[0]", `a["b"].c`, "a['b']['c']", "a[msg.b]", `a[msg["b"]].c`, "a[msg.b[msg.c]]", "0", "$a._b", `"a"["b"]`, "a.0.b", "é.x"}
	for _, s := range good {
		if _, err := ParsePath(s); err != nil {
			t.Errorf("ParsePath(%q): %v", s, err)
		}
	}
	bad := []struct{ in, want string }{
		{"", "zero-length"},
		{"a'", "unexpected ' at position 1"},
		{".a", "unexpected . at position 0"},
		{"a.", "unterminated expression"},
		{"a..b", "unexpected . at position 2"},
		{"[a]", "unexpected [ at position 0"},
		{"a[", "unterminated expression"},
		{"a[b]", "unexpected b at position 2"},
		{"a]", "unexpected ] at position 1"},
		{"a[0x]", "unexpected array expression at position 2"},
		{"a b", "unexpected ' ' at position 1"},
		{`a[""]`, "zero-length string at position 3"},
		{`a["b]`, "unterminated expression"},
		{`a["b"x]`, "unexpected array expression at position 3"},
		{"a[msg.b", "unmatched '[' at position 1"},
		{"a[0", "unterminated expression"},
	}
	for _, tt := range bad {
		if _, err := ParsePath(tt.in); err == nil || err.Error() != "Invalid property expression: "+tt.want {
			t.Errorf("ParsePath(%q) = %v, want %s", tt.in, err, tt.want)
		}
	}
}

const sample = `{"a":{"b":[10,{"c":"x"}]},"n":5,"t":"héllo","key":"b","i":1,"z":null}`

func TestPathGet(t *testing.T) {
	v, _ := ParseString(sample)
	tests := []struct{ path, want string }{
		{"a.b[1].c", `"x"`}, {"a.b.1.c", `"x"`}, {`a["b"][0]`, "10"}, {"a[msg.key][msg.i].c", `"x"`},
		{"a.b.length", "2"}, {"t.length", "5"}, {"t[1]", `"é"`}, {"a.q", "null"}, {"n.q", "null"}, {"z", "null"},
	}
	for _, tt := range tests {
		p, err := ParsePath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Get(v, v.Map())
		if err != nil || JSON(got) != tt.want {
			t.Errorf("Get(%q) = %s, %v; want %s", tt.path, JSON(got), err, tt.want)
		}
	}
	for path, want := range map[string]string{
		"q.r":        "Cannot read properties of undefined (reading 'r')",
		"z.r":        "Cannot read properties of null (reading 'r')",
		"a[msg.nix]": "Invalid expression: undefined reference msg.nix in a[msg.nix]",
	} {
		p, _ := ParsePath(path)
		if _, err := p.Get(v, v.Map()); err == nil || err.Error() != want {
			t.Errorf("Get(%q): %v, want %s", path, err, want)
		}
	}
}

func TestPathSet(t *testing.T) {
	tests := []struct {
		in, path string
		v        Value
		ok       bool
		want     string
	}{
		{`{}`, "a", Int(1), true, `{"a":1}`},
		{`{}`, "a.b.c", Int(1), true, `{"a":{"b":{"c":1}}}`},
		{`{}`, "a[2].c", Int(1), true, `{"a":[null,null,{"c":1}]}`},
		{`{}`, `a["1"]`, Int(1), true, `{"a":{"1":1}}`},
		{`{"a":5}`, "a.b", Int(1), false, `{"a":5}`},
		{`{"a":null}`, "a.b", Int(1), false, `{"a":null}`},
		{`{"a":[1,2,3]}`, "a[1]", Value{}, true, `{"a":[1,3]}`},
		{`{"a":{"b":1,"c":2}}`, "a.b", Value{}, true, `{"a":{"c":2}}`},
		{`{"k":"x"}`, "o[msg.k]", Int(1), true, `{"k":"x","o":{"x":1}}`},
	}
	for _, tt := range tests {
		t.Run(tt.in+" "+tt.path, func(t *testing.T) {
			v, _ := ParseString(tt.in)
			p, err := ParsePath(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			ok, err := p.Set(v.Map(), tt.v, tt.v.Defined(), v.Map())
			if ok != tt.ok || err != nil || JSON(v) != tt.want {
				t.Errorf("%v, %v, %s; want %v, %s", ok, err, JSON(v), tt.ok, tt.want)
			}
		})
	}
	v, _ := ParseString(`{"a":[]}`)
	p, _ := ParsePath("a[100000000]")
	if ok, err := p.Set(v.Map(), Int(1), true, nil); ok || err == nil {
		t.Error("a hole of 100 million elements was made")
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"a.b[0]", `a["b"][msg.c]`, "a[msg.b[msg.c]].d", "payload.0", "x['y'].z", "a["} {
		f.Add(s, sample)
	}
	f.Fuzz(func(t *testing.T, path, object string) {
		p, err := ParsePath(path)
		if err != nil {
			return
		}
		v, err := ParseString(object)
		if err != nil || v.Map() == nil {
			return
		}
		before := JSON(v.Clone())
		clone := v.Clone()
		own := v.Own().Map()
		ok, err := p.Set(own, Str("set"), true, own)
		if got, gerr := p.Get(own.Value(), own); ok && err == nil && gerr == nil && len(p.parts) > 0 && !p.refs && got.Str() != "set" {
			t.Errorf("Set(%q) then Get = %s in %s", path, JSON(got), JSON(own.Value()))
		}
		if JSON(clone) != before {
			t.Errorf("Set(%q) changed the clone: %s became %s", path, before, JSON(clone))
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{sample, `[1e5,"\ud800",{"1":2}]`, `"\u00e9"`, "\"\xff\"", "[[[[]]]]", `{"a":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := Parse(raw)
		lazy, lerr := ParseLazy(append([]byte(nil), raw...))
		if (err == nil) != (lerr == nil) {
			t.Fatalf("Parse: %v, ParseLazy: %v", err, lerr)
		}
		if err != nil {
			return
		}
		text := JSON(v)
		if got := JSON(lazy); got != text {
			t.Errorf("lazy prints %s, want %s", got, text)
		}
		again, err := ParseString(text)
		if err != nil || JSON(again) != text {
			t.Errorf("%s became %s, %v", text, JSON(again), err)
		}
	})
}
