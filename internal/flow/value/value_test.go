package value

import (
	"math"
	"strings"
	"testing"
)

func TestNumbersPrintAsInJavaScript(t *testing.T) {
	tests := []struct {
		in   float64
		want string
	}{
		{0, "0"}, {math.Copysign(0, -1), "0"}, {1, "1"}, {-17, "-17"}, {1.5, "1.5"}, {0.1, "0.1"},
		{123456789012345680, "123456789012345680"}, {1e21, "1e+21"}, {1.5e300, "1.5e+300"}, {1e20, "100000000000000000000"},
		{1e-6, "0.000001"}, {1e-7, "1e-7"}, {1.25e-9, "1.25e-9"}, {5e-324, "5e-324"}, {1e-10, "1e-10"},
		{math.NaN(), "NaN"}, {math.Inf(-1), "-Infinity"}, {4294967296.25, "4294967296.25"},
	}
	for _, tt := range tests {
		if got := string(AppendNumber(nil, tt.in)); got != tt.want {
			t.Errorf("AppendNumber(%v) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestJSONComesBackAsJSONStringifyPrintsIt(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"order is kept", `{"b":1,"a":{"z":null,"y":[true,false]}}`, ""},
		{"whole numbers first, ascending", `{"b":1,"10":2,"9":3,"01":4,"4294967295":5}`, `{"9":3,"10":2,"b":1,"01":4,"4294967295":5}`},
		{"the last of equal keys, at the first place", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"white space", " [ 1 ,\n2 ] ", `[1,2]`},
		{"numbers", `[1.0,1e3,-0,12345678901234567890,0.1e-7,1E400]`, `[1,1000,0,12345678901234567000,1e-8,null]`},
		{"escapes", `"\u00e9\/\u0001\n\"\\"`, `"é/\u0001\n\"\\"`},
		{"surrogate pair", `"\ud83d\ude00"`, `"😀"`},
		{"lone surrogates survive", `["\ud800","\udc00x"]`, `["\ud800","\udc00x"]`},
		{"proto is a key", `{"__proto__":1}`, ""},
		{"empty", `[{},[],""]`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == "" {
				tt.want = tt.in
			}
			v, err := Parse([]byte(tt.in))
			if err != nil || JSON(v) != tt.want {
				t.Errorf("Parse(%s) printed as %s, %v; want %s", tt.in, JSON(v), err, tt.want)
			}
			lazy, err := ParseLazy([]byte(tt.in))
			if err != nil || JSON(lazy) != tt.want {
				t.Errorf("ParseLazy(%s) printed as %s, %v; want %s", tt.in, JSON(lazy), err, tt.want)
			}
		})
	}
}

func TestJSONErrorsSpeakAsV8(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "Unexpected end of JSON input"},
		{"[", "Unexpected end of JSON input"},
		{"undefined", `"undefined" is not valid JSON`},
		{"hello", `Unexpected token 'h', "hello" is not valid JSON`},
		{"[1,]", `Unexpected token ']', "[1,]" is not valid JSON`},
		{`{"a":1,"b":x,"c":"0123456789"}`, `Unexpected token 'x', ...""a":1,"b":x,"c":"012"... is not valid JSON`},
		{"{", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"},
		{`{"a":1`, "Expected ',' or '}' after property value in JSON at position 6 (line 1 column 7)"},
		{"[1\n2", "Expected ',' or ']' after array element in JSON at position 3 (line 2 column 1)"},
		{`{"a"`, "Expected ':' after property name in JSON at position 4 (line 1 column 5)"},
		{`{"a":1,}`, "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"},
		{"1 2", "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)"},
		{`"abc`, "Unterminated string in JSON at position 4 (line 1 column 5)"},
		{`"a` + "\n" + `"`, "Bad control character in string literal in JSON at position 2 (line 1 column 3)"},
		{`"\x"`, "Bad escaped character in JSON at position 2 (line 1 column 3)"},
		{strings.Repeat("[", MaxDepth+1), "More than 1000 levels of nesting in JSON at position 1000 (line 1 column 1001)"},
	}
	for _, tt := range tests {
		if _, err := Parse([]byte(tt.in)); err == nil || err.Error() != tt.want {
			t.Errorf("Parse(%.40q) = %v, want %s", tt.in, err, tt.want)
		}
	}
}

func TestCloneStaysWhenTheOriginalIsWritten(t *testing.T) {
	v, _ := ParseString(`{"a":{"b":[1,{"c":2}]},"d":3}`)
	clone := v.Clone()
	path, _ := ParsePath("a.b[1].c")
	own := v.Own()
	if ok, err := path.Set(own.Map(), Int(9), true, nil); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if got, want := JSON(own), `{"a":{"b":[1,{"c":9}]},"d":3}`; got != want {
		t.Errorf("written: %s, want %s", got, want)
	}
	if got, want := JSON(clone), `{"a":{"b":[1,{"c":2}]},"d":3}`; got != want {
		t.Errorf("clone: %s, want %s", got, want)
	}
}

func TestCloneOfLazyValueStays(t *testing.T) {
	v, _ := ParseLazy([]byte(`{"a":{"b":1}}`))
	m := NewMap(1).Set("payload", v)
	clone := m.Clone()
	own := m.Own()
	path, _ := ParsePath("payload.a.b")
	if ok, err := path.Set(own, Int(2), true, nil); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if JSON(own.Value()) != `{"payload":{"a":{"b":2}}}` || JSON(clone.Value()) != `{"payload":{"a":{"b":1}}}` {
		t.Errorf("written %s, clone %s", JSON(own.Value()), JSON(clone.Value()))
	}
}

func TestReferencesWithinAMessageAreSeenFromBothPlaces(t *testing.T) {
	m := NewMap(2)
	inner := NewMap(0).Value()
	m.Set("a", inner).Set("b", inner)
	path, _ := ParsePath("a.x")
	_, _ = path.Set(m, Int(1), true, nil)
	if JSON(m.Value()) != `{"a":{"x":1},"b":{"x":1}}` {
		t.Error(JSON(m.Value()))
	}
}

func TestWritingASharedObjectPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	m := NewMap(0)
	m.Clone()
	m.Set("a", Nil())
}

func TestMapWithManyKeys(t *testing.T) {
	m := NewMap(0)
	for i := range 300 {
		m.Set(strings.Repeat("k", i+1), Int(i))
	}
	m.Delete("kkk")
	if m.Len() != 299 || m.Get("kkkk").Num() != 3 || m.Has("kkk") {
		t.Error(m.Len(), m.Get("kkkk"), m.Has("kkk"))
	}
}

func TestDecodeUTF8ReplacesMaximalParts(t *testing.T) {
	tests := []struct{ in, want string }{
		{"ok é", "ok é"}, {"\xff", "\uFFFD"}, {"\xe2\x82", "\uFFFD"}, {"\xe2\x82x", "\uFFFDx"},
		{"\xc0\xaf", "\uFFFD\uFFFD"}, {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"}, {"\xf0\x9f\x98", "\uFFFD"},
	}
	for _, tt := range tests {
		if got := DecodeUTF8([]byte(tt.in)); got != tt.want {
			t.Errorf("DecodeUTF8(%x) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestConversions(t *testing.T) {
	for in, want := range map[string]float64{"": 0, " 12 ": 12, "0x1f": 31, "1e3": 1000, "-.5": -.5, "5.": 5, "Infinity": math.Inf(1)} {
		if got := ParseNumber(in); got != want {
			t.Errorf("ParseNumber(%q) = %v, want %v", in, got, want)
		}
	}
	for _, in := range []string{"1x", "inf", "nan", "1_000", "e", "1e", "--1", "0x", "0x-1"} {
		if got := ParseNumber(in); !math.IsNaN(got) {
			t.Errorf("ParseNumber(%q) = %v, want NaN", in, got)
		}
	}
	l := NewList(Int(1), Nil(), Value{}, Str("a"), NewMap(0).Value()).Value()
	if l.Text() != "1,,,a,[object Object]" {
		t.Error(l.Text())
	}
}
