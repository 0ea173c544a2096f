package value

import "testing"

func TestInspectAsNodeJS(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{"a":1,"b-c":"it's","d":[1,2,3],"e":{},"f":[]}`, `{ a: 1, 'b-c': "it's", d: [ 1, 2, 3 ], e: {}, f: [] }`},
		{`{"a":{"b":{"c":{"d":1},"e":{}}}}`, "{ a: { b: { c: [Object], e: {} } } }"},
		{`[1,22,333,4,5,6,7]`, "[\n  1, 22, 333, 4,\n  5,  6,   7\n]"},
		{`["日本語","abcdefghij","x","y","z","w","v"]`, "[ '日本語', 'abcdefghij', 'x', 'y', 'z', 'w', 'v' ]"},
		{`"a\nb\t'\"` + "`" + `"`, `'a\nb\t\'"` + "`'"},
		{`{"long":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","another":"yyyyyyyyyyyyyyyyyyyyyyyyyyyy"}`,
			"{\n  long: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',\n  another: 'yyyyyyyyyyyyyyyyyyyyyyyyyyyy'\n}"},
	}
	for _, tt := range tests {
		v, err := ParseString(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := Inspect(v); got != tt.want {
			t.Errorf("Inspect(%s) =\n%s\nwant\n%s", tt.in, got, tt.want)
		}
	}
	if got := Inspect(Data([]byte("ab"))); got != "<Buffer 61 62>" {
		t.Error(got)
	}
}
